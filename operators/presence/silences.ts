/** A silence of a member of a group that is not told yet, or is told together with others. Times and durations in ms. */
export interface Silence {
  readonly member: number;
  /** Its last sample before, when that had become too long ago, and when it has ended. */
  readonly since: number;
  readonly due: number;
  readonly end: number;
  /** Its habit before: usual interval, the longest that is usual, and of how many. */
  readonly interval: number;
  readonly longest: number;
  readonly intervals: number;
  /** Its first sample after; Infinity: none yet. */
  back: number;
  /** It is one of those that the anomaly of the group tells of. */
  together: boolean;
}

const FIELDS = 9;

/** By group, in no order. */
export class Silences {
  readonly #of = new Map<number, Silence[]>();
  /** By member: the last that was open. */
  readonly #open = new Map<number, Silence>();

  of(group: number): readonly Silence[] {
    return this.#of.get(group) ?? [];
  }

  /** Of a member of which one is open: that. */
  open(member: number): Silence {
    return this.#open.get(member)!;
  }

  add(group: number, silence: Silence): void {
    if (silence.back === Infinity) this.#open.set(silence.member, silence);
    const all = this.#of.get(group);
    if (all === undefined) this.#of.set(group, [silence]);
    else all.push(silence);
  }

  keep(group: number, left: Silence[]): void {
    if (left.length === 0) this.#of.delete(group);
    else this.#of.set(group, left);
  }

  save(group: number): Uint8Array | undefined {
    const all = this.of(group);
    if (all.length === 0) return undefined;
    return new Uint8Array(Float64Array.from(all.flatMap(({ member, since, due, end, interval, longest, intervals, back, together }) => [member, since, due, end, interval, longest, intervals, back, together ? 1 : 0])).buffer);
  }

  restore(group: number, saved: Uint8Array): void {
    const numbers = new Float64Array(new Uint8Array(saved).buffer);
    for (let i = 0; i < numbers.length; i += FIELDS) {
      const [member, since, due, end, interval, longest, intervals, back, together] = numbers.subarray(i, i + FIELDS);
      this.add(group, { member: member!, since: since!, due: due!, end: end!, interval: interval!, longest: longest!, intervals: intervals!, back: back!, together: together === 1 });
    }
  }

  /** Forgets a group, or all of a member. */
  release(slot: number): void {
    this.#of.delete(slot);
    this.#open.delete(slot);
    for (const [group, all] of this.#of) if (all.some(({ member }) => member === slot)) this.keep(group, all.filter(({ member }) => member !== slot));
  }
}
