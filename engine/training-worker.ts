import type { AnyOperator } from './operator.js';

/** A training task: pure, off the stream. */
export interface TrainingTask {
  readonly operators: string;
  readonly type: string;
  readonly task: string;
  readonly input: Uint8Array;
}

export default async function train({ operators, type, task, input }: TrainingTask): Promise<Uint8Array> {
  const { operators: definitions } = (await import(operators)) as { operators: readonly AnyOperator[] };
  const run = definitions.find((d) => d.name === type)?.tasks?.[task];
  if (run === undefined) throw new Error(`operator ${type} has no training task ${task}`);
  return run(input);
}
