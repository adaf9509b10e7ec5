import type { Channel, Frame } from '../../engine/channel.js';
import { MessageKind } from '../../engine/message.js';
import { seeded, type Random } from '../../engine/random.js';
import type { Signal } from '../../engine/signal.js';

/** What both threads of a test know. */
export interface Traffic {
  readonly seed: number;
  readonly messages: number;
  readonly columns: number;
  readonly frames: number;
  readonly rows: number;
  /** What both counters begin with. */
  readonly start: number;
}

export type Sent =
  | { readonly kind: typeof MessageKind.rows; readonly link: number; readonly length: number; readonly first: number }
  | { readonly kind: typeof MessageKind.watermark; readonly link: number; readonly idle: boolean; readonly time: number }
  | { readonly kind: typeof MessageKind.barrier; readonly checkpoint: number }
  | { readonly kind: typeof MessageKind.end }
  | { readonly kind: typeof MessageKind.findings; readonly link: number; readonly bytes: Uint8Array };

const TIMES = [-Infinity, Infinity, 0, -0, 1.7e12, -5.5];

/** The same messages for the same seed, in either thread. */
export function* messages({ seed, messages: count, rows, columns }: Traffic): Generator<Sent> {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  const frameBytes = rows * (21 + 8 * columns);
  for (let i = 0; i < count; i++) {
    const link = below(5);
    const which = random();
    if (which < 0.5) yield { kind: MessageKind.rows, link, length: random() < 0.2 ? rows : below(rows + 1), first: i * 7919 };
    else if (which < 0.7) yield { kind: MessageKind.watermark, link, idle: random() < 0.3, time: random() < 0.3 ? TIMES[below(TIMES.length)]! : random() * 1e12 };
    else if (which < 0.8) yield { kind: MessageKind.barrier, checkpoint: i };
    else {
      // None, one frame to the byte, one more, and up to some frames.
      const length = [0, frameBytes, frameBytes + 1, 2 * frameBytes][below(8)] ?? below(4 * frameBytes);
      const bytes = new Uint8Array(length);
      for (let b = 0; b < length; b += 13) bytes[b] = b ^ i;
      if (length > 0) bytes[length - 1] = 0xa5;
      yield { kind: MessageKind.findings, link, bytes };
    }
  }
  yield { kind: MessageKind.end };
}

export const value = (first: number, row: number, column: number): number => (first + row * 31 + column * 1_000_003) / 8;
export const slot = (first: number, row: number): number => (first * 2_654_435_761 + row) >>> 0;
export const flag = (first: number, row: number): number => (first + row) & 0xff;

export function fillRows(frame: Frame, sent: Extract<Sent, { kind: typeof MessageKind.rows }>): void {
  const { length, first } = sent;
  for (let i = 0; i < length; i++) {
    frame.time[i] = value(first, i, -2);
    frame.value[i] = value(first, i, -1);
    frame.slot[i] = slot(first, i);
    frame.flags[i] = flag(first, i);
    for (const [c, column] of frame.extra.entries()) column[i] = value(first, i, c);
  }
  frame.head(MessageKind.rows, sent.link, length, first);
}

/** Rests now and then, as a thread does that has other work: mostly not, sometimes long enough that the other side fills up or runs dry. */
export class Stalls {
  readonly #random: Random;
  readonly #word = new Int32Array(new SharedArrayBuffer(4));

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  /** Whether it rests now. */
  get due(): boolean {
    return this.#random() < 0.25;
  }

  next(): void {
    const which = this.#random();
    if (which < 0.02) Atomics.wait(this.#word, 0, 0, this.#random() * 3);
    else if (which < 0.1) for (let n = this.#random() * 20_000; n > 0; n--) Atomics.load(this.#word, 0);
  }
}

/** Long enough that a ring which is on its way has come: without one by then, it was lost. */
const LOST_MS = 120_000;

/** Waits for a ring. Throws when none comes. */
export function waitForRing(signal: Signal, seen: number, who: string): void {
  const late = performance.now() + LOST_MS;
  // Who rings may be stopped before it wakes the sleeper, who has seen the ring by then and sleeps again: woken for nothing, not lost.
  do signal.wait(seen, LOST_MS);
  while (signal.rings() === seen && performance.now() < late);
  if (signal.rings() === seen) throw new Error(`${who} slept and nobody rang: a wake-up was lost`);
}

/** Claims a frame, sleeping while there is none. `looked`: the fill as it is, at each try. */
export function claim(channel: Channel, signal: Signal, looked: (fill: number) => void = () => {}): Frame {
  for (;;) {
    const seen = signal.rings();
    const frame = channel.claim();
    looked(channel.fill);
    if (frame !== undefined) return frame;
    channel.ring();
    waitForRing(signal, seen, 'the sender');
  }
}

/** The oldest frame, sleeping while there is none. */
export function peek(channel: Channel, signal: Signal): Frame {
  for (;;) {
    const seen = signal.rings();
    const frame = channel.peek();
    if (frame !== undefined) return frame;
    waitForRing(signal, seen, 'the receiver');
  }
}
