import type { Batch } from '../../engine/batch.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import type { Config, State } from './config.js';
import { isJudged } from '../anomaly/in-order.js';
import { Follower, type Column } from './follower.js';
import { inOrder, pushRecent, step, type Kept } from './history.js';
import { embed, featureNames, featuresOf, spanOf } from './shingle.js';

/** Each series by itself: its vectors are made of its last values. */
export class SeriesForest implements Operator<State, string, Column> {
  readonly #follower: Follower;
  readonly #config: Config;
  readonly #names: readonly string[];
  readonly #span: number;
  readonly #vector: Float64Array;

  constructor(config: Config, context: OperatorContext) {
    this.#follower = new Follower(config, context);
    this.#config = config;
    this.#names = featureNames(config);
    this.#span = spanOf(config);
    this.#vector = new Float64Array(featuresOf(config));
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const { last, followed } = state;
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      const time = batch.time[i]!;
      const value = batch.value[i]!;
      if (followed[slot] === 1 && time < last[slot]!) {
        out.late(batch, i, 'late');
        continue;
      }
      const row = out.row(time, slot, value, batch.flags[i]);
      if (!isJudged(batch, i)) {
        this.#set(out, row, NaN, NaN, NaN, NaN, NaN);
        continue;
      }
      last[slot] = time;
      followed[slot] = 1;
      this.#follow(slot, time, value, row, state, out);
    }
  }

  learn(slot: number, answer: Uint8Array, state: Columns<State>): void {
    this.#follower.learn(slot, answer, state);
  }

  save(slot: number): Uint8Array | undefined {
    return this.#follower.save(slot);
  }

  restore(slot: number, saved: Uint8Array): void {
    this.#follower.restore(slot, saved);
  }

  release(slot: number): void {
    this.#follower.release(slot);
  }

  #follow(slot: number, time: number, value: number, row: number, state: Columns<State>, out: Output<Column>): void {
    const kept = this.#follower.keptOr(slot, this.#config.history, this.#span);
    pushRecent(kept, value);
    const { model } = kept;
    let takes = true;
    if (model === undefined) this.#set(out, row, 0, NaN, NaN, NaN, NaN);
    else {
      embed(kept.recent, this.#span, this.#config, this.#vector, 0);
      const band = { value, expected: model.middle[0]!, lower: model.lower[0]!, upper: model.upper[0]! };
      takes = this.#follower.judge(slot, time, kept, model, this.#vector, () => band, this.#names, state, out);
      const { score, raw } = this.#follower.verdict;
      this.#set(out, row, score, raw, band.expected, band.lower, band.upper);
    }
    if (takes) this.#remember(slot, time, value, kept, state, out);
  }

  /** Takes the value into history, and asks for a forest where one is due. */
  #remember(slot: number, time: number, value: number, kept: Kept, state: Columns<State>, out: Output<Column>): void {
    const { shingle, lags, history } = this.#config;
    kept.ring[kept.head] = value;
    step(kept, history);
    state.since[slot] = state.since[slot]! + 1;
    if (this.#follower.isDue(slot, kept, false, state)) this.#follower.ask(slot, time, { members: [], shingles: { shingle, lags } }, inOrder(kept.ring, kept.head, kept.count), state, out);
  }

  #set({ columns }: Output<Column>, row: number, score: number, raw: number, expected: number, lower: number, upper: number): void {
    columns.score[row] = score;
    columns.raw[row] = raw;
    columns.expected[row] = expected;
    columns.lower[row] = lower;
    columns.upper[row] = upper;
  }
}
