/** Events of a stretch of time. */
export interface Events {
  good: number;
  total: number;
}

/** A window is remembered in about so many panes, so its older edge is off by at most 1/720 of its length. */
const PANES_PER_WINDOW = 720;

/** Events that one tier had in one pane, for saving: the pane's length and beginning in ms. */
export interface SavedPane extends Events {
  readonly resolution: number;
  readonly time: number;
}

/**
 * Good and total events over several windows that end at the same moment `now`.
 *
 * Windows of similar length share a tier: a ring of panes of one length, a multiple of `interval`. A
 * window [now - length, now) takes in the whole of its oldest pane. Sums are taken afresh from the panes,
 * oldest first: nothing drifts, and the result does not depend on when or in which order events were
 * added, as long as sums of one pane are exact (see `increase`).
 */
export class EventWindows {
  readonly #windows: readonly { readonly length: number; readonly tier: Tier }[];
  readonly #tiers: readonly Tier[];
  readonly #interval: number;
  /** Everything before it is in the panes. */
  now = -Infinity;

  /** Lengths and interval in ms; `now` moves in steps of the interval. */
  constructor(lengths: readonly number[], interval: number) {
    this.#interval = interval;
    const reach = new Map<number, number>();
    for (const length of lengths) {
      const resolution = resolutionOf(length, interval);
      reach.set(resolution, Math.max(reach.get(resolution) ?? 0, length));
    }
    this.#tiers = [...reach].map(([resolution, longest]) => new Tier(resolution, longest));
    this.#windows = lengths.map((length) => ({
      length,
      tier: this.#tiers.find(({ resolution }) => resolution === resolutionOf(length, interval))!,
    }));
  }

  /** Bytes of the panes for these windows. */
  static bytes(lengths: readonly number[], interval: number): number {
    return new EventWindows(lengths, interval).#tiers.reduce((sum, { good, total }) => sum + good.byteLength + total.byteLength, 0);
  }

  /** Moves `now` on (never back) and forgets the panes that no window reaches any more. */
  advance(now: number): void {
    for (const tier of this.#tiers) tier.advance(now, this.now);
    this.now = now;
  }

  /** Adds events of a moment before `now`; false when no window reaches so far back. */
  add(time: number, good: number, total: number): boolean {
    let taken = false;
    for (const tier of this.#tiers) if (tier.add(time, good, total, this.now)) taken = true;
    return taken;
  }

  /** The events of window `index` of the constructor's lengths. */
  sum(index: number): Events {
    const { length, tier } = this.#windows[index]!;
    return tier.sum(this.now - length);
  }

  /** The next moment, on the grid of the interval, at which events leave one of the first `count` windows; Infinity when they are empty. */
  nextChange(count: number): number {
    let next = Infinity;
    for (const { length, tier } of this.#windows.slice(0, count)) next = Math.min(next, tier.oldestEnd(this.now - length) + length);
    return Math.ceil(next / this.#interval) * this.#interval;
  }

  save(): SavedPane[] {
    return this.#tiers.flatMap((tier) => tier.save());
  }

  /** `now`, and the panes of `save`; where the windows have changed since, the finest panes that reach as far back. */
  restore(now: number, panes: readonly SavedPane[]): void {
    this.advance(now);
    const saved = [...new Set(panes.map(({ resolution }) => resolution))].sort((a, b) => a - b);
    for (const tier of this.#tiers) {
      const same = saved.find((resolution) => resolution === tier.resolution);
      const best = same ?? saved.find((resolution) => resolution * PANES_PER_WINDOW >= tier.reach) ?? saved.at(-1);
      for (const { resolution, time, good, total } of panes) if (resolution === best) tier.add(time, good, total, now);
    }
  }
}

/** The pane's length for a window: the least multiple of the interval that needs no more than 720 panes. */
export function resolutionOf(length: number, interval: number): number {
  return interval * Math.max(1, Math.ceil(length / PANES_PER_WINDOW / interval));
}

class Tier {
  readonly good: Float64Array;
  readonly total: Float64Array;
  readonly #panes: number;
  #newest = 0;

  constructor(
    readonly resolution: number,
    readonly reach: number,
  ) {
    // One more than the length, because a window's oldest pane may lie across its edge.
    this.#panes = Math.ceil(reach / resolution) + 1;
    this.good = new Float64Array(this.#panes);
    this.total = new Float64Array(this.#panes);
  }

  advance(now: number, before: number): void {
    const newest = Math.ceil(now / this.resolution) - 1;
    const first = before === -Infinity ? newest - this.#panes + 1 : Math.max(this.#newest + 1, newest - this.#panes + 1);
    for (let pane = first; pane <= newest; pane++) {
      const at = this.#at(pane);
      this.good[at] = 0;
      this.total[at] = 0;
    }
    this.#newest = newest;
  }

  add(time: number, good: number, total: number, now: number): boolean {
    const pane = Math.floor(time / this.resolution);
    if (pane < this.#first(now - this.reach) || pane > this.#newest) return false;
    const at = this.#at(pane);
    this.good[at]! += good;
    this.total[at]! += total;
    return true;
  }

  sum(from: number): Events {
    let good = 0;
    let total = 0;
    for (let pane = this.#first(from); pane <= this.#newest; pane++) {
      const at = this.#at(pane);
      good += this.good[at]!;
      total += this.total[at]!;
    }
    return { good, total };
  }

  /** End of the oldest pane with events of a window that begins at `from`. */
  oldestEnd(from: number): number {
    for (let pane = this.#first(from); pane <= this.#newest; pane++) {
      const at = this.#at(pane);
      if (this.good[at] !== 0 || this.total[at] !== 0) return (pane + 1) * this.resolution;
    }
    return Infinity;
  }

  save(): SavedPane[] {
    const saved: SavedPane[] = [];
    for (let pane = this.#newest - this.#panes + 1; pane <= this.#newest; pane++) {
      const at = this.#at(pane);
      const good = this.good[at]!;
      const total = this.total[at]!;
      if (good !== 0 || total !== 0) saved.push({ resolution: this.resolution, time: pane * this.resolution, good, total });
    }
    return saved;
  }

  /** The oldest pane that ends after `from`. */
  #first(from: number): number {
    return Math.max(Math.floor(from / this.resolution), this.#newest - this.#panes + 1);
  }

  #at(pane: number): number {
    const at = pane % this.#panes;
    return at < 0 ? at + this.#panes : at;
  }
}
