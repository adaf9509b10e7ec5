import { allocateBatch, type Batch } from '../../engine/batch.js';
import { about, findingId, severities, type Anomaly } from '../../engine/finding.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { scoreOf } from './calibration.js';
import type { Config, State } from './config.js';
import { judge, methods, type Opinion, type Rules } from './ensemble.js';
import { watch, ADAPTED, CLOSED, GREW, OPENED, QUIET, type Change, type Limits, type Verdict } from './excursion.js';
import { explainAdapted, explainClosed, explainOutside, type Told } from './explain.js';
import { NONE } from './season.js';

export type Column = 'score' | 'agree' | 'expected' | 'lower' | 'upper';

/** Larger values overflow when squared: as NaN and the infinities, they are passed on unjudged. */
const LARGEST = 1e150;

/** The operator: rows in, the same rows with their verdict out, and findings of what opens, grows and closes. */
export class Detector implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #limits: Limits;
  readonly #rules: Rules;
  readonly #verdict: Verdict = { expected: 0, reach: 0, confidence: 0, severity: 0, peak: 0 };
  readonly #opinion: Opinion = { score: 0, agree: 0, unusualBy: { deviation: false, change: false, novelty: false }, season: NONE, lift: 0 };
  #isLate = new Uint8Array(BATCH_ROWS);

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#limits = {
      memory: of.memory,
      warmup: of.warmup,
      sensitivity: of.sensitivity,
      up: of.direction !== 'down',
      down: of.direction !== 'up',
      leastAbsolute: of.min_deviation,
      leastRelative: of.min_relative,
      opens: of.for,
      calm: of.close,
      closes: of.close_for,
      adapts: of.adapt,
    };
    this.#rules = {
      ...this.#limits,
      deviation: of.methods.includes('deviation'),
      change: of.methods.includes('change'),
      novelty: of.methods.includes('novelty'),
    };
  }

  push(batch: Batch, columns: Columns<State>, out: Output<Column>): void {
    const late = this.#markLate(batch, columns);
    for (let i = 0; i < batch.length && late > 0; i++) if (this.#isLate[i] === 1) out.late(batch, i, 'late');
    if (late === batch.length) return;
    const rows = late === 0 ? batch : this.#inTime(batch);
    const added = out.extend(rows);
    for (let i = 0; i < rows.length; i++) this.#judge(rows, i, columns, added, out);
  }

  /** Marks the rows that are older than the last one of their series, and counts them. */
  #markLate(batch: Batch, { last, followed }: Columns<State>): number {
    if (this.#isLate.length < batch.length) this.#isLate = new Uint8Array(batch.length);
    let count = 0;
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      const time = batch.time[i]!;
      const late = followed[slot] === 1 && time < last[slot]! ? 1 : 0;
      this.#isLate[i] = late;
      count += late;
      if (late === 1 || !(Math.abs(batch.value[i]!) <= LARGEST)) continue;
      last[slot] = time;
      followed[slot] = 1;
    }
    return count;
  }

  /** The rows that are not late, with all their columns. */
  #inTime(batch: Batch): Batch {
    const names = Object.keys(batch.columns);
    const rows = allocateBatch(names, batch.length);
    for (let i = 0; i < batch.length; i++) {
      if (this.#isLate[i] === 1) continue;
      const n = rows.length++;
      rows.time[n] = batch.time[i]!;
      rows.slot[n] = batch.slot[i]!;
      rows.value[n] = batch.value[i]!;
      rows.flags[n] = batch.flags[i]!;
      for (const name of names) rows.columns[name]![n] = batch.columns[name]![i]!;
    }
    return rows;
  }

  #judge(batch: Batch, i: number, columns: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    const value = batch.value[i]!;
    if (!(Math.abs(value) <= LARGEST)) {
      added.score[i] = NaN;
      added.agree[i] = NaN;
      added.expected[i] = NaN;
      added.lower[i] = NaN;
      added.upper[i] = NaN;
      return;
    }
    const slot = batch.slot[i]!;
    const verdict = this.#verdict;
    const opinion = this.#opinion;
    judge(columns, slot, batch.time[i]!, value, this.#rules, opinion);
    const change = watch(columns, slot, value - opinion.lift, value, this.#limits, verdict);
    const expected = verdict.expected + opinion.lift;
    added.score[i] = opinion.score;
    added.agree[i] = opinion.agree;
    added.expected[i] = expected;
    added.lower[i] = expected - verdict.reach;
    added.upper[i] = expected + verdict.reach;
    if (change !== QUIET) out.finding(this.#finding(change, slot, batch.time[i]!, columns));
  }

  #finding(change: Exclude<Change, typeof QUIET>, slot: number, time: number, columns: Columns<State>): Anomaly {
    const { openedAt, revision } = columns;
    // One that opens at the time at which the one before did has its id: it is that one, open again.
    if (change === OPENED && (revision[slot] === 0 || openedAt[slot] !== time)) {
      openedAt[slot] = time;
      revision[slot] = 0;
    }
    revision[slot] = revision[slot]! + 1;
    const opened = openedAt[slot]!;
    const { reach, confidence, peak, severity } = this.#verdict;
    const { unusualBy, season, lift } = this.#opinion;
    const expected = this.#verdict.expected + lift;
    const { sensitivity } = this.#limits;
    const series = this.#context.names.series(slot);
    const deviations = reach > 0 ? (Math.abs(peak - this.#verdict.expected) / reach) * sensitivity : 0;
    const direction = peak > this.#verdict.expected ? 'up' : 'down';
    const furthest = columns.furthest[slot]!;
    const band = { expected, lower: expected - reach, upper: expected + reach };
    const subject = about(series);
    return {
      id: findingId(this.#context.node, 'anomaly', subject.series, opened),
      kind: 'anomaly',
      revision: revision[slot],
      state: change === OPENED ? 'opened' : change === GREW ? 'grew' : 'closed',
      operator: this.#context.node,
      ...subject,
      openedAt: opened,
      time,
      severity: severities[severity]!,
      explanation: this.#explain(change, { series: subject.series, peak: furthest, deviations, direction, season, agreeing: methods.filter((method) => unusualBy[method]), methods: this.#config.methods.length, ...band }, formatDuration(time - opened)),
      value: furthest,
      ...band,
      score: scoreOf(deviations === 0 ? sensitivity : deviations),
      confidence,
      direction,
    };
  }

  #explain(change: Exclude<Change, typeof QUIET>, told: Told, after: string): string {
    switch (change) {
      case OPENED:
      case GREW:
        return explainOutside(told);
      case CLOSED:
        return explainClosed(told, after);
      case ADAPTED:
        return explainAdapted(told, this.#config.adapt, after);
      default:
        return change satisfies never;
    }
  }
}
