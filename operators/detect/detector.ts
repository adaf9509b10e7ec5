import { allocateBatch, type Batch } from '../../engine/batch.js';
import { about, findingId, severities, type Anomaly, type Finding } from '../../engine/finding.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { rarityAt } from '../anomaly/feedback.js';
import { InOrder, isBounded } from '../anomaly/in-order.js';
import { Thresholds } from '../anomaly/thresholds.js';
import { formatDuration } from '../../engine/scalars.js';
import type { Config, State } from './config.js';
import { contributionsOf, keepShares } from './contributions.js';
import { Judge } from './ensemble.js';
import { interrupt, watch, ADAPTED, CLOSED, GREW, MUTED, OPENED, QUIET, type Change, type Limits, type Verdict } from './excursion.js';
import { explainAdapted, explainClosed, explainMuted, explainOutside, type Told } from './explain.js';
import { Maintenance } from './maintenance.js';
import type { Rows } from './rows.js';
import { restoreBoth, saveBoth } from './saved.js';
import { anywhere } from './scale.js';
import { NONE, type Season } from './season.js';

export const columnNames = ['score', 'agree', 'expected', 'lower', 'upper'] as const;
export type Column = (typeof columnNames)[number];

/** A period takes effect so much time after it was asked for. */
const LOOK_MS = 60_000;

/** What the views say of a row for which something is told. */
interface Grounds {
  /** What the season adds. */
  readonly lift: number;
  readonly season: Season;
  readonly agreeing: readonly string[];
}

/** The operator: rows in, the same rows with their verdict out, and findings of what opens, grows and closes. */
export class Detector implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #limits: Limits;
  readonly #judge: Judge;
  readonly #verdict: Verdict = { expected: 0, reach: 0, confidence: 0, severity: 0, peak: 0, score: 0, again: false };
  readonly #thresholds: Thresholds;
  readonly #maintenance: Maintenance;
  readonly #inOrder = new InOrder((batch, i) => isBounded(batch.value[i]!));

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#maintenance = new Maintenance(of.maintenance, context.names);
    this.#thresholds = new Thresholds(context, of.surprise);
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
      refractory: of.refractory,
    };
    this.#judge = new Judge({
      ...this.#limits,
      seasons: of.seasons,
      zone: of.time_zone,
      deviation: of.methods.includes('deviation'),
      change: of.methods.includes('change'),
      residual: of.methods.includes('residual'),
      novelty: of.methods.includes('novelty'),
    });
  }

  push(batch: Batch, columns: Columns<State>, out: Output<Column>): void {
    const rows = this.#inOrder.take(batch, columns, out);
    if (rows === undefined) return;
    const added = out.extend(rows);
    if (this.#maintenance.none && this.#areFinite(rows)) this.#follow(rows, columns, added, out);
    else this.#followSome(rows, columns, added, out);
  }

  #areFinite({ length, value }: Batch): boolean {
    for (let i = 0; i < length; i++) if (!isBounded(value[i]!)) return false;
    return true;
  }

  /** Follows the rows that can be judged and are not in maintenance; of the others all columns are NaN. */
  #followSome(batch: Batch, columns: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    const some = allocateBatch(columnNames, batch.length);
    const rows: number[] = [];
    const waiting = new Set<number>();
    const follow = (): void => {
      this.#follow(some, columns, some.columns, out);
      for (const [from, to] of rows.entries()) for (const name of columnNames) added[name][to] = some.columns[name][from]!;
      rows.length = 0;
      waiting.clear();
      some.length = 0;
    };
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      for (const name of columnNames) added[name][i] = NaN;
      if (!isBounded(batch.value[i]!)) continue;
      if (this.#maintenance.covers(slot, batch.time[i]!)) {
        // What came before it may have opened what it closes.
        if (waiting.has(slot)) follow();
        this.#mute(slot, batch.time[i]!, columns, out);
        continue;
      }
      some.time[some.length] = batch.time[i]!;
      some.slot[some.length] = slot;
      some.value[some.length++] = batch.value[i]!;
      rows.push(i);
      waiting.add(slot);
    }
    follow();
  }

  #mute(slot: number, time: number, columns: Columns<State>, out: Output<Column>): void {
    const change = interrupt(columns, slot, this.#limits, this.#verdict);
    if (change === QUIET) return;
    const lift = columns.furthest[slot]! - columns.peak[slot]!;
    out.finding(this.#finding(change, slot, time, { lift, season: NONE, agreeing: [] }, columns));
  }

  /** What people say of its own anomalies. */
  receive(finding: Finding, columns: Columns<State>): void {
    this.#thresholds.take(finding, columns, (slot) => columns.followed[slot] === 1);
  }

  learn(slot: number, answer: Uint8Array): void {
    this.#judge.expectation.found?.learn(slot, answer);
  }

  save(slot: number): Uint8Array | undefined {
    return saveBoth(this.#thresholds.save(slot), this.#judge.expectation.found?.save(slot));
  }

  restore(slot: number, saved: Uint8Array): void {
    const [verdicts, season] = restoreBoth(saved);
    if (verdicts !== undefined) this.#thresholds.restore(slot, verdicts);
    if (season !== undefined) this.#judge.expectation.found?.restore(slot, season);
  }

  release(slot: number): void {
    this.#thresholds.release(slot);
    this.#judge.expectation.found?.release(slot);
    this.#maintenance.release(slot);
  }

  #follow(rows: Rows, columns: Columns<State>, added: Readonly<Record<Column, Float64Array>>, out: Output<Column>): void {
    const judge = this.#judge;
    const verdict = this.#verdict;
    const { expected, lower, upper } = added;
    judge.judge(columns, rows, added.score, added.agree);
    for (const { slot, time, input } of judge.expectation.found?.looks() ?? []) out.ask(slot, 'period', input, time + LOOK_MS);
    const { deviation } = judge;
    const { lift } = judge.expectation;
    const { surprise, sensitivity } = this.#config;
    for (let i = 0; i < rows.length; i++) {
      const value = rows.value[i]!;
      const slot = rows.slot[i]!;
      const score = added.score[i]!;
      const factor = columns.factor[slot]! || 1;
      const surprises = 1 - score <= rarityAt(1 - surprise, factor) && deviation[i]! >= sensitivity * factor;
      const change = watch(columns, slot, value - lift[i]!, value, score, surprises, this.#limits, verdict);
      const level = verdict.expected + lift[i]!;
      expected[i] = level;
      lower[i] = level - verdict.reach;
      upper[i] = level + verdict.reach;
      if (change === QUIET) continue;
      if (change === OPENED || change === GREW) keepShares(columns, slot, judge.ninesBy(i));
      const grounds: Grounds = { lift: lift[i]!, season: judge.expectation.season[i] as Season, agreeing: judge.unusualBy(i) };
      out.finding(this.#finding(change, slot, rows.time[i]!, grounds, columns));
    }
  }

  #finding(change: Exclude<Change, typeof QUIET>, slot: number, time: number, { lift, season, agreeing }: Grounds, columns: Columns<State>): Anomaly {
    const { openedAt, revision } = columns;
    // One that opens soon after the one before has closed is that one, open again; as is one that opens at the same time, which has its id.
    if (change === OPENED && !this.#verdict.again && (revision[slot] === 0 || openedAt[slot] !== time)) {
      openedAt[slot] = time;
      revision[slot] = 0;
    }
    revision[slot] = revision[slot]! + 1;
    const opened = openedAt[slot]!;
    const { reach, confidence, peak, severity, score } = this.#verdict;
    const expected = this.#verdict.expected + lift;
    const { sensitivity } = this.#limits;
    const series = this.#context.names.series(slot);
    const factor = columns.factor[slot]! || 1;
    const deviations = reach > 0 ? (Math.abs(peak - this.#verdict.expected) / reach) * sensitivity * factor : 0;
    // What has just happened scores less: the peak is rare, however it was come to.
    const surest = Math.max(score, anywhere(deviations === 0 ? sensitivity : deviations));
    const direction = peak > this.#verdict.expected ? 'up' : 'down';
    const furthest = columns.furthest[slot]!;
    const band = { expected, lower: expected - reach, upper: expected + reach };
    const subject = about(series);
    const contributions = contributionsOf(columns, slot);
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
      explanation: this.#explain(change, { series: subject.series, peak: furthest, deviations, inside: reach > 0 && deviations < sensitivity * factor, direction, season, period: this.#judge.expectation.found?.periodOf(slot) ?? 0, agreeing, methods: this.#config.methods.length, factor, ...band }, formatDuration(time - opened)),
      value: furthest,
      ...band,
      score: surest,
      confidence,
      direction,
      ...(contributions !== undefined && { contributions }),
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
      case MUTED:
        return explainMuted(told, after);
      default:
        return change satisfies never;
    }
  }
}
