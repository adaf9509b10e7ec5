import { MOST, periodOf } from './period.js';
import { clip, UNSURE, weightOf } from './robust-scale.js';
import type { Rows } from './rows.js';
import type { Prediction } from './season.js';

/** A period has a phase for each of its samples; of more than so many it has so many, between whose centres is interpolated. */
const MOST_PHASES = 64;
/** What a phase was has faded after so many periods. */
const PERIODS = 10;
/** A period that differs by less than this share is the same one. */
const SAME = 0.02;
/** Samples after which a period is looked for; then after as many as are kept. */
const LOOKS = [256, 512];

/** Of one series: 17 KB. */
interface Found {
  /** ms; 0: none is known. It is counted from `origin` on. */
  period: number;
  origin: number;
  /** Phases that it is divided into; whether values are interpolated between them. */
  divided: number;
  smooth: boolean;
  /** Robust variance of what the ring does not predict, over so many values. */
  error: number;
  predicted: number;
  /** Sum of the levels of the phases that have been seen, and how many that are. */
  total: number;
  phases: number;
  seen: number;
  readonly phase: Float64Array;
  readonly visits: Float64Array;
  /** The last samples, in a ring. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

const HEAD = 9;
const NUMBERS = HEAD + 2 * MOST_PHASES + 2 * MOST;

/** A look for the period of a series, to be taken elsewhere. */
export interface Look {
  readonly slot: number;
  readonly time: number;
  readonly input: Uint8Array;
}

/** Seasons whose period nobody said: looked for in the last samples, off the stream, and then a ring as those of the hour, the day and the week are. */
export class FoundSeasons {
  readonly #bySlot = new Map<number, Found>();
  #looks: Look[] = [];

  /** Predicts each row, then learns it; NaN and Infinity where no period is known. @param memory values that the error is about */
  predict(rows: Rows, elapsed: Float64Array, memory: number, told: Prediction): void {
    for (let i = 0; i < rows.length; i++) {
      const slot = rows.slot[i]!;
      let found = this.#bySlot.get(slot);
      if (found === undefined) this.#bySlot.set(slot, (found = nothing()));
      told.expected[i] = NaN;
      told.error[i] = Infinity;
      told.middle[i] = NaN;
      if (found.period > 0) turn(found, rows.time[i]!, rows.value[i]!, elapsed[i]!, memory, i, told);
      found.times[found.seen % MOST] = rows.time[i]!;
      found.values[found.seen % MOST] = rows.value[i]!;
      found.seen += 1;
      if (LOOKS.includes(found.seen) || found.seen % MOST === 0) this.#looks.push({ slot, time: rows.time[i]!, input: lastOf(found) });
    }
  }

  /** The looks that have become due since the last call. */
  looks(): readonly Look[] {
    const looks = this.#looks;
    if (looks.length > 0) this.#looks = [];
    return looks;
  }

  /** A look has an answer. */
  learn(slot: number, answer: Uint8Array): void {
    const [period, samples, last] = numbersOf(answer) as unknown as [number, number, number];
    const found = this.#bySlot.get(slot);
    if (found === undefined || period === 0 || Math.abs(period / found.period - 1) < SAME) return;
    const divided = Math.min(MOST_PHASES, Math.round(samples));
    // Samples lie in the middle of their phases: a little more or less time is the same phase.
    Object.assign(found, { period, origin: last - period / divided / 2, divided, smooth: samples > MOST_PHASES, error: 0, predicted: 0, total: 0, phases: 0 });
    found.phase.fill(0);
    found.visits.fill(0);
  }

  /** ms; 0: none is known. */
  periodOf(slot: number): number {
    return this.#bySlot.get(slot)?.period ?? 0;
  }

  save(slot: number): Uint8Array | undefined {
    const found = this.#bySlot.get(slot);
    if (found === undefined) return undefined;
    const { period, origin, divided, smooth, error, predicted, total, phases, seen, phase, visits, times, values } = found;
    return bytesOf(Float64Array.of(period, origin, divided, Number(smooth), error, predicted, total, phases, seen, ...phase, ...visits, ...times, ...values));
  }

  restore(slot: number, saved: Uint8Array): void {
    const numbers = numbersOf(saved);
    if (numbers.length !== NUMBERS) throw new Error(`a season of ${NUMBERS} numbers was saved as ${numbers.length}`);
    const [period, origin, divided, smooth, error, predicted, total, phases, seen] = numbers as unknown as [number, number, number, number, number, number, number, number, number];
    let at = HEAD;
    const take = (count: number): Float64Array => numbers.slice(at, (at += count));
    this.#bySlot.set(slot, { period, origin, divided, smooth: smooth === 1, error, predicted, total, phases, seen, phase: take(MOST_PHASES), visits: take(MOST_PHASES), times: take(MOST), values: take(MOST) });
  }

  release(slot: number): void {
    this.#bySlot.delete(slot);
  }
}

/** The training task: samples of one series in; its period, samples in it, and the time of the last out. */
export function lookForPeriod(input: Uint8Array): Uint8Array {
  const numbers = numbersOf(input);
  const times = numbers.subarray(0, numbers.length / 2);
  const { ms, samples } = periodOf(times, numbers.subarray(numbers.length / 2));
  return bytesOf(Float64Array.of(ms, samples, times.at(-1)!));
}

function nothing(): Found {
  return { period: 0, origin: 0, divided: 0, smooth: false, error: 0, predicted: 0, total: 0, phases: 0, seen: 0, phase: new Float64Array(MOST_PHASES), visits: new Float64Array(MOST_PHASES), times: new Float64Array(MOST), values: new Float64Array(MOST) };
}

/** Times and values, the oldest first. */
function lastOf({ seen, times, values }: Found): Uint8Array {
  const count = Math.min(seen, MOST);
  const numbers = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    numbers[i] = times[(seen - count + i) % MOST]!;
    numbers[count + i] = values[(seen - count + i) % MOST]!;
  }
  return bytesOf(numbers);
}

function turn(found: Found, time: number, value: number, elapsed: number, memory: number, row: number, told: Prediction): void {
  const { period, origin, divided, smooth, phase, visits } = found;
  const width = period / divided;
  const since = time - origin;
  const place = (since - Math.floor(since / period) * period) / width;
  const here = Math.max(0, Math.min(Math.floor(place), divided - 1));
  const level = phase[here]!;
  told.middle[row] = found.phases === divided ? found.total / divided : NaN;
  visits[here] = visits[here]! + 1;
  if (visits[here] === 1) {
    phase[here] = value;
    found.phases += 1;
    found.total += value;
    return;
  }
  const aside = place - here - 0.5;
  const next = (here + (aside > 0 ? 1 : divided - 1)) % divided;
  const expected = !smooth || visits[next] === 0 ? level : level + Math.abs(aside) * (phase[next]! - level);
  told.expected[row] = expected;
  told.error[row] = found.predicted > UNSURE ? Math.sqrt(found.error) : Infinity;
  const unpredicted = clip(value - expected, found.error, found.predicted);
  phase[here] = level + Math.max(1 / visits[here], Math.min(1, elapsed / (PERIODS * width))) * unpredicted;
  found.total += phase[here] - level;
  const weight = weightOf(found.predicted + 1, memory);
  found.error = (1 - weight) * (found.error + weight * unpredicted * unpredicted);
  found.predicted += 1;
}

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function numbersOf(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer);
}
