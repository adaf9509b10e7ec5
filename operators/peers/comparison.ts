import type { Batch } from '../../engine/batch.js';
import type { Finding } from '../../engine/finding.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, end as endEpisode, findingOf, follow, OPENED, QUIET, type Change, type EpisodeRules } from '../anomaly/episode.js';
import { isJudged } from '../anomaly/in-order.js';
import { rank, RANKS, scoreOf, topOf, type Scale } from '../anomaly/score.js';
import { Thresholds } from '../anomaly/thresholds.js';
import { panesOf, type Config, type State } from './config.js';
import { explainAway, explainBack, explainGone, explainStays, explainTogether, explainTogetherAgain, type Band, type ToldMember } from './explain.js';
import { judgeFleet, learnDistance, ratioOf, type Fleet, type FleetRules } from './fleet.js';

export type Column = 'score' | 'expected' | 'lower' | 'upper' | 'peers';

/** Ratios that a tenth and a hundredth of normal rows exceed, and a thousandth of heavy-tailed ones; twice as far out as the edge is rare in any series. */
const SCALE: Scale = { begin: [0.4, 0.55, 1.2], top: 2 };
/** Members that a finding of the group names. */
const NAMED = 3;

/** A member that has samples in the window at hand. */
interface Present {
  readonly slot: number;
  readonly value: number;
  /** How far out it is, of what counts. */
  readonly ratio: number;
}

/** The operator: means of each member by window; when the window of a group closes, its members are compared. */
export class Comparison implements Operator<State, string, Column> {
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #panes: number;
  readonly #rules: EpisodeRules;
  readonly #fleetRules: FleetRules;
  readonly #thresholds: Thresholds;

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
    this.#thresholds = new Thresholds(context);
    this.#panes = panesOf(of, context.lead);
    this.#rules = { opens: of.for, most: Math.ceil(of.for / 2), calm: of.close, closes: of.close_for };
    this.#fleetRules = { eps: of.eps, sensitivity: of.sensitivity, minPoints: of.min_points, leastAbsolute: of.min_deviation, leastRelative: of.min_relative };
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const { window, lateness } = this.#config;
    for (let i = 0; i < batch.length; i++) {
      const value = batch.value[i]!;
      if (!isJudged(batch, i)) continue;
      const end = (Math.floor(batch.time[i]! / window) + 1) * window;
      const member = batch.slot[i]!;
      const group = this.#context.names.group(member);
      if (end + lateness <= out.watermark) out.late(batch, i, 'late');
      else if (!this.#enter(group, end, state, out, true) || !this.#enter(member, end, state, out, false)) out.late(batch, i, 'ahead');
      else {
        const pane = this.#pane(member, end);
        state.sum[pane] = state.sum[pane]! + value;
        state.count[pane] = state.count[pane]! + 1;
      }
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

  wake(group: number, _time: number, state: Columns<State>, out: Output<Column>): void {
    const end = this.#earliest(group, state);
    if (end === Infinity) return;
    this.#judge(group, end, state, out);
    for (const slot of [group, ...this.#context.names.members(group)]) {
      const pane = this.#pane(slot, end);
      if (state.taken[pane] === 1 && state.end[pane] === end) this.#clear(pane, state);
    }
    const next = this.#earliest(group, state);
    if (next !== Infinity) out.wake(group, next + this.#config.lateness);
  }

  #pane(slot: number, end: number): number {
    const number = end / this.#config.window;
    return slot * this.#panes + number - Math.floor(number / this.#panes) * this.#panes;
  }

  /** Makes the window that ends at `end` one of those of the slot. False: another that is open has its place. */
  #enter(slot: number, end: number, state: Columns<State>, out: Output<Column>, wakes: boolean): boolean {
    const pane = this.#pane(slot, end);
    if (state.taken[pane] === 1) return state.end[pane] === end;
    state.taken[pane] = 1;
    state.end[pane] = end;
    if (wakes) out.wake(slot, this.#earliest(slot, state) + this.#config.lateness);
    return true;
  }

  #clear(pane: number, state: Columns<State>): void {
    state.taken[pane] = 0;
    state.end[pane] = 0;
    state.sum[pane] = 0;
    state.count[pane] = 0;
  }

  #earliest(slot: number, { taken, end }: Columns<State>): number {
    let earliest = Infinity;
    for (let pane = slot * this.#panes; pane < (slot + 1) * this.#panes; pane++) if (taken[pane] === 1) earliest = Math.min(earliest, end[pane]!);
    return earliest;
  }

  #judge(group: number, end: number, state: Columns<State>, out: Output<Column>): void {
    const { min_peers, warmup, memory, together } = this.#config;
    const slots: number[] = [];
    const silent: number[] = [];
    const means: number[] = [];
    for (const slot of this.#context.names.members(group)) {
      const pane = this.#pane(slot, end);
      if (state.taken[pane] === 1 && state.end[pane] === end) {
        slots.push(slot);
        means.push(state.sum[pane]! / state.count[pane]!);
      } else silent.push(slot);
    }
    if (slots.length === 0) return;
    const fleet = judgeFleet(Float64Array.from(means), state.usual[group]!, this.#fleetRules);
    const band: Band = { expected: fleet.expected, lower: fleet.lowestCore - fleet.eps, upper: fleet.highestCore + fleet.eps };
    const enough = slots.length >= min_peers;
    const judged = enough && state.windows[group]! >= warmup;
    const present = slots.map((slot, i): Present => ({ slot, value: means[i]!, ratio: judged ? this.#counted(slot, means[i]!, fleet, state) : 0 }));
    for (const each of present) {
      const row = out.row(end, each.slot, each.value);
      out.columns.score[row] = judged ? scoreOf(state, each.slot, each.ratio, SCALE, group) : 0;
      out.columns.expected[row] = band.expected;
      out.columns.lower[row] = band.lower;
      out.columns.upper[row] = band.upper;
      out.columns.peers[row] = slots.length;
      if (!judged) continue;
      rank(state, each.slot, each.ratio, SCALE);
      // One that is ill does not make illness usual for the others.
      if (state.severity[each.slot] === 0 && state.accepted[each.slot] === 0) rank(state, group, each.ratio, SCALE);
    }
    if (!enough) return;
    if (judged) {
      const away = present.filter(({ ratio }) => ratio >= 1);
      const share = away.length < 2 ? 0 : away.length / slots.length / together;
      this.#followGroup(group, share, away, slots.length, band, end, state, out);
      const held = share >= 1 || state.severity[group]! > 0;
      for (const each of present) this.#followMember(each, held, fleet, slots.length, band, end, state, out);
      for (const slot of silent) if (state.severity[slot]! > 0) this.#followSilent(slot, fleet, slots.length, band, end, state, out);
    }
    state.usual[group] = learnDistance(state.usual[group]!, state.windows[group]!, fleet.distance, memory);
    state.windows[group] = Math.min(state.windows[group]! + 1, 0xffffffff);
  }

  /** How far out a member is, where that side counts and it is not its place. */
  #counted(slot: number, value: number, fleet: Fleet, { accepted, outside }: Columns<State>): number {
    const { direction, close_for } = this.#config;
    if (direction !== 'both' && (value > fleet.expected) !== (direction === 'up')) return 0;
    const ratio = ratioOf(value, fleet);
    const place = accepted[slot]!;
    if (place === 0) return ratio;
    outside[slot] = ratio < this.#config.close ? outside[slot]! + 1 : 0;
    if (outside[slot]! >= close_for || ratio >= 2 * place) {
      accepted[slot] = 0;
      outside[slot] = 0;
      return ratio;
    }
    return Math.min(ratio, this.#config.close);
  }

  #followMember({ slot, value, ratio }: Present, held: boolean, fleet: Fleet, members: number, band: Band, time: number, state: Columns<State>, out: Output<Column>): void {
    const before = state.severity[slot]!;
    if (before === 0 && held) {
      state.run[slot] = 0;
      return;
    }
    const change = follow(state, slot, ratio, value, this.#rules, state.factor[slot]! || 1);
    if (change === OPENED) state.outside[slot] = 0;
    const stays = change !== CLOSED && state.severity[slot]! > 0 && (state.outside[slot] = state.outside[slot]! + 1) >= this.#config.adapt;
    if (change === QUIET && !stays) return;
    const severity = Math.max(before, state.severity[slot]!);
    const told = this.#told(slot, fleet, members, band, state);
    let explanation = explainAway(told);
    const after = formatDuration(time - state.openedAt[slot]!);
    if (change === CLOSED) explanation = explainBack(told, after);
    if (stays) {
      explanation = explainStays(told, state.outside[slot]!, after);
      endEpisode(state, slot);
      state.accepted[slot] = told.ratio;
      state.outside[slot] = 0;
    }
    this.#tell(slot, stays ? CLOSED : change, severity, told, explanation, time, state, out);
  }

  /** An anomaly of a member without samples, while its peers have some. */
  #followSilent(slot: number, fleet: Fleet, members: number, band: Band, time: number, state: Columns<State>, out: Output<Column>): void {
    const severity = state.severity[slot]!;
    if (follow(state, slot, 0, NaN, this.#rules, state.factor[slot]! || 1) !== CLOSED) return;
    const told = this.#told(slot, fleet, members, band, state);
    this.#tell(slot, CLOSED, severity, told, explainGone(told, formatDuration(time - state.openedAt[slot]!)), time, state, out);
  }

  #told(slot: number, { agreeing }: Fleet, members: number, band: Band, { furthest, peak }: Columns<State>): ToldMember {
    const value = furthest[slot]!;
    return { series: this.#context.names.text(slot), value, ratio: peak[slot]!, direction: value > band.expected ? 'up' : 'down', agreeing, members, ...band };
  }

  #tell(slot: number, change: Change, severity: number, { ratio, value, direction, members, expected, lower, upper }: ToldMember, explanation: string, time: number, state: Columns<State>, out: Output<Column>): void {
    const score = scoreOf(state, slot, ratio, SCALE, this.#context.names.group(slot));
    out.finding(findingOf(this.#context.node, this.#context.names.series(slot), state, slot, change, severity, time, { explanation, value, expected, lower, upper, score, confidence: members / (members + this.#config.min_peers), direction, excess: ratio }));
  }

  /** @param share of the members that are away, 1 at `together` @param away these */
  #followGroup(group: number, share: number, away: readonly Present[], members: number, band: Band, time: number, state: Columns<State>, out: Output<Column>): void {
    const before = state.severity[group]!;
    const mean = away.reduce((sum, { value }) => sum + value / away.length, 0);
    const change = follow(state, group, share, away.length === 0 ? band.expected : mean, this.#rules, state.factor[group]! || 1);
    if (change === QUIET) return;
    const { names, node } = this.#context;
    const above = away.filter(({ value }) => value > band.expected).length;
    const furthest = away
      .toSorted((a, b) => b.ratio - a.ratio)
      .slice(0, NAMED)
      .map(({ slot, value }) => [names.text(slot), value] as const);
    const told = { series: names.text(group), members, above, below: away.length - above, furthest, ...band };
    const value = state.furthest[group]!;
    const explanation = change === CLOSED ? explainTogetherAgain(told, formatDuration(time - state.openedAt[group]!)) : explainTogether(told);
    const score = topOf(SCALE.top * Math.max(1, state.peak[group]!), SCALE);
    const confidence = members / (members + this.#config.min_peers);
    out.finding(findingOf(node, names.series(group), state, group, change, Math.max(before, state.severity[group]!), time, { explanation, value, ...band, score, confidence, direction: value > band.expected ? 'up' : 'down', excess: state.peak[group]! }));
  }
}
