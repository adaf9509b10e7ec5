import { STALE, type Batch } from '../../engine/batch.js';
import type { Columns, Operator, OperatorContext, Output } from '../../engine/operator.js';
import { MOST_MEMBERS, MOST_WAITING, type Config, type State } from './config.js';
import { isBounded } from '../anomaly/in-order.js';
import { Follower, type Column } from './follower.js';
import { step, type Kept } from './history.js';
import type { Model } from './model.js';

/** A member that has a value, or one that stands in. */
interface Present {
  readonly member: string;
  readonly value: number;
  readonly kept: Kept;
}

/** Groups: a vector is what their members are at the same time. */
export class GroupForest implements Operator<State, string, Column> {
  readonly #follower: Follower;
  readonly #config: Config;
  readonly #context: OperatorContext;

  constructor(config: Config, context: OperatorContext) {
    this.#follower = new Follower(config, context);
    this.#config = config;
    this.#context = context;
  }

  push(batch: Batch, state: Columns<State>, out: Output<Column>): void {
    const { step: size, history } = this.#config;
    for (let i = 0; i < batch.length; i++) {
      const time = batch.time[i]!;
      const gone = (batch.flags[i]! & STALE) !== 0;
      const value = gone ? NaN : batch.value[i]!;
      if (!gone && !isBounded(value)) continue;
      const end = (Math.floor(time / size) + 1) * size;
      if (end <= out.watermark) {
        out.late(batch, i, 'late');
        continue;
      }
      const { waiting } = this.#follower.keptOr(batch.slot[i]!, history, 0);
      const known = waiting.find((of) => of.end === end);
      if (known !== undefined) {
        if (time < known.time) continue;
        known.time = time;
        known.value = value;
        continue;
      }
      if (waiting.length >= MOST_WAITING) {
        out.late(batch, i, 'ahead');
        continue;
      }
      waiting.push({ end, time, value });
      const group = this.#context.names.group(batch.slot[i]!);
      this.#follower.keptOr(group, 0, 0);
      if (state.followed[group] === 0 || end < state.last[group]!) {
        state.followed[group] = 1;
        state.last[group] = end;
        out.wake(group, end);
      }
    }
  }

  /** The end of the first step that some member has values in; `last` of a group says when that is, `followed` whether there is one. */
  wake(group: number, _time: number, state: Columns<State>, out: Output<Column>): void {
    if (state.followed[group] === 0) return;
    const end = state.last[group]!;
    const present = this.#close(group, end);
    this.#judge(group, end, present, state, out);
    let next = Infinity;
    for (const member of this.#context.names.members(group)) for (const of of this.#follower.kept(member)?.waiting ?? []) next = Math.min(next, of.end);
    state.followed[group] = next === Infinity ? 0 : 1;
    state.last[group] = next === Infinity ? 0 : next;
    out.wake(group, next);
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

  /** What each member is at the end of a step, in order of their text; those that have no value that is recent enough are left out. */
  #close(group: number, end: number): Present[] {
    const { names } = this.#context;
    const { step: size, hold } = this.#config;
    const present: Present[] = [];
    for (const slot of names.members(group)) {
      const kept = this.#follower.kept(slot);
      if (kept === undefined) continue;
      const at = kept.waiting.findIndex((of) => of.end === end);
      if (at >= 0) {
        const { time, value } = kept.waiting.splice(at, 1)[0]!;
        kept.last = value;
        kept.lastTime = time;
      }
      if (end - kept.lastTime > Math.max(hold, size)) kept.last = NaN;
      if (!Number.isNaN(kept.last) && present.length < MOST_MEMBERS) present.push({ member: names.member(slot), value: kept.last, kept });
    }
    return present;
  }

  #judge(group: number, end: number, present: readonly Present[], state: Columns<State>, out: Output<Column>): void {
    if (present.length === 0) return;
    const kept = this.#follower.keptOr(group, 0, 0);
    const { model } = kept;
    const vector = model === undefined ? undefined : vectorOf(model, present);
    let takes = true;
    if (model === undefined) this.#give(group, end, 0, NaN, NaN, NaN, NaN, out);
    else if (vector === undefined) this.#give(group, end, NaN, NaN, NaN, NaN, NaN, out);
    else {
      const band = (raw: number, edge: number) => ({ value: NaN, expected: model.median, lower: model.lowest, upper: edge });
      takes = this.#follower.judge(group, end, kept, model, vector, band, model.members, state, out);
      const { score, raw, edge } = this.#follower.verdict;
      this.#give(group, end, score, raw, model.median, model.lowest, edge, out);
    }
    if (takes) this.#remember(group, end, present, kept, state, out);
  }

  #give(group: number, end: number, score: number, raw: number, expected: number, lower: number, upper: number, out: Output<Column>): void {
    const row = out.row(end, group, raw);
    out.columns.score[row] = score;
    out.columns.raw[row] = raw;
    out.columns.expected[row] = expected;
    out.columns.lower[row] = lower;
    out.columns.upper[row] = upper;
  }

  #remember(group: number, end: number, present: readonly Present[], kept: Kept, state: Columns<State>, out: Output<Column>): void {
    for (const slot of this.#context.names.members(group)) {
      const of = this.#follower.kept(slot);
      if (of !== undefined) of.ring[kept.head] = of.last;
    }
    step(kept, this.#config.history);
    state.since[group] = state.since[group]! + 1;
    const { model } = kept;
    const changed = model !== undefined && (model.members.length !== present.length || present.some(({ member }, i) => member !== model.members[i]));
    if (!this.#follower.isDue(group, kept, changed, state)) return;
    const vectors = this.#complete(present, kept);
    if (vectors.length < this.#config.warmup * present.length) return;
    this.#follower.ask(group, end, { members: present.map(({ member }) => member) }, vectors, state, out);
  }

  /** The vectors of history in which all of them have values, the oldest first. */
  #complete(present: readonly Present[], { head, count }: Kept): Float64Array {
    const size = this.#config.history;
    const vectors = new Float64Array(count * present.length);
    let length = 0;
    for (let i = 0; i < count; i++) {
      const at = (head - count + i + size) % size;
      let whole = true;
      for (const [m, { kept }] of present.entries()) {
        const value = kept.ring[at]!;
        vectors[length + m] = value;
        if (Number.isNaN(value)) whole = false;
      }
      if (whole) length += present.length;
    }
    return vectors.slice(0, length);
  }
}

/** In the order of the model's members; undefined: one has no value. */
function vectorOf({ members }: Model, present: readonly Present[]): Float64Array | undefined {
  const vector = new Float64Array(members.length);
  let at = 0;
  for (const [i, member] of members.entries()) {
    while (at < present.length && present[at]!.member < member) at += 1;
    if (at === present.length || present[at]!.member !== member) return undefined;
    vector[i] = present[at]!.value;
  }
  return vector;
}
