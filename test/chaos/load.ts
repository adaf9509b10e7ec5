import { seeded, type Random } from '../../engine/random.js';
import { seriesText } from '../../engine/series.js';

/** Samples of a message. */
const SAMPLES = 20;
const HOSTS = 40;
const SERVICES = 4;
/** A sample is at most so much older than its message: the graphs allow for it as `disorder`. */
export const DISORDER_MS = 2_000;
/** Samples of the same series lie in messages so far apart that a time is not met again later than this. */
const REMEMBERED = 4_000;

export interface Message {
  /** Given again with every try, so that a try that came through counts once. */
  readonly id: string;
  readonly payload: string;
}

/**
 * What is published: one seed decides everything but the time at which a message is made. Counters and gauges of some
 * hosts, out of order by up to `DISORDER_MS`, with values far off now and then. No series has two samples of one time.
 */
export class Load {
  /** All samples so far, as `row` writes them. */
  readonly rows: string[] = [];
  readonly #random: Random;
  readonly #counters = new Map<string, number>();
  readonly #times = new Map<string, Set<number>>();
  #number = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  get messages(): number {
    return this.#number;
  }

  next(now: number): Message {
    const host = this.#number % HOSTS;
    const samples = Array.from({ length: SAMPLES }, (_, i) => {
      const labels = { host: `h${host}`, service: `s${Math.floor(i / 2) % SERVICES}`, n: String(Math.floor(i / 2 / SERVICES)) };
      const old = this.#random() < 0.3 ? this.#random() * (DISORDER_MS - 100) : 0;
      return i % 2 === 0 ? this.#sample('requests', labels, now - old, this.#count(JSON.stringify(labels))) : this.#sample('latency', labels, now - old, this.#gauge(host));
    });
    return this.#message(samples);
  }

  /** Its time closes everything before it. */
  last(time: number): Message {
    return this.#message([this.#sample('latency', { host: 'last' }, time, 0)]);
  }

  static row(time: number, series: string, value: number): string {
    return `${time} ${series} ${value}`;
  }

  #message(samples: readonly object[]): Message {
    this.#number += 1;
    return { id: `load-${this.#number}`, payload: JSON.stringify(samples) };
  }

  #sample(metric: string, labels: Readonly<Record<string, string>>, at: number, value: number): object {
    const series = seriesText(metric, labels);
    const times = this.#times.get(series) ?? new Set();
    this.#times.set(series, times);
    let time = Math.floor(at);
    while (times.has(time)) time -= 1;
    times.add(time);
    if (times.size > REMEMBERED) for (const first of times) if (times.delete(first)) break;
    this.rows.push(Load.row(time, series, value));
    return { metric_name: metric, labels, timestamp: new Date(time).toISOString(), value };
  }

  #count(key: string): number {
    const before = this.#random() < 0.001 ? 0 : (this.#counters.get(key) ?? 0);
    const count = before + Math.floor(this.#random() * 50);
    this.#counters.set(key, count);
    return count;
  }

  #gauge(host: number): number {
    const far = this.#random() < 0.004 ? 5_000 : 0;
    return Math.round((100 + 20 * Math.sin(this.#number / 400 + host) + 10 * this.#random() + far) * 100) / 100;
  }
}
