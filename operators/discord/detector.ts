import type { Batch } from '../../engine/batch.js';
import type { Finding } from '../../engine/finding.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, findingOf, follow, OPENED, QUIET, type Change, type EpisodeRules } from '../anomaly/episode.js';
import { InOrder, isJudged } from '../anomaly/in-order.js';
import { rank, RANKS, scoreOf, topOf, type Scale } from '../anomaly/score.js';
import { Thresholds } from '../anomaly/thresholds.js';
import type { Config, State } from './config.js';
import { explainAlike, explainUnlike } from './explain.js';
import { add, type Nearest } from './profile.js';

export type Column = 'score' | 'correlation' | 'expected' | 'lower' | 'upper';
const columns = ['score', 'correlation', 'expected', 'lower', 'upper'] as const;

/** Shares of the limit that a tenth, a hundredth and a thousandth of normal rows exceed. */
const SCALE: Scale = { begin: [0.75, 0.85, 0.95], top: 1.2 };
/** A shape is flat when it varies less than this share of what is usual. */
const FLAT = 0.05;
/** Half the width of the band, in standard deviations of a shape from the nearest. */
const BAND = 3;
/** Deviations of the usual distance count no more than so many. */
const CLIP = 3;
/** A band is never narrower than that of shapes so far apart. */
const LEAST = 0.01;
/** What is within this share of the limit is calm. */
const CALM = 0.9;

/** The operator: rows in, the same rows with how much their shape correlates with an earlier one out, and findings. */
export class Detector implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #rules: EpisodeRules;
  readonly #thresholds: Thresholds;
  readonly #warmup: number;
  /** The least distance that may be unusual. */
  readonly #least: number;
  readonly #inOrder = new InOrder();
  readonly #nearest: Nearest = { correlation: NaN, lag: 0, mean: 0, norm: 0, flat: false };

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#thresholds = new Thresholds(context);
    this.#rules = { opens: of.for, most: 1, calm: CALM, closes: of.close_for ?? of.length };
    this.#warmup = of.warmup ?? Math.ceil(of.history / 2);
    this.#least = distanceOf(of.min_correlation);
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const rows = this.#inOrder.take(batch, state, out);
    if (rows === undefined) return;
    const added = out.extend(rows);
    for (let i = 0; i < rows.length; i++) {
      if (isJudged(rows, i)) this.#row(rows, i, state, added, out);
      else for (const name of columns) added[name][i] = NaN;
    }
  }

  /** What people say of its own anomalies. */
  receive(finding: Finding, state: Columns<State>): void {
    this.#thresholds.take(finding, state, (slot) => state.ranks[RANKS * slot]! > 0);
  }

  save(slot: number): Uint8Array | undefined {
    return this.#thresholds.save(slot);
  }

  restore(slot: number, saved: Uint8Array): void {
    this.#thresholds.restore(slot, saved);
  }

  release(slot: number): void {
    this.#thresholds.release(slot);
  }

  #row(rows: Batch, i: number, state: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    const { length, history, min_deviation } = this.#config;
    const slot = rows.slot[i]!;
    const value = rows.value[i]!;
    const nearest = this.#nearest;
    const here = state.next[slot]!;
    const floor = Math.max(min_deviation, FLAT * state.typical[slot]!);
    add(state, slot, value, length, history, floor, nearest);
    this.#learnSize(slot, nearest.norm / Math.sqrt(length), state);

    const { correlation, lag, mean, norm, flat } = nearest;
    const known = !Number.isNaN(correlation);
    const distance = known ? distanceOf(correlation) : 0;
    const limit = Math.max(this.#least, state.usual[slot]! + this.#config.sensitivity * Math.sqrt(state.spread[slot]!));
    const judged = known && state.count[slot]! > this.#warmup;
    const ratio = judged ? distance / limit : 0;
    // What the nearest earlier shape has here, put to the mean and spread of this one.
    const like = slot * history + (here >= lag ? here - lag : here - lag + history);
    const expected = lag === 0 || flat ? mean : mean + (state.values[like]! - this.#meanAt(slot, here, lag, state)) * norm * state.inverse[like]!;
    const reach = BAND * (norm / Math.sqrt(length)) * Math.SQRT2 * (known ? Math.max(state.usual[slot]!, LEAST) : 1);
    added.score[i] = judged ? scoreOf(state, slot, ratio, SCALE) : 0;
    added.correlation[i] = correlation;
    added.expected[i] = expected;
    added.lower[i] = expected - reach;
    added.upper[i] = expected + reach;
    if (judged) rank(state, slot, ratio, SCALE);
    if (known) this.#learnDistance(slot, distance, state);
    if (!judged) return;
    const before = state.severity[slot]!;
    const change = follow(state, slot, ratio, value, this.#rules, state.factor[slot]! || 1);
    if (change === QUIET) return;
    this.#tell(slot, rows.time[i]!, change, Math.max(before, state.severity[slot]!), limit, { expected, lower: expected - reach, upper: expected + reach }, state, out);
  }

  /** Mean of the shape that ends `lag` before this place. */
  #meanAt(slot: number, here: number, lag: number, { values }: Columns<State>): number {
    const { length, history } = this.#config;
    let sum = 0;
    for (let k = lag; k < lag + length; k++) sum += values[slot * history + ((here - k + history) % history)]!;
    return sum / length;
  }

  /** A shape of a step counts no more than double. */
  #learnSize(slot: number, deviation: number, { count, typical }: Columns<State>): void {
    const { length, history } = this.#config;
    const n = count[slot]! - length + 1;
    if (n < 1) return;
    const known = typical[slot]!;
    typical[slot] = known + (Math.min(deviation, n > length ? 2 * known : Infinity) - known) / Math.min(n, history);
  }

  /** Mean and variance of the distances, of which none counts more than CLIP deviations. */
  #learnDistance(slot: number, distance: number, { usual, spread, judged }: Columns<State>): void {
    const n = Math.min(judged[slot]! + 1, this.#config.history);
    judged[slot] = n;
    const most = CLIP * Math.sqrt(spread[slot]!);
    const off = n > 2 * this.#config.length ? Math.max(-most, Math.min(most, distance - usual[slot]!)) : distance - usual[slot]!;
    usual[slot] = usual[slot]! + off / n;
    spread[slot] = (1 - 1 / n) * (spread[slot]! + (off * off) / n);
  }

  #tell(slot: number, time: number, change: Change, severity: number, limit: number, band: { expected: number; lower: number; upper: number }, state: Columns<State>, out: Output<Column>): void {
    const { names, node } = this.#context;
    const { length, history } = this.#config;
    const value = state.furthest[slot]!;
    const furthest = state.peak[slot]! * limit;
    const told = { series: names.text(slot), length, history, correlation: 1 - furthest * furthest, usual: 1 - state.usual[slot]! ** 2 };
    const explanation = change === CLOSED ? explainAlike(told, formatDuration(time - state.openedAt[slot]!)) : explainUnlike(told);
    const count = state.count[slot]!;
    // It keeps the side on which it opened: what is expected changes meanwhile.
    if (change === OPENED) state.above[slot] = value > band.expected ? 1 : 0;
    out.finding(findingOf(node, names.series(slot), state, slot, change, severity, time, { explanation, value, ...band, score: topOf(SCALE.top * Math.max(1, state.peak[slot]!), SCALE), confidence: count / (count + history), direction: state.above[slot] === 1 ? 'up' : 'down', excess: state.peak[slot]! }));
  }
}

/** As the matrix profile has it, but for a factor of √(2 length): 0 of the same shape, 1 of one that does not correlate. */
function distanceOf(correlation: number): number {
  return Math.sqrt(1 - correlation);
}
