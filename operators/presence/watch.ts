import type { Batch } from '../../engine/batch.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { InOrder, isJudged } from '../anomaly/in-order.js';
import { rank, scoreOf, type Scale } from '../anomaly/score.js';
import { SILENCE, type Config, type State } from './config.js';
import { longestUsual, mean } from './habit.js';
import { Telling } from './telling.js';
import { Together } from './together.js';

export type Column = 'score' | 'silence' | 'silence_limit' | 'same' | 'same_limit';

/** A tenth, a hundredth and a thousandth of normal rows come after, or are in a run of, such a share of what is told. */
const SCALE: Scale = { begin: [0.25, 0.3, 0.4], top: 1 };
/** A silence that is told counts at most so many times what was usual: an outage is no habit. */
const RISE = 2;

/** The operator. What it tells depends on samples and their times; timers only see to it that a silence is told when nothing comes. */
export class Watch implements Operator<State, string, Column> {
  readonly #names: OperatorContext['names'];
  readonly #inOrder = new InOrder();
  readonly #telling: Telling;
  readonly #together: Together;
  readonly #silence: boolean;
  readonly #frozen: boolean;

  constructor(of: Config, context: OperatorContext) {
    this.#names = context.names;
    this.#silence = of.watch.includes('silence');
    this.#frozen = of.watch.includes('frozen');
    this.#telling = new Telling(of, context);
    this.#together = new Together(of, context, this.#telling);
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const rows = this.#inOrder.take(batch, state, out);
    if (rows === undefined) return;
    const added = out.extend(rows);
    for (let i = 0; i < rows.length; i++) {
      if (isJudged(rows, i)) this.#row(rows, i, state, added, out);
      else for (const name of ['score', 'silence', 'silence_limit', 'same', 'same_limit'] as const) added[name][i] = NaN;
    }
  }

  advance(watermark: number, from: number, to: number, state: Columns<State>, out: Output<Column>): void {
    // At the end nothing is silent: it has ended.
    if (watermark === Infinity) return;
    for (let slot = from; slot < to; slot++) {
      const due = state.due[slot]!;
      if (due === 0 || due > watermark) continue;
      state.due[slot] = 0;
      if (this.#names.group(slot) === slot) this.#together.tell(slot, watermark, state, out);
      else this.#lookAt(slot, watermark, state, out);
    }
  }

  save(slot: number): Uint8Array | undefined {
    return this.#together.silences.save(slot);
  }

  restore(slot: number, saved: Uint8Array): void {
    this.#together.silences.restore(slot, saved);
  }

  release(slot: number): void {
    this.#together.silences.release(slot);
  }

  /** A member whose timer has come: it is silent, or has given samples since. */
  #lookAt(slot: number, watermark: number, state: Columns<State>, out: Output<Column>): void {
    if (state.known[slot] === 0 || state.noted[slot] === 1) return;
    const silence = this.#telling.silenceOf(state, slot);
    if (state.severity[2 * slot + SILENCE]! > 0) {
      const next = this.#telling.goOn(silence, watermark, state, out);
      if (next < Infinity) this.#wake(slot, next, state, out);
    } else if (silence.due < watermark) this.#together.note(silence, state, out);
    else this.#wake(slot, silence.due + 1, state, out);
  }

  #wake(slot: number, time: number, state: Columns<State>, out: Output<Column>): void {
    state.due[slot] = time;
    out.wake(slot, time);
  }

  #row(rows: Batch, i: number, state: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    const slot = rows.slot[i]!;
    const time = rows.time[i]!;
    const hadSample = state.intervals[slot]! > 0 || state.same[slot]! > 0;
    const gap = hadSample ? time - state.sampledAt[slot]! : 0;
    if (!hadSample) state.first[slot] = time;
    const limit = this.#telling.limit(state, slot);
    let counted = gap;
    if (gap > limit) {
      const silence = this.#telling.silenceOf(state, slot);
      if (state.severity[2 * slot + SILENCE]! > 0) this.#telling.endSilence(silence, time, state, out);
      else if (this.#silence && state.known[slot] === 1) this.#together.over(silence, time, state, out);
      if (time > silence.end) {
        this.#beginAnew(slot, silence.end, state, out);
        counted = 0;
      }
    }
    state.known[slot] = 1;
    this.#learn(slot, time, rows.value[i]!, counted, state, out);
    const next = this.#telling.limit(state, slot);
    if (this.#silence && next < Infinity && (state.due[slot] === 0 || time + next + 1 < state.due[slot]!)) this.#wake(slot, time + next + 1, state, out);

    const same = state.same[slot]!;
    const sameLimit = this.#telling.runLimit(state, slot);
    added.silence[i] = gap / 1_000;
    added.silence_limit[i] = limit === Infinity ? NaN : limit / 1_000;
    added.same[i] = same;
    added.same_limit[i] = sameLimit === Infinity ? NaN : sameLimit;
    const size = Math.max(this.#silence ? gap / limit : 0, this.#frozen ? same / sameLimit : 0);
    added.score[i] = limit === Infinity ? 0 : scoreOf(state, slot, size, SCALE);
    if (limit !== Infinity) rank(state, slot, size, SCALE);
  }

  /** It had ended, and is back. */
  #beginAnew(slot: number, end: number, state: Columns<State>, out: Output<Column>): void {
    this.#telling.thawed(slot, end, state, out);
    for (const column of [state.intervals, state.interval, state.longest, state.same, state.changes, state.longestRun]) column[slot] = 0;
  }

  #learn(slot: number, time: number, value: number, gap: number, state: Columns<State>, out: Output<Column>): void {
    const limit = this.#telling.limit(state, slot);
    if (gap > 0) {
      state.interval[slot] = mean(state.interval[slot]!, Math.min(gap, limit), state.intervals[slot]!);
      state.longest[slot] = longestUsual(state.longest[slot]!, gap, gap, limit === Infinity ? Infinity : RISE);
      state.intervals[slot] = Math.min(state.intervals[slot]! + 1, 0xfffffffe);
    }
    state.sampledAt[slot] = time;
    if (state.same[slot]! > 0 && state.value[slot] === value) {
      state.same[slot] = Math.min(state.same[slot]! + 1, 0xfffffffe);
      if (this.#frozen) this.#telling.frozen(slot, time, state, out);
      return;
    }
    if (state.same[slot]! > 0) {
      this.#telling.thawed(slot, time, state, out);
      state.longestRun[slot] = longestUsual(state.longestRun[slot]!, state.same[slot]!, time - state.sameSince[slot]!, Infinity);
      state.changes[slot] = Math.min(state.changes[slot]! + 1, 0xfffffffe);
    }
    state.value[slot] = value;
    state.same[slot] = 1;
    state.sameSince[slot] = time;
  }
}
