import type { Ask } from './ask.js';
import type { Time } from './clock.js';
import type { ControlSender } from './control.js';
import type { Intake } from './intake.js';
import type { Journal } from './journal.js';
import { BLOCK_SHIFT, WATERMARK_STEP_MS } from './limits.js';
import type { ThreadNames } from './names.js';
import { NodeError } from './node-error.js';
import type { PlannedOperator } from './plan.js';
import type { Trainer } from './training-thread.js';

/**
 * Trains what operators ask for, off the stream, which never waits for it; and decides at which watermark the
 * answer takes effect.
 */
export class Training {
  constructor(
    readonly trainer: Trainer,
    /** Address of the module that exports `operators`. */
    readonly operators: string,
    readonly replay: boolean,
    readonly names: ThreadNames,
    /** By shard. */
    readonly controls: readonly ControlSender[],
    readonly journal: Journal | undefined,
  ) {}

  /** Resolves when the answer is on its way to the shard that asked; rejects, naming the operator, when the task throws. */
  async answer(node: PlannedOperator, ask: Ask, intake: Intake): Promise<void> {
    const { slot, task, asked } = ask;
    const series = this.names.text(slot);
    const member = this.names.member(slot);
    const answer = Buffer.from(await this.#run(node, ask)).toString('base64');
    const tell = (due: Time): Promise<void> => intake.tell(this.controls[this.names.shardOf[slot >>> BLOCK_SHIFT]!]!, { type: 'answer', node: node.index, slot, task, asked, due, answer });
    // A replay waits for it, and so does who learnt it once before: then nothing is sent on before it comes.
    if (this.replay || node.waits || ask.waits) {
      for (const d of this.journal?.decisions ?? []) if (d.type === 'answer' && d.node === node.spec.name && d.series === series && d.member === member && d.task === task && d.asked === asked) this.journal?.repeated(d);
      return tell(ask.due);
    }
    await intake.between(async () => {
      // A late one takes effect at the next watermark that nobody has seen, also not before a crash. After the end there is none.
      const furthest = Math.max(intake.told(node), this.journal?.horizon ?? -Infinity);
      if (furthest === Infinity) return true;
      const due = furthest < ask.due ? ask.due : Math.floor(furthest / WATERMARK_STEP_MS + 1) * WATERMARK_STEP_MS;
      if ((await this.journal?.record({ type: 'answer', node: node.spec.name, series, member, task, asked, due })) === false) return false;
      await tell(due);
      return true;
    });
  }

  async #run(node: PlannedOperator, { task, input }: Ask): Promise<Uint8Array> {
    try {
      return await this.trainer.run({ operators: this.operators, type: node.spec.type, task, input });
    } catch (error) {
      throw new NodeError(node, `in training task ${task}`, error);
    }
  }

  close(): Promise<void> {
    return this.trainer.close();
  }
}
