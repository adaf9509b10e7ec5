import type { Columns, OperatorContext, Output } from '../../engine/operator.js';
import { CLOSED, findingOf, GREW, OPENED, type Change } from '../anomaly/episode.js';
import { FROZEN, SILENCE, type Config, type State } from './config.js';
import { explainBack, explainEnded, explainFrozen, explainSilence, explainThawed } from './explain.js';
import { GROWS, severityOf } from './habit.js';
import type { Silence } from './silences.js';

/** How sure one is after so many intervals or changes. */
const SURE = 10;

/** What is told of one series by itself. */
export class Telling {
  readonly #config: Config;
  readonly #context: OperatorContext;

  constructor(of: Config, context: OperatorContext) {
    this.#config = of;
    this.#context = context;
  }

  /** A longer silence is told, whole ms; Infinity while too little is known. */
  limit({ intervals, longest }: Columns<State>, slot: number): number {
    const { warmup, times, min_silence } = this.#config;
    return intervals[slot]! < warmup ? Infinity : Math.ceil(Math.max(min_silence, times * longest[slot]!));
  }

  /** A run of so many samples is told. */
  runLimit({ changes, longestRun }: Columns<State>, slot: number): number {
    const { warmup, times, min_same } = this.#config;
    return changes[slot]! < warmup ? Infinity : Math.ceil(Math.max(min_same, times * longestRun[slot]!));
  }

  /** The silence that a series is in, if it is in one, or would be. */
  silenceOf(state: Columns<State>, member: number): Silence {
    const since = state.sampledAt[member]!;
    const limit = this.limit(state, member);
    return { member, since, due: since + limit, end: since + Math.max(this.#config.forget, 2 * limit), interval: state.interval[member]!, longest: state.longest[member]!, intervals: state.intervals[member]!, back: Infinity, together: false };
  }

  openSilence(silence: Silence, time: number, state: Columns<State>, out: Output): void {
    const severity = severityOf((time - silence.since) / (silence.due - silence.since));
    this.#tellSilence(silence, OPENED, severity, time, state, out);
    state.severity[2 * silence.member + SILENCE] = severity;
  }

  /** All that is to be told of an open silence of which no sample is known before `until`, but not that it is over. Returns when there is more, Infinity once it has ended. */
  goOn(silence: Silence, until: number, state: Columns<State>, out: Output): number {
    const at = 2 * silence.member + SILENCE;
    const limit = silence.due - silence.since;
    for (;;) {
      const severity = state.severity[at]!;
      const next = severity === 4 ? Infinity : silence.since + limit * GROWS[severity - 1]!;
      if (Math.min(next, silence.end) >= until) return Math.min(next, silence.end) + 1;
      if (silence.end <= next) {
        this.#tellSilence(silence, CLOSED, severity, silence.end, state, out);
        state.severity[at] = 0;
        if (silence.back === Infinity) this.end(silence, state, out);
        return Infinity;
      }
      state.severity[at] = severity + 1;
      this.#tellSilence(silence, GREW, severity + 1, next, state, out);
    }
  }

  /** The series has ended. */
  end({ member, end }: Silence, state: Columns<State>, out: Output): void {
    state.noted[member] = 0;
    state.known[member] = 0;
    this.thawed(member, end, state, out);
  }

  /** It is over by a sample at `back`, unless it had ended before. */
  endSilence(silence: Silence, back: number, state: Columns<State>, out: Output): void {
    if (this.goOn(silence, back, state, out) === Infinity) return;
    const at = 2 * silence.member + SILENCE;
    this.#tellSilence(silence, CLOSED, state.severity[at]!, back, state, out);
    state.severity[at] = 0;
  }

  #tellSilence(silence: Silence, change: Change, severity: number, time: number, state: Columns<State>, out: Output): void {
    const { member, since, due, end, interval, intervals } = silence;
    const series = this.#context.names.text(member);
    const silent = time - since;
    const explanation = change !== CLOSED ? explainSilence({ series, ...silence }, silent, since) : time === end ? explainEnded(series, silent) : explainBack(series, interval, silent);
    this.#tell(member, SILENCE, change, severity, time, explanation, { value: silent / 1_000, expected: interval / 1_000, upper: (due - since) / 1_000, seen: intervals }, state, out);
  }

  /** A row with the value of the one before. */
  frozen(slot: number, time: number, state: Columns<State>, out: Output): void {
    const at = 2 * slot + FROZEN;
    const limit = this.runLimit(state, slot);
    const run = state.same[slot]!;
    if (run < limit) return;
    const severity = severityOf(run / limit);
    if (severity <= state.severity[at]!) return;
    const change = state.severity[at] === 0 ? OPENED : GREW;
    state.severity[at] = severity;
    const explanation = explainFrozen(this.#context.names.text(slot), state.value[slot]!, run, time - state.sameSince[slot]!, state.longestRun[slot]!);
    this.#tellFrozen(slot, change, severity, time, explanation, state, out);
  }

  /** The value changes, or the series has ended. */
  thawed(slot: number, time: number, state: Columns<State>, out: Output): void {
    const at = 2 * slot + FROZEN;
    const severity = state.severity[at]!;
    if (severity === 0) return;
    const explanation = explainThawed(this.#context.names.text(slot), state.value[slot]!, state.same[slot]!, time - state.sameSince[slot]!);
    this.#tellFrozen(slot, CLOSED, severity, time, explanation, state, out);
    state.severity[at] = 0;
  }

  #tellFrozen(slot: number, change: Change, severity: number, time: number, explanation: string, state: Columns<State>, out: Output): void {
    this.#tell(slot, FROZEN, change, severity, time, explanation, { value: state.same[slot]!, expected: 1, upper: this.runLimit(state, slot), seen: state.changes[slot]! }, state, out);
  }

  /** `value`: seconds of silence, or samples with one value; in these `expected` and `upper` too. */
  #tell(slot: number, kind: number, change: Change, severity: number, time: number, explanation: string, { value, expected, upper, seen }: { value: number; expected: number; upper: number; seen: number }, state: Columns<State>, out: Output): void {
    const score = scoreAt(value / upper);
    out.finding(findingOf(this.#context.node, this.#context.names.series(slot), state, 2 * slot + kind, change, severity, time, { explanation, value, expected, lower: 0, upper, score, confidence: seen / (seen + SURE), direction: 'up', measure: kind === SILENCE ? 'seconds of silence' : 'samples with one value' }));
  }
}

/** Of what is told: from 0.999 at the limit on. */
function scoreAt(ratio: number): number {
  return 1 - 0.001 / Math.max(1, ratio) ** 2;
}
