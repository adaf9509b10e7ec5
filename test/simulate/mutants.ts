/** A fault planted into one compiled file: a text that stands there once, and what stands there instead. */
export interface Mutant {
  readonly name: string;
  readonly says: string;
  /** From the root of the build. */
  readonly file: string;
  readonly text: string;
  readonly instead: string;
  /** The first seed to try; default 0. Some show in one of a thousand. */
  readonly from?: number;
}

/** Faults that engines like this one have had; the simulator must find each. */
export const mutants: readonly Mutant[] = [
  {
    name: 'commit-before-flush',
    says: 'A checkpoint does not wait for what a store was sent',
    file: 'engine/sink-pump.js',
    text: 'const position = await this.#sink.flush(this.#barrier);',
    instead: 'const position = this.#aligner === undefined ? (void this.#sink.flush(this.#barrier).catch(() => {}), null) : await this.#sink.flush(this.#barrier);',
  },
  {
    name: 'watermark-before-its-rows',
    says: 'The watermark of all that was read goes before the first of its rows',
    file: 'engine/intake.js',
    text: 'await this.#sendRun(staging, staging.next);',
    instead: 'await this.#sendRun(staging, staging.watermark.before(Math.max(...staging.time.subarray(staging.sent, staging.ready))));',
  },
  {
    name: 'answer-lost',
    says: 'A question to the training thread that is open at a barrier is not saved',
    file: 'engine/stage.js',
    text: 'asks: this.output.asks.map((ask) => ({ ...ask })),',
    instead: 'asks: [],',
  },
  {
    name: 'barrier-overtaken',
    says: 'An actor goes on reading an input whose barrier has come',
    file: 'engine/actor.js',
    text: 'if (mailbox.aligned || mailbox.ended || this.#held(mailbox))',
    instead: 'if (mailbox.ended || this.#held(mailbox))',
    from: 440,
  },
  {
    name: 'repeats-told-by-time',
    says: 'A source takes a message for a repeat of another of the same time',
    file: 'test/simulate/sources.js',
    text: 'const identity = message.id;',
    instead: 'const identity = message.rows[0][0];',
  },
  {
    name: 'answer-not-written',
    says: 'When an answer takes effect is told without being written down',
    file: 'engine/training.js',
    text: "if ((await this.journal?.record({ type: 'answer', node: node.spec.name, series, member, task, asked, due })) === false)",
    instead: 'if (false)',
  },
  {
    name: 'staged-rows-not-saved',
    says: 'Rows that were read and not yet sent are not in the checkpoint',
    file: 'engine/staging.js',
    text: 'for (let i = this.sent; i < this.ready; i++)',
    instead: 'for (let i = this.ready; i < this.ready; i++)',
  },
  {
    name: 'answered-before-synced',
    says: 'A post is answered before it is on disk',
    file: 'engine/append-file.js',
    text: 'if (this.#durable)\n                    await this.#file.datasync();',
    instead: '',
  },
  {
    name: 'held-rows-not-saved',
    says: 'Rows that wait in a sink for the watermark are not in the checkpoint',
    file: 'engine/sink-pump.js',
    text: 'held: this.#aligner?.save() ?? null',
    instead: 'held: null',
  },
  {
    name: 'silence-not-repeated',
    says: 'What the clock decided about silent sources is not decided again',
    file: 'engine/intake.js',
    text: 'staging.decided.push(decision);',
    instead: ';',
  },
  {
    name: 'dated-anew',
    says: 'From when on something holds that a person said is decided anew after a crash',
    file: 'engine/dating.js',
    text: 'if (decided !== undefined)',
    instead: 'if (false)',
  },
  {
    name: 'said-overtaken',
    says: 'After a crash rows may overtake what a person had said before them',
    file: 'engine/intake.js',
    text: 'while (this.#dating.waits(staging))',
    instead: 'while (false)',
  },
  {
    name: 'said-to-one',
    says: 'After a restart a shard keeps only what was said of its own series',
    file: 'engine/stage.js',
    text: "if (goesToAll(finding) && this.node.route !== 'one')",
    instead: 'if (false)',
  },
  {
    name: 'late-by-the-others',
    says: 'Whether a row is too late goes by where the other inputs of its node happen to be',
    file: 'engine/held-rows.js',
    text: 'const late = promised > watermark ? promised : -Infinity;',
    instead: 'const late = -Infinity;',
  },
  {
    name: 'early-by-the-others',
    says: 'Whether there is room for a row goes by where the other inputs of its node happen to be',
    file: 'engine/stage.js',
    text: 'node.bounded ? node.lead : Infinity',
    instead: 'Infinity',
    from: 1_100,
  },
  {
    name: 'waiting-rows-not-saved',
    says: 'Rows that wait in a node for its other inputs are not in the checkpoint',
    file: 'engine/stage.js',
    text: 'held: this.#held.save()',
    instead: 'held: []',
  },
  {
    name: 'answers-at-a-jump',
    says: 'An answer takes effect where the watermark happens to jump to',
    file: 'engine/stage.js',
    text: '&& (answer !== undefined || waits || !goesOn))',
    instead: '&& false)',
  },
];
