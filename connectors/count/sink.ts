import { z } from 'zod';
import type { Batch } from '../../engine/batch.js';
import { defineSink, type ConnectorContext, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';

const config = z.strictObject({});

/** The sum of a column and how many NaN stood in it; in `Totals` the row's value is the column `value`. */
export type ColumnTotal = { readonly sum: number; readonly missing: number };

/** What came from one node. */
export type Totals = { readonly rows: number; readonly columns: Readonly<Record<string, ColumnTotal>>; readonly findings: Readonly<Record<string, number>> };

interface Counting {
  rows: number;
  readonly columns: Record<string, { sum: number; missing: number }>;
  readonly findings: Record<string, number>;
}

const bySink = new Map<string, ReadonlyMap<string, Totals>>();

/** Totals by node of the count sink of this name, in this thread; kept until a new run of a sink of that name. Throws where there is none. */
export function totals(name: string): ReadonlyMap<string, Totals> {
  const found = bySink.get(name);
  if (found === undefined) throw new Error(`no count sink ${name} was opened; there are: ${[...bySink.keys()].join(', ') || 'none'}`);
  return found;
}

const DONE = Promise.resolve();

class CountSink implements Sink {
  readonly #context: ConnectorContext;
  readonly #nodes = new Map<string, Counting>();

  constructor(context: ConnectorContext) {
    this.#context = context;
  }

  open(from: Position | undefined): Promise<void> {
    for (const [node, saved] of Object.entries((from ?? {}) as Record<string, Totals>)) this.#nodes.set(node, structuredClone(saved) as Counting);
    bySink.set(this.#context.node, this.#nodes);
    return DONE;
  }

  write(node: string, batch: Batch): Promise<void> {
    const counting = this.#of(node);
    counting.rows += batch.length;
    add((counting.columns['value'] ??= { sum: 0, missing: 0 }), batch.value, batch.length);
    for (const name in batch.columns) add((counting.columns[name] ??= { sum: 0, missing: 0 }), batch.columns[name]!, batch.length);
    return DONE;
  }

  receive(node: string, finding: Finding): Promise<void> {
    const { findings } = this.#of(node);
    findings[finding.kind] = (findings[finding.kind] ?? 0) + 1;
    return DONE;
  }

  flush(): Promise<Position> {
    return Promise.resolve(structuredClone(Object.fromEntries(this.#nodes)) as unknown as Position);
  }

  close(): Promise<void> {
    for (const [node, counting] of this.#nodes) this.#context.log.info({ node, ...counting }, `${node}: ${counting.rows} rows`);
    return DONE;
  }

  #of(node: string): Counting {
    let counting = this.#nodes.get(node);
    if (counting === undefined) this.#nodes.set(node, (counting = { rows: 0, columns: {}, findings: {} }));
    return counting;
  }
}

function add(total: { sum: number; missing: number }, column: Float64Array, length: number): void {
  let sum = 0;
  let missing = 0;
  for (let i = 0; i < length; i++) {
    const value = column[i]!;
    if (Number.isNaN(value)) missing += 1;
    else sum += value;
  }
  total.sum += sum;
  total.missing += missing;
}

export const countSink = defineSink({
  name: 'count',
  summary: 'Counts rows and findings and sums the columns, for benchmarks and checks.',
  description: `By node: how many rows, for each column its sum and how many NaN it had, and findings by kind. They are logged at the end and read by a program with
\`totals(name)\`. Totals are part of the checkpoint, so a run that was interrupted has the same ones.`,
  config,
  examples: [{ title: 'How much comes out of a window', yaml: 'sinks:\n  total: { type: count, from: window }' }],
  create: (_options, context) => new CountSink(context),
});
