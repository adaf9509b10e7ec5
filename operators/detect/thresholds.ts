import type { Feedback } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { factorOf, lower, raise, share, withoutVerdict, withVerdict, type Verdicts } from './feedback.js';

/** What feedback needs of a series' columns. */
interface Followed {
  readonly followed: Uint8Array;
  /** On the threshold; 0 stands for 1. */
  readonly factor: Float64Array;
}

/** Keeps by slot what people said, of the few series that they said something of, and makes the factors of it. */
export class Thresholds {
  readonly #names: Names;
  readonly #surprise: number;
  readonly #verdicts = new Map<number, Verdicts>();
  /** What series have in common they go on having in common: as many objects as there are different ones, and texts of them. */
  readonly #alike = new Map<string, Verdicts>();

  /** `surprise`: the score that opens an anomaly inside of the band, too. */
  constructor(names: Names, surprise: number) {
    this.#names = names;
    this.#surprise = surprise;
  }

  /** Changes the series that it is about, and those of the same metric that are followed now. */
  take(said: Feedback, columns: Followed): void {
    const { id, series, metric, state } = said;
    this.#alike.clear();
    for (let slot = 0; slot < columns.followed.length; slot++) {
      if (columns.followed[slot] === 0 || this.#names.series(slot).name !== metric) continue;
      const before = this.#verdicts.get(slot);
      const without = withoutVerdict(before, id);
      const by = this.#names.text(slot) === series ? this.#by(said, without === undefined ? 1 : factorOf(without)) : share(this.#by(said, 1));
      this.#set(slot, state === 'closed' ? without : withVerdict(before, id, by), columns);
    }
  }

  #by(said: Feedback, factor: number): number {
    return said.verdict === 'false_positive' ? raise(said, this.#surprise, factor) : lower();
  }

  #set(slot: number, verdicts: Verdicts | undefined, { factor }: Followed): void {
    if (verdicts === undefined) this.#verdicts.delete(slot);
    else this.#verdicts.set(slot, this.#common(JSON.stringify(verdicts), verdicts));
    factor[slot] = verdicts === undefined ? 0 : factorOf(verdicts);
  }

  #common(text: string, verdicts: Verdicts): Verdicts {
    const common = this.#alike.get(text);
    if (common !== undefined) return common;
    this.#alike.set(text, verdicts);
    return verdicts;
  }

  save(slot: number): Uint8Array | undefined {
    const verdicts = this.#verdicts.get(slot);
    return verdicts === undefined ? undefined : Buffer.from(JSON.stringify(verdicts));
  }

  restore(slot: number, saved: Uint8Array): void {
    const text = Buffer.from(saved).toString();
    this.#verdicts.set(slot, this.#alike.get(text) ?? this.#common(text, JSON.parse(text) as Verdicts));
  }

  release(slot: number): void {
    this.#verdicts.delete(slot);
  }
}
