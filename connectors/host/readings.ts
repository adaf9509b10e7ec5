import { seriesText } from '../../engine/series.js';

/** Where readings go: gauges as they are, counters as the change per second since the reading before. */
export class Readings {
  readonly #host: string;
  /** The last value of each counter, and when it was read (monotonic, ms). */
  #before = new Map<string, number>();
  #now = new Map<string, number>();
  #elapsed = NaN;
  #seconds = NaN;
  readonly #texts = new Map<string, string>();
  #add: (series: string, value: number) => void = () => undefined;

  constructor(host: string) {
    this.#host = host;
  }

  /** Begins a round of readings, all taken at `elapsed` (monotonic, ms). */
  begin(elapsed: number, add: (series: string, value: number) => void): void {
    this.#seconds = (elapsed - this.#elapsed) / 1_000;
    this.#elapsed = elapsed;
    this.#before = this.#now;
    this.#now = new Map();
    this.#add = add;
  }

  gauge(metric: string, value: number, label?: string, of?: string): void {
    if (Number.isFinite(value)) this.#add(this.#series(metric, label, of), value);
  }

  /** A counter: nothing at its first reading, nor where it went back (the device came anew). */
  rate(metric: string, counter: number, label?: string, of?: string): void {
    const change = this.change(`${metric}\0${of ?? ''}`, counter);
    if (change >= 0 && this.#seconds > 0) this.#add(this.#series(metric, label, of), change / this.#seconds);
  }

  /** The change of a counter since the round before; NaN at its first reading. */
  change(key: string, counter: number): number {
    this.#now.set(key, counter);
    return counter - (this.#before.get(key) ?? NaN);
  }

  /** Seconds since the round before. */
  get seconds(): number {
    return this.#seconds;
  }

  #series(metric: string, label: string | undefined, of: string | undefined): string {
    const key = `${metric}\0${of ?? ''}`;
    let text = this.#texts.get(key);
    if (text === undefined) {
      text = seriesText(metric, label === undefined || of === undefined ? { host: this.#host } : { host: this.#host, [label]: of });
      this.#texts.set(key, text);
    }
    return text;
  }
}
