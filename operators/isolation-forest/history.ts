import { bytesOfNumbers, frame, numbersOfBytes, unframe } from './framed.js';
import { readModel, type Model } from './model.js';

/** A member's last value in a step that has not ended; NaN: it is gone. */
export interface Waiting {
  readonly end: number;
  time: number;
  value: number;
}

/** What is kept of a series, a member or a group outside columns. */
export interface Kept {
  /** The last values that a model may be trained on, a ring; NaN: there was none. Of a group: nothing, its members have them. */
  readonly ring: Float64Array;
  /** Where the next goes, and how many there are. */
  head: number;
  count: number;
  /** Of a series: its last values, of which the vectors are made, the newest last; before there were any, NaN. */
  readonly recent: Float64Array;
  /** Of a member: by end of step. */
  readonly waiting: Waiting[];
  /** Of a member: its last value, and when; NaN: none. */
  last: number;
  lastTime: number;
  model: Model | undefined;
}

export function emptyKept(ring: number, recent: number): Kept {
  return { ring: new Float64Array(ring).fill(NaN), head: 0, count: 0, recent: new Float64Array(recent).fill(NaN), waiting: [], last: NaN, lastTime: NaN, model: undefined };
}

/** The ring is `size` long, whoever has its values. */
export function step(kept: Kept, size: number): void {
  kept.head = (kept.head + 1) % size;
  kept.count = Math.min(kept.count + 1, size);
}

export function pushRecent({ recent }: Kept, value: number): void {
  recent.copyWithin(0, 1);
  recent[recent.length - 1] = value;
}

/** The values of a ring of which the next goes to `head` and the last `count` are there, the oldest first. */
export function inOrder(ring: Float64Array, head: number, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => ring[(head - count + i + ring.length) % ring.length]!);
}

interface Head {
  readonly ring: number;
  readonly head: number;
  readonly count: number;
  readonly recent: number;
  readonly waiting: number;
}

export function saveKept({ ring, head, count, recent, waiting, last, lastTime, model }: Kept): Uint8Array {
  const about: Head = { ring: ring.length, head, count, recent: recent.length, waiting: waiting.length };
  const numbers = Float64Array.from([last, lastTime, ...waiting.flatMap(({ end, time, value }) => [end, time, value])]);
  return frame(about, bytesOfNumbers(numbers), bytesOfNumbers(recent), bytesOfNumbers(ring), model?.bytes ?? new Uint8Array(0));
}

export function restoreKept(bytes: Uint8Array): Kept {
  const { head: about, body } = unframe<Head>(bytes);
  let at = 0;
  const take = (count: number): Float64Array => numbersOfBytes(body.subarray(at, (at += 8 * count)));
  const [last, lastTime] = take(2) as unknown as [number, number];
  const waiting = Array.from({ length: about.waiting }, (): Waiting => {
    const [end, time, value] = take(3) as unknown as [number, number, number];
    return { end, time, value };
  });
  const recent = take(about.recent);
  const ring = take(about.ring);
  const model = body.length > at ? readModel(body.slice(at)) : undefined;
  return { ring, head: about.head, count: about.count, recent, waiting, last, lastTime, model };
}
