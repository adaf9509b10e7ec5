import { burnRate, errorRatio, fires, type Pair } from './burn.js';
import { EventWindows, type Events, type SavedPane } from './event-windows.js';

/** Intervals with events that may wait for their judgement, a month of minutes: more than a posted backlog needs. */
const MAX_WAITING = 44_640;

/** How an SLO stands at a moment. */
export interface Judgement {
  readonly time: number;
  /** Percent of good events over the period; 100 without events. */
  readonly compliance: number;
  /** Percent of the error budget that is left; negative when overspent. */
  readonly budgetRemaining: number;
  /** Burn rate over the long window of the fastest pair. */
  readonly burnRate: number;
  readonly change: 'none' | 'opened' | 'grew' | 'closed';
}

/** A pair of windows that fires, or fired last, with what it sees. */
export interface Firing {
  readonly pair: Pair;
  /** Of the pair; once closed, the highest that there was. */
  readonly severity: Pair['severity'];
  readonly long: number;
  readonly short: number;
  /** Events in the long window. */
  readonly events: Events;
}

/**
 * One SLO: counts events, and judges them on a grid of event time.
 *
 * Events wait by interval until time has passed the interval's end, and are then judged at that end; so
 * the order in which they come does not matter. Between, it is judged only at the moments at which
 * events leave the window of a burn rate: a judgement at another moment would say the same again. So it
 * rests once the windows of its burn rates are empty, and its compliance stays that of its last events.
 * Events older than the last judgement still count where they fall, as long as the period reaches so far
 * back. An SLO without any events begins with whatever comes, however old: it follows its own time.
 */
export class Monitor {
  readonly #pairs: readonly Pair[];
  readonly #target: number;
  readonly #interval: number;
  readonly #lengths: readonly number[];
  #windows: EventWindows;
  /** Events not yet judged, by the end of their interval; `#ends` are its keys, latest first once sorted. */
  readonly #waiting = new Map<number, Events>();
  #ends: number[] = [];
  #sorted = true;
  /** No events were in the period at the last judgement. */
  #empty = true;
  /** Events older than the last judgement have been added since. */
  #amended = false;
  #fired: boolean[];
  /** Of the finding that is open, or was last: the pair that fires or fired last, and the most severe one it had. */
  #open = false;
  #firing = 0;
  #peak = 0;
  openedAt = 0;
  revision = 0;
  /** When it is to be judged next; Infinity: not before more events come. */
  due = Infinity;

  /** `target`: share of good events, below 1; `period` and `interval` in ms; pairs the most severe first. */
  constructor(pairs: readonly Pair[], target: number, period: number, interval: number) {
    this.#pairs = pairs;
    this.#target = target;
    this.#interval = interval;
    this.#lengths = windowsOf(pairs, period);
    this.#windows = new EventWindows(this.#lengths, interval);
    this.#fired = pairs.map(() => false);
  }

  /** Bytes that the windows of one SLO take. */
  static bytes(pairs: readonly Pair[], period: number, interval: number): number {
    return EventWindows.bytes(windowsOf(pairs, period), interval);
  }

  /** There are events that no judgement has seen. */
  get unjudged(): boolean {
    return this.#waiting.size > 0 || this.#amended;
  }

  /** Counts events; false where they are older than the period, or too many intervals wait. */
  count(time: number, good: number, total: number): boolean {
    const end = (Math.floor(time / this.#interval) + 1) * this.#interval;
    // What is decided here hangs on the last judgement alone, never on what has come since: that has no order.
    if (good === 0 && total === 0 && this.#windows.now !== -Infinity) return true;
    if (end > this.#windows.now || this.#empty) return this.#wait(end, good, total);
    if (!this.#windows.add(time, good, total)) return false;
    this.#amended = true;
    this.due = Math.min(this.due, this.#windows.now + this.#interval);
    return true;
  }

  #wait(end: number, good: number, total: number): boolean {
    const waiting = this.#waiting.get(end);
    if (waiting !== undefined) {
      waiting.good += good;
      waiting.total += total;
      return true;
    }
    if (this.#waiting.size === MAX_WAITING) return false;
    this.#waiting.set(end, { good, total });
    this.#ends.push(end);
    this.#sorted = this.#ends.length === 1;
    this.due = Math.min(this.due, end);
    return true;
  }

  /** Judges at `due`, and sets the next. */
  judge(): Judgement {
    const time = this.due;
    if (time <= this.#windows.now) this.#windows = new EventWindows(this.#lengths, this.#interval);
    const windows = this.#windows;
    windows.advance(time);
    const waited = this.#waiting.get(time);
    if (waited !== undefined) {
      windows.add(time - this.#interval, waited.good, waited.total);
      this.#waiting.delete(time);
      this.#nextWaiting();
      this.#ends.pop();
    }
    this.#amended = false;
    this.due = Math.min(windows.nextChange(2 * this.#pairs.length), this.#nextWaiting());
    const events = windows.sum(this.#lengths.length - 1);
    this.#empty = events.good === 0 && events.total === 0;
    const period = errorRatio(events);
    return {
      time,
      compliance: 100 * (1 - period),
      budgetRemaining: 100 * (1 - period / (1 - this.#target)),
      burnRate: burnRate(windows.sum(0), this.#target),
      change: this.#alert(time),
    };
  }

  #nextWaiting(): number {
    if (!this.#sorted) this.#ends.sort((a, b) => b - a);
    this.#sorted = true;
    return this.#ends.at(-1) ?? Infinity;
  }

  #alert(time: number): Judgement['change'] {
    this.#fired = this.#pairs.map((pair, index) => fires(pair, this.#fired[index]!, this.#burn(2 * index), this.#burn(2 * index + 1)));
    const firing = this.#fired.indexOf(true);
    if (firing === -1) {
      if (!this.#open) return 'none';
      this.#open = false;
      this.revision += 1;
      return 'closed';
    }
    if (!this.#open) {
      this.#open = true;
      this.openedAt = time;
      this.revision = 1;
      this.#firing = this.#peak = firing;
      return 'opened';
    }
    if (firing === this.#firing) return 'none';
    this.revision += 1;
    this.#firing = firing;
    this.#peak = Math.min(this.#peak, firing);
    return 'grew';
  }

  #burn(window: number): number {
    return burnRate(this.#windows.sum(window), this.#target);
  }

  /** The finding that is open, or was last. */
  get firing(): Firing {
    const index = this.#firing;
    const severity = this.#pairs[this.#open ? index : this.#peak]!.severity;
    return { pair: this.#pairs[index]!, severity, long: this.#burn(2 * index), short: this.#burn(2 * index + 1), events: this.#windows.sum(2 * index) };
  }

  save(): Uint8Array {
    const panes = this.#windows.save();
    const values = [FORMAT, this.#windows.now, this.due, Number(this.#empty), Number(this.#amended), Number(this.#open), this.#firing, this.#peak, this.openedAt, this.revision];
    values.push(this.#fired.length, ...this.#fired.map(Number), panes.length);
    for (const { resolution, time, good, total } of panes) values.push(resolution, time, good, total);
    for (const [end, { good, total }] of this.#waiting) values.push(end, good, total);
    return new Uint8Array(Float64Array.from(values).buffer);
  }

  /** Takes back what `save` gave, also where windows, pairs or interval have changed since. */
  restore(saved: Uint8Array): void {
    const values = new Float64Array(new Uint8Array(saved).buffer);
    let at = 0;
    const next = (): number => values[at++]!;
    const format = next();
    if (format !== FORMAT) throw new Error(`state of an SLO was saved in form ${format}, this version reads ${FORMAT}`);
    const now = next();
    this.due = this.#onGrid(next());
    this.#empty = next() === 1;
    this.#amended = next() === 1;
    this.#open = next() === 1;
    this.#firing = Math.min(next(), this.#pairs.length - 1);
    this.#peak = Math.min(next(), this.#pairs.length - 1);
    this.openedAt = next();
    this.revision = next();
    const fired = Array.from({ length: next() }, () => next() === 1);
    this.#fired = this.#pairs.map((_, index) => fired[index] ?? false);
    const panes = Array.from({ length: next() }, (): SavedPane => ({ resolution: next(), time: next(), good: next(), total: next() }));
    if (now !== -Infinity) this.#windows.restore(now, panes);
    while (at < values.length) this.#wait(this.#onGrid(next()), next(), next());
  }

  #onGrid(time: number): number {
    return Math.ceil(time / this.#interval) * this.#interval;
  }
}

/** First number of what `save` gives. */
const FORMAT = 1;

/** Long and short of each pair, then the period. */
function windowsOf(pairs: readonly Pair[], period: number): number[] {
  return [...pairs.flatMap(({ long, short }) => [long, short]), period];
}
