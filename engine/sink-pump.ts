import type { Channel } from './channel.js';
import type { Time } from './clock.js';
import type { Position, Sink } from './connector.js';
import { findingsOf, MessageKind } from './message.js';
import type { Names } from './operator.js';
import { Aligner, type SavedAligner } from './ordered.js';
import { shardsOf, type Plan, type PlannedSink } from './plan.js';
import type { Signal } from './signal.js';
import { WatermarkMerge } from './watermark.js';

/** What a sink hands over at a barrier. */
export interface SavedSink {
  readonly sink: string;
  readonly checkpoint: number;
  readonly position: Position;
  readonly held: SavedAligner | null;
}

interface Mailbox {
  readonly channel: Channel;
  readonly shard: number;
  aligned: boolean;
  ended: boolean;
}

/** The event loop gets a turn at least this often. */
const YIELD_MS = 5;

/**
 * Reads the channels of one sink, on the main thread: merges watermarks, aligns barriers, puts rows in order
 * where the sink asks for it, and waits for the sink's promises, which is how backpressure begins.
 */
export class SinkPump {
  readonly #planned: PlannedSink;
  readonly #sink: Sink;
  readonly #names: Names;
  readonly #mailboxes: Mailbox[];
  readonly #signal: Signal;
  readonly #elapsed: () => number;
  readonly #saved: (saved: SavedSink) => void;
  readonly #aligner: Aligner | undefined;
  readonly #watermarks: WatermarkMerge;
  #stopped = false;
  #ended = false;
  /** The checkpoints whose barrier came last, and is known to come. */
  #barrier = -1;
  #expected = -1;
  #rows = 0;
  #findings = 0;

  constructor(planned: PlannedSink, plan: Plan, sink: Sink, names: Names, inlets: readonly { channel: Channel; shard: number }[], signal: Signal, elapsed: () => number, saved: (saved: SavedSink) => void) {
    this.#planned = planned;
    this.#sink = sink;
    this.#names = names;
    this.#signal = signal;
    this.#elapsed = elapsed;
    this.#saved = saved;
    this.#mailboxes = inlets.map((inlet) => ({ ...inlet, aligned: false, ended: false }));
    this.#watermarks = new WatermarkMerge(planned.inputs.map((input) => shardsOf(plan, input)));
    this.#aligner = planned.ordered ? new Aligner(planned.inputs.map((input) => input.columns), names) : undefined;
  }

  get name(): string {
    return this.#planned.spec.name;
  }
  get rows(): number {
    return this.#rows;
  }
  get findings(): number {
    return this.#findings;
  }
  get watermark(): Time {
    return this.#watermarks.time;
  }
  /** The share of frames in use of the fullest channel. */
  get fill(): number {
    return Math.max(0, ...this.#mailboxes.map(({ channel }) => channel.fill / channel.frames));
  }

  restore(held: SavedAligner): void {
    this.#aligner?.restore(held);
  }

  /** Until every channel has ended, or it is stopped. */
  async run(): Promise<void> {
    let yielded = this.#elapsed();
    while (!this.#stopped) {
      const seen = this.#signal.rings();
      let worked = false;
      for (const mailbox of this.#mailboxes) {
        if (mailbox.aligned || mailbox.ended || mailbox.channel.peek() === undefined) continue;
        await this.#take(mailbox);
        worked = true;
      }
      const open = this.#mailboxes.filter((m) => !m.ended);
      if (open.length === 0) {
        await this.#sink.advance?.(Infinity);
        this.#ended = true;
        await this.#saveAtEnd();
        return;
      }
      if (open.every((m) => m.aligned)) {
        await this.#save(open);
        worked = true;
      }
      if (!worked) await this.#signal.waitAsync(seen, WAIT_MS);
      if (this.#elapsed() - yielded > YIELD_MS) {
        await this.#signal.timers.turn();
        yielded = this.#elapsed();
      }
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#signal.ring();
  }

  async #take(mailbox: Mailbox): Promise<void> {
    const { channel } = mailbox;
    const frame = channel.peek()!;
    switch (frame.kind) {
      case MessageKind.rows: {
        const input = this.#input(frame.link);
        const batch = frame.batch(this.#planned.inputs[input]!.columns);
        this.#rows += batch.length;
        if (this.#aligner === undefined) await this.#sink.write(this.#planned.inputs[input]!.text, batch, this.#names);
        else this.#aligner.add(input, batch, this.#watermarks.of(input, mailbox.shard));
        break;
      }
      case MessageKind.findings: {
        const bytes = channel.collect(frame);
        if (bytes === undefined) break;
        const input = this.#input(frame.link);
        for (const finding of findingsOf(bytes)) {
          this.#findings += 1;
          if (this.#aligner === undefined || this.#watermarks.time === Infinity) await this.#sink.receive?.(this.#planned.inputs[input]!.text, finding);
          else {
            const after = this.#watermarks.of(input, mailbox.shard);
            // Of a source that promises nothing.
            this.#aligner.hold(input, finding, after === Infinity ? -Infinity : after);
          }
        }
        break;
      }
      case MessageKind.watermark:
        await this.#advance(this.#input(frame.link), mailbox.shard, frame.number);
        break;
      case MessageKind.barrier:
        mailbox.aligned = true;
        this.#barrier = frame.number;
        break;
      case MessageKind.end:
        mailbox.ended = true;
        break;
      case MessageKind.present:
      case MessageKind.series:
      case MessageKind.answer:
        throw new Error('series, answers and the end of the past do not come to a sink');
      default:
        frame.kind satisfies never;
    }
    channel.release();
  }

  #input(link: number): number {
    return this.#planned.inputs.findIndex((input) => input.link === link);
  }

  async #advance(input: number, shard: number, time: Time): Promise<void> {
    const before = this.#watermarks.time;
    this.#watermarks.set(input, shard, time);
    const watermark = this.#watermarks.time;
    if (watermark === before) return;
    for (const aligned of this.#aligner?.release(watermark) ?? []) {
      const node = this.#planned.inputs[aligned.input]!.text;
      if ('batch' in aligned) await this.#sink.write(node, aligned.batch, this.#names);
      else await this.#sink.receive?.(node, aligned.finding);
    }
    await this.#sink.advance?.(watermark);
  }

  /** The barrier of a checkpoint is on its way; where nothing comes any more, it does not come by a channel. */
  async expect(checkpoint: number): Promise<void> {
    this.#expected = checkpoint;
    if (this.#ended) await this.#saveAtEnd();
  }

  async #saveAtEnd(): Promise<void> {
    if (this.#expected <= this.#barrier) return;
    this.#barrier = this.#expected;
    await this.#save([]);
  }

  async #save(open: readonly Mailbox[]): Promise<void> {
    const position = await this.#sink.flush(this.#barrier);
    this.#saved({ sink: this.name, checkpoint: this.#barrier, position, held: this.#aligner?.save() ?? null });
    for (const mailbox of open) mailbox.aligned = false;
  }
}

/** Looks again after this long, though nobody rang. */
const WAIT_MS = 1_000;
