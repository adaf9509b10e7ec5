import type { Batch } from '../../engine/batch.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, end, findingOf, GREW, OPENED, severityOf, type Change } from '../anomaly/episode.js';
import { InOrder, isJudged } from '../anomaly/in-order.js';
import { rank, scoreOf, topOf, type Scale } from '../anomaly/score.js';
import type { Config, State } from './config.js';
import { explainBack, explainShift, explainStays } from './explain.js';
import { Phases } from './season.js';
import { SPREAD, TREND, watch, type Rules, type Shift, type Verdict } from './watch.js';

export type Column = 'score' | 'expected' | 'lower' | 'upper';

/** Half the width of the band, in standard deviations. */
const BAND = 3;
/** Shares of the limit that a tenth, a hundredth and a thousandth of normal rows exceed; twice the limit is rare in any series. */
const SCALE: Scale = { begin: [0.3, 0.5, 0.7], top: 2 };
/** A shift of so many standard deviations, or a spread of so many times as much, is low; 1.5 times that medium, and so on. */
const LOW_SHIFT = 3;
const LOW_RATIO = 2;
/** What is at least this share of the way back is back. */
const BACK = 0.75;

/** The operator: rows in, the same rows with their verdict out, and findings of shifts. */
export class Watcher implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #rules: Rules;
  readonly #inOrder = new InOrder();
  readonly #verdict: Verdict = { expected: 0, spread: 0, ratio: 0, judged: false };

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#rules = {
      limit: of.limit,
      for: of.for,
      minShift: of.min_shift,
      minRatio: of.min_ratio,
      leastAbsolute: of.min_deviation,
      leastRelative: of.min_relative,
      memory: of.memory,
      warmup: of.warmup,
      phases: of.period === 'none' ? undefined : new Phases(of.period),
    };
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const rows = this.#inOrder.take(batch, state, out);
    if (rows === undefined) return;
    const added = out.extend(rows);
    for (let i = 0; i < rows.length; i++) this.#row(rows, i, state, added, out);
  }

  #row(batch: Batch, i: number, state: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    if (!isJudged(batch, i)) {
      for (const name of ['score', 'expected', 'lower', 'upper'] as const) added[name][i] = NaN;
      return;
    }
    const slot = batch.slot[i]!;
    const time = batch.time[i]!;
    const verdict = this.#verdict;
    const shift = watch(state, slot, time, batch.value[i]!, this.#rules, verdict);
    added.score[i] = verdict.judged ? scoreOf(state, slot, verdict.ratio, SCALE) : 0;
    added.expected[i] = verdict.expected;
    added.lower[i] = verdict.expected - BAND * verdict.spread;
    added.upper[i] = verdict.expected + BAND * verdict.spread;
    if (verdict.judged) rank(state, slot, verdict.ratio, SCALE);
    if (shift !== undefined) this.#shifted(shift, slot, time, state, out);
    else if (state.severity[slot]! > 0) this.#settle(slot, time, state, out);
  }

  #shifted(shift: Shift, slot: number, time: number, state: Columns<State>, out: Output<Column>): void {
    const { severity, kind, origin, openedAt } = state;
    const series = this.#context.names.text(slot);
    const { size, level, spread, from, to } = shift;
    const rated = severityOf(shift.kind === SPREAD ? size / LOW_RATIO : size / LOW_SHIFT);
    state.settling[slot] = 0;
    let change: Change = OPENED;
    let explanation = explainShift(series, shift);
    if (severity[slot] === 0) {
      kind[slot] = shift.kind;
      origin[slot] = from;
      severity[slot] = rated;
    } else if (kind[slot] === shift.kind && isBack(from, to, origin[slot]!)) {
      change = CLOSED;
      explanation = explainBack(series, shift, origin[slot]!, formatDuration(time - openedAt[slot]!));
    } else {
      change = GREW;
      severity[slot] = Math.max(severity[slot]!, rated);
    }
    const rating = severity[slot]!;
    state.furthest[slot] = to;
    state.peak[slot] = level;
    this.#tell(slot, change, rating, time, explanation, { to: shift.kind === TREND ? level : to, level: shift.kind === SPREAD ? from : level, spread: shift.kind === SPREAD ? 0 : spread, up: to > from }, state, out);
    if (change === CLOSED) end(state, slot);
  }

  /** No other shift: after long enough it is the new normal. */
  #settle(slot: number, time: number, state: Columns<State>, out: Output<Column>): void {
    state.settling[slot] = state.settling[slot]! + 1;
    if (state.settling[slot]! < this.#config.settle) return;
    const own = 2 * slot + state.seasonal[slot]!;
    const level = state.level[own]!;
    const spread = Math.sqrt(state.variance[own]!);
    const explanation = explainStays(this.#context.names.text(slot), state.settling[slot]!, level, spread, formatDuration(time - state.openedAt[slot]!));
    this.#tell(slot, CLOSED, state.severity[slot]!, time, explanation, { to: level, level, spread, up: state.furthest[slot]! > state.origin[slot]! }, state, out);
    end(state, slot);
  }

  #tell(slot: number, change: Change, severity: number, time: number, explanation: string, { to, level, spread, up }: { to: number; level: number; spread: number; up: boolean }, state: Columns<State>, out: Output<Column>): void {
    const seen = state.seen[2 * slot]!;
    out.finding(
      findingOf(this.#context.node, this.#context.names.series(slot), state, slot, change, severity, time, {
        explanation,
        value: to,
        expected: level,
        lower: level - BAND * spread,
        upper: level + BAND * spread,
        score: topOf(SCALE.top, SCALE),
        confidence: seen / (seen + this.#config.warmup),
        direction: up ? 'up' : 'down',
      }),
    );
  }
}

function isBack(from: number, to: number, origin: number): boolean {
  return Math.abs(to - origin) <= (1 - BACK) * Math.abs(from - origin);
}
