import { STALE, type Batch } from '../../engine/batch.js';
import { about, findingId, type Forecast, type Severity } from '../../engine/finding.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { actions, adviseOn, breachAfter, confidenceOf, growthOf, hasMoved, type Action, type Rules } from './advice.js';
import type { Config, State } from './config.js';
import { explain } from './explain.js';
import { remember } from './history.js';
import { emptyTrend, fitTrend, halfWidthAt, quantilesFor, valueAt, type Trend } from './trend.js';

export type Column = 'predicted' | 'lower80' | 'upper80' | 'lower95' | 'upper95' | 'confidence';

const SEVERITY: Record<Action, Severity> = {
  immediate_scale_up_required: 'critical',
  plan_scale_up: 'medium',
  monitor_closely: 'low',
  consider_scale_down: 'info',
  maintain_current_capacity: 'info',
};

/** Forecasts in succession that have to be less urgent than what was told before that is told. */
const EASIER = 3;

/** Larger values overflow when squared. */
const LARGEST = 1e150;

const quantile80 = quantilesFor(0.8);
const quantile95 = quantilesFor(0.95);

/** What a trend says at one time. */
interface Outlook {
  readonly current: number;
  readonly predicted: number;
  readonly lower80: number;
  readonly upper80: number;
  readonly lower95: number;
  readonly upper95: number;
  readonly confidence: number;
  readonly growth: number;
  readonly warningAfter: number;
  readonly criticalAfter: number;
  readonly action: Action;
}

/** The operator: rows in; now and then a row with what is predicted, and a finding of it for each series. */
export class Forecaster implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #rules: Rules;
  readonly #width: number;
  readonly #trend: Trend = emptyTrend();

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#width = of.history / of.buckets;
    this.#rules = {
      warning: of.warning,
      critical: of.critical,
      side: of.warning !== undefined && of.critical !== undefined && of.critical < of.warning ? -1 : 1,
      horizon: of.horizon,
      immediate: of.immediate,
      growth: of.growth,
      idle: of.idle,
    };
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const { last, followed, count, due } = state;
    const { buckets, min_buckets: least, every } = this.#config;
    for (let i = 0; i < batch.length; i++) {
      const slot = batch.slot[i]!;
      const time = batch.time[i]!;
      if (followed[slot] === 1 && time < last[slot]!) {
        out.late(batch, i, 'late');
        continue;
      }
      const value = batch.value[i]!;
      if ((batch.flags[i]! & STALE) !== 0) this.#close(slot, time, state, out);
      if (!(Math.abs(value) <= LARGEST)) continue;
      last[slot] = time;
      followed[slot] = 1;
      remember(state, slot, time, value, buckets, this.#width);
      if (count[slot]! < least || time < due[slot]!) continue;
      due[slot] = (Math.floor(time / every) + 1) * every;
      if (fitTrend(state, slot, buckets, time, time - this.#config.history, least, this.#trend)) this.#tell(slot, time, value, state, out);
    }
  }

  #tell(slot: number, time: number, value: number, state: Columns<State>, out: Output<Column>): void {
    const outlook = this.#look();
    const row = out.row(time, slot, value);
    const { columns } = out;
    columns.predicted[row] = outlook.predicted;
    columns.lower80[row] = outlook.lower80;
    columns.upper80[row] = outlook.upper80;
    columns.lower95[row] = outlook.lower95;
    columns.upper95[row] = outlook.upper95;
    columns.confidence[row] = outlook.confidence;

    const action = actions.indexOf(outlook.action);
    const told = state.action[slot]!;
    const easier = action > told ? state.easier[slot]! + 1 : 0;
    state.easier[slot] = easier;
    const isNew = state.revision[slot] === 0;
    const isNews =
      isNew ||
      action < told ||
      easier >= EASIER ||
      (action === told &&
        (hasMoved(state.warningAt[slot]!, time + outlook.warningAfter, time, this.#rules.horizon) ||
          hasMoved(state.criticalAt[slot]!, time + outlook.criticalAfter, time, this.#rules.horizon)));
    if (!isNews) return;
    if (isNew) state.openedAt[slot] = time;
    state.revision[slot] = state.revision[slot]! + 1;
    state.action[slot] = action;
    state.easier[slot] = 0;
    state.warningAt[slot] = time + outlook.warningAfter;
    state.criticalAt[slot] = time + outlook.criticalAfter;
    out.finding(this.#finding(slot, time, isNew ? 'opened' : 'grew', outlook, state));
  }

  /** The series has ended: what was forecast of it is closed, with its last outlook. */
  #close(slot: number, time: number, state: Columns<State>, out: Output<Column>): void {
    if (state.revision[slot] === 0) return;
    // Everything that is held, so that there is an outlook however long the series was silent.
    fitTrend(state, slot, this.#config.buckets, time, -Infinity, this.#config.min_buckets, this.#trend);
    state.revision[slot] = state.revision[slot]! + 1;
    out.finding(this.#finding(slot, time, 'closed', this.#look(), state));
    state.revision[slot] = 0;
    state.easier[slot] = 0;
  }

  /** What the trend at hand says. */
  #look(): Outlook {
    const trend = this.#trend;
    const rules = this.#rules;
    const current = trend.latest;
    const predicted = valueAt(trend, rules.horizon);
    const half80 = halfWidthAt(trend, rules.horizon, quantile80(trend.degrees));
    const half95 = halfWidthAt(trend, rules.horizon, quantile95(trend.degrees));
    const warningAfter = breachAfter(trend, rules.warning, rules);
    const criticalAfter = breachAfter(trend, rules.critical, rules);
    const growth = growthOf(current, predicted);
    const upperNow = trend.level + halfWidthAt(trend, 0, quantile95(trend.degrees));
    return {
      current,
      predicted,
      lower80: predicted - half80,
      upper80: predicted + half80,
      lower95: predicted - half95,
      upper95: predicted + half95,
      confidence: confidenceOf(trend.covered + this.#width, this.#config.history, half80, current, predicted),
      growth,
      warningAfter,
      criticalAfter,
      action: adviseOn(warningAfter, criticalAfter, growth, Math.max(upperNow, predicted + half95), rules),
    };
  }

  #finding(slot: number, time: number, of: Forecast['state'], outlook: Outlook, state: Columns<State>): Forecast {
    const { warningAfter, criticalAfter, ...told } = outlook;
    const { horizon, warning, critical } = this.#rules;
    const { node, names } = this.#context;
    const subject = about(names.series(slot));
    const openedAt = state.openedAt[slot]!;
    return {
      id: findingId(node, 'forecast', subject.series, openedAt),
      kind: 'forecast',
      revision: state.revision[slot]!,
      state: of,
      operator: node,
      ...subject,
      openedAt,
      time,
      severity: SEVERITY[outlook.action],
      explanation: explain({ series: subject.series, ...outlook, horizon, warning, critical }),
      ...told,
      horizonMs: horizon,
      ...(warningAfter < Infinity && { warningAt: time + warningAfter }),
      ...(criticalAfter < Infinity && { criticalAt: time + criticalAfter }),
    };
  }
}
