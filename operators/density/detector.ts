import type { Batch } from '../../engine/batch.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, findingOf, follow, OPENED, QUIET, type Change, type EpisodeRules } from '../anomaly/episode.js';
import { InOrder, isJudged } from '../anomaly/in-order.js';
import { rank, scoreOf, topOf, type Scale } from '../anomaly/score.js';
import type { Config, State } from './config.js';
import { explainKnown, explainNoise } from './explain.js';
import { placeOf } from './neighbours.js';

export type Column = 'score' | 'stddev' | 'expected' | 'lower' | 'upper';

/** Distances in ε that a tenth, a hundredth and a thousandth of normal windows exceed. */
const SCALE: Scale = { begin: [0.4, 0.7, 1.5], top: 3 };
/** Where ε is found, it is at least so many usual steps. */
const LEAST = 2;
/** A step, or a distance, counts at most so many times what was usual. */
const MOST = 3;
const BELOW_ONE = 1 - Number.EPSILON / 2;

/** The operator: so many rows in, one row out, which says whether it is noise among the windows before. */
export class Detector implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #rules: EpisodeRules;
  readonly #inOrder = new InOrder();
  /** The remembered windows of the series at hand, in steps. */
  readonly #x: Float64Array;
  readonly #y: Float64Array;

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#rules = { opens: of.for, most: 1, calm: 1, closes: of.close_for };
    this.#x = new Float64Array(of.history);
    this.#y = new Float64Array(of.history);
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const rows = this.#inOrder.take(batch, state, out);
    if (rows === undefined) return;
    const { filled, mean, squares } = state;
    for (let i = 0; i < rows.length; i++) {
      if (!isJudged(rows, i)) continue;
      const slot = rows.slot[i]!;
      const off = rows.value[i]! - mean[slot]!;
      const n = filled[slot]! + 1;
      filled[slot] = n;
      mean[slot] = mean[slot]! + off / n;
      squares[slot] = squares[slot]! + off * (rows.value[i]! - mean[slot]!);
      if (n < this.#config.rows) continue;
      this.#window(slot, rows.time[i]!, mean[slot]!, Math.sqrt(squares[slot]! / n), state, out);
      filled[slot] = 0;
      mean[slot] = 0;
      squares[slot] = 0;
    }
  }

  #window(slot: number, time: number, mean: number, deviation: number, state: Columns<State>, out: Output<Column>): void {
    const { history, min_points, warmup } = this.#config;
    const first = slot * history;
    const known = Math.min(state.count[slot]!, history);
    const least = Math.max(this.#config.min_deviation, this.#config.min_relative * Math.abs(mean)) || Number.MIN_VALUE;
    const step = Math.max(state.meanStep[slot]!, least);
    const deviationStep = Math.max(state.deviationStep[slot]!, least);
    for (let i = 0; i < known; i++) {
      this.#x[i] = state.means[first + i]! / step;
      this.#y[i] = state.deviations[first + i]! / deviationStep;
    }
    const eps = this.#config.eps ?? Math.max(LEAST, this.#config.sensitivity * state.usual[slot]!);
    const { distance, noise, nearest } = placeOf({ x: this.#x, y: this.#y, first: 0, count: known }, mean / step, deviation / deviationStep, eps, min_points);
    const judged = known >= warmup;
    const ratio = !judged ? 0 : noise ? Math.max(1, distance / eps) : Math.min(BELOW_ONE, distance / eps);
    const expected = nearest < 0 ? mean : state.means[first + nearest]!;
    const band = { expected, lower: expected - eps * step, upper: expected + eps * step };
    const row = out.row(time, slot, mean);
    out.columns.score[row] = judged ? scoreOf(state, slot, ratio, SCALE) : 0;
    out.columns.stddev[row] = deviation;
    out.columns.expected[row] = band.expected;
    out.columns.lower[row] = band.lower;
    out.columns.upper[row] = band.upper;
    if (judged) {
      rank(state, slot, ratio, SCALE);
      const before = state.severity[slot]!;
      const change = follow(state, slot, ratio, mean, this.#rules);
      if (change !== QUIET) this.#tell(slot, time, change, Math.max(before, state.severity[slot]!), deviation, band, state, out);
    }
    this.#learn(slot, mean, deviation, distance, state);
  }

  #learn(slot: number, mean: number, deviation: number, distance: number, state: Columns<State>): void {
    const { history } = this.#config;
    const n = state.count[slot]!;
    const here = state.next[slot]!;
    const weight = 1 / Math.min(Math.max(n, 1), history);
    if (n > 0) {
      const before = slot * history + (here === 0 ? history : here) - 1;
      learnSize(state.meanStep, slot, Math.abs(mean - state.means[before]!), weight);
      learnSize(state.deviationStep, slot, Math.abs(deviation - state.deviations[before]!), weight);
    }
    if (distance < Infinity) learnSize(state.usual, slot, distance, weight);
    state.means[slot * history + here] = mean;
    state.deviations[slot * history + here] = deviation;
    state.next[slot] = here + 1 === history ? 0 : here + 1;
    state.count[slot] = Math.min(n + 1, 0xfffffffe);
  }

  #tell(slot: number, time: number, change: Change, severity: number, deviation: number, band: { expected: number; lower: number; upper: number }, state: Columns<State>, out: Output<Column>): void {
    const { names, node } = this.#context;
    const { rows, history } = this.#config;
    const windows = Math.min(state.count[slot]!, history);
    const value = state.furthest[slot]!;
    const ratio = state.peak[slot]!;
    const told = { series: names.text(slot), rows, windows, mean: value, deviation, ratio };
    const explanation = change === CLOSED ? explainKnown(told, formatDuration(time - state.openedAt[slot]!)) : explainNoise(told);
    // It keeps the side on which it opened: what is expected changes meanwhile.
    if (change === OPENED) state.above[slot] = value > band.expected ? 1 : 0;
    out.finding(findingOf(node, names.series(slot), state, slot, change, severity, time, { explanation, value, ...band, score: topOf(SCALE.top * Math.max(1, ratio), SCALE), confidence: windows / (windows + history), direction: state.above[slot] === 1 ? 'up' : 'down', excess: ratio }));
  }
}

/** A running mean, of which nothing counts more than MOST times what it was. */
function learnSize(usual: Float64Array, at: number, size: number, weight: number): void {
  const known = usual[at]!;
  usual[at] = known + weight * ((known > 0 ? Math.min(size, MOST * known) : size) - known);
}
