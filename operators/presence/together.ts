import type { Columns, OperatorContext, Output } from '../../engine/operator.js';
import { formatDuration } from '../../engine/scalars.js';
import { CLOSED, findingOf, GREW, OPENED, type Change } from '../anomaly/episode.js';
import type { Config, State } from './config.js';
import { explainTogether, explainTogetherOver } from './explain.js';
import { Silences, type Silence } from './silences.js';
import type { Telling } from './telling.js';

/** Fewer are told one by one. */
const MANY = 10;
/** Series that are named. */
const NAMED = 3;
/** The anomaly of a group is over when so much less is silent than would open it. */
const CALM = 0.5;
/** Shares from which it is high, critical; below that it is medium. */
const HIGH = 0.5;
const CRITICAL = 0.9;

/**
 * Tells silences at the multiples of `hold`, one by one or as one of the group. What it says at such a time depends on samples before
 * that time alone, whichever of the others have come already.
 */
export class Together {
  readonly silences = new Silences();
  readonly #config: Config;
  readonly #context: OperatorContext;
  readonly #telling: Telling;

  constructor(of: Config, context: OperatorContext, telling: Telling) {
    this.#config = of;
    this.#context = context;
    this.#telling = telling;
  }

  /** A member is silent, as far as is known. */
  note(silence: Silence, state: Columns<State>, out: Output): void {
    const group = this.#context.names.group(silence.member);
    state.noted[silence.member] = 1;
    this.silences.add(group, silence);
    this.#wake(group, this.#when(silence), state, out);
  }

  /** A sample has ended a silence that is not told by itself. */
  over(silence: Silence, back: number, state: Columns<State>, out: Output): void {
    const group = this.#context.names.group(silence.member);
    if (state.noted[silence.member] === 1) {
      state.noted[silence.member] = 0;
      const noted = this.silences.open(silence.member);
      noted.back = back;
      this.#wake(group, this.#when(noted), state, out);
    } else if (back >= this.#after(silence.due)) {
      this.silences.add(group, { ...silence, back });
      this.#wake(group, this.#when(silence), state, out);
    }
  }

  /** Tells all that there is to tell by this watermark, at one multiple of `hold` after the other. */
  tell(group: number, watermark: number, state: Columns<State>, out: Output): void {
    for (const member of this.#context.names.members(group)) {
      if (state.known[member] === 0 || state.noted[member] === 1 || state.severity[2 * member]! > 0) continue;
      const silence = this.#telling.silenceOf(state, member);
      if (silence.due < watermark) this.note(silence, state, out);
    }
    for (;;) {
      const next = this.silences.of(group).reduce((least, silence) => Math.min(least, this.#when(silence)), Infinity);
      if (next > watermark) {
        this.#setDue(group, next, state, out);
        return;
      }
      this.#tellAt(group, next, state, out);
    }
  }

  #tellAt(group: number, time: number, state: Columns<State>, out: Output): void {
    const { names } = this.#context;
    const members = names.members(group);
    const all = this.silences.of(group).toSorted((a, b) => (a.member === b.member ? a.since - b.since : names.member(a.member) < names.member(b.member) ? -1 : 1));
    const later = all.filter((silence) => silence.due >= time);
    const now = all.filter((silence) => silence.due < time && silence.back >= time && silence.end >= time);
    for (const silence of all) if (silence.end < time && silence.back === Infinity) this.#telling.end(silence, state, out);
    const had = members.filter((member) => state.first[member]! < time && (state.known[member] === 1 || state.intervals[member]! > 0)).length;
    const tells = this.#tellGroup(group, now, had, time, state, out);
    const ripe = tells ? [] : now.filter((silence) => this.#when(silence) <= time);
    const waiting = tells ? now : now.filter((silence) => this.#when(silence) > time);
    this.silences.keep(group, [...later, ...waiting]);
    for (const silence of ripe) this.#tellAlone(silence, time, state, out);
  }

  /** Whether the silences are told by the anomaly of the group. */
  #tellGroup(group: number, now: readonly Silence[], had: number, time: number, state: Columns<State>, out: Output): boolean {
    const at = 2 * group;
    const before = state.severity[at]!;
    const share = now.length / had;
    const { together } = this.#config;
    const enough = before === 0 ? now.length >= MANY && share >= together : now.length > 0 && share >= CALM * together;
    if (!enough && before === 0) return false;
    const severity = Math.max(before, share >= CRITICAL ? 4 : share >= HIGH ? 3 : 2);
    const change: Change | undefined = !enough ? CLOSED : before === 0 ? OPENED : severity > before ? GREW : undefined;
    for (const silence of now) silence.together = enough;
    state.peak[at] = Math.max(before === 0 ? 0 : state.peak[at]!, now.length);
    state.severity[at] = enough ? severity : 0;
    if (change !== undefined) this.#tellChange(group, change, severity, now, had, time, state, out);
    return enough;
  }

  #tellChange(group: number, change: Change, severity: number, now: readonly Silence[], had: number, time: number, state: Columns<State>, out: Output): void {
    const { names, node } = this.#context;
    const text = names.text(group);
    const first = now.toSorted((a, b) => a.since - b.since)[0];
    const named = now.slice(0, NAMED).map(({ member }) => names.text(member));
    const upper = this.#config.together * had;
    const explanation = change === CLOSED ? explainTogetherOver(text, now.length, had, state.peak[2 * group]!, formatDuration(time - state.openedAt[2 * group]!)) : explainTogether(text, now.length, had, first!.since, named);
    out.finding(
      findingOf(node, names.series(group), state, 2 * group, change, severity, time, {
        explanation,
        value: now.length,
        expected: 0,
        lower: 0,
        upper,
        score: 1 - 0.001 * Math.min(1, upper / Math.max(upper, now.length)),
        confidence: had / (had + MANY),
        direction: 'up',
        measure: 'silent series',
      }),
    );
  }

  #tellAlone(silence: Silence, time: number, state: Columns<State>, out: Output): void {
    this.#telling.openSilence(silence, time, state, out);
    const { member, back } = silence;
    if (back === Infinity) {
      state.noted[member] = 0;
      this.#setDue(member, this.#telling.goOn(silence, time, state, out), state, out);
    } else this.#telling.endSilence(silence, back, state, out);
  }

  /** When a silence is told, unless it is over by then; or, of one that is told together, is so no more. */
  #when({ due, back, end, together }: Silence): number {
    return together ? this.#after(Math.min(back, end)) : this.#after(due) + this.#config.hold;
  }

  /** The first time of telling after this one. */
  #after(time: number): number {
    const { hold } = this.#config;
    return (Math.floor(time / hold) + 1) * hold;
  }

  #wake(group: number, time: number, state: Columns<State>, out: Output): void {
    const due = state.due[group]!;
    if (due === 0 || time < due) this.#setDue(group, time, state, out);
  }

  #setDue(slot: number, time: number, state: Columns<State>, out: Output): void {
    state.due[slot] = time === Infinity ? 0 : time;
    out.wake(slot, time);
  }
}
