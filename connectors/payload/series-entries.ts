import { seriesProblem, seriesText } from '../../engine/series.js';
import { FrameError } from './frame-error.js';
import { RawSeries } from './raw-series.js';

/** Canonical texts of dictionary entries. Publishers announce the same series again and again: what was seen is found by its bytes. */
export class SeriesEntries {
  readonly #series: RawSeries<string>;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** `limit`: bytes of memory, about. */
  constructor(limit: number) {
    this.#series = new RawSeries((text) => text.length, limit);
  }

  /** The series in `bytes[from .. to)`, of which `view` is a view, which are name, label, value, ... Throws a `FrameError`. */
  text(bytes: Uint8Array, view: DataView, from: number, to: number): string {
    if (this.#series.follow(view, from) === to) return this.#series.followed!;
    const known = this.#series.find(view, from, to);
    if (known !== undefined) return known;
    const text = this.#read(bytes, from, to);
    this.#series.keep(view, from, to, text);
    return text;
  }

  #read(bytes: Uint8Array, from: number, to: number): string {
    let at = from;
    const string = (what: string): string => {
      if (at + 2 > to) throw new FrameError(`the entry ends before ${what}`, at);
      const start = at + 2;
      const end = start + bytes[at]! + bytes[at + 1]! * 256;
      if (end > to) throw new FrameError(`${what} is ${end - start} bytes long, but its entry ends after ${to - start}`, at);
      at = end;
      try {
        return this.#utf8.decode(bytes.subarray(start, end));
      } catch {
        throw new FrameError(`${what} is not UTF-8`, start);
      }
    };
    const name = string('the metric name');
    // Without a prototype, `__proto__` is a key like others.
    const labels = Object.create(null) as Record<string, string>;
    while (at < to) {
      const place = at;
      const label = string('a label name');
      if (label in labels) throw new FrameError(`label ${JSON.stringify(label.slice(0, 80))} is there twice`, place);
      labels[label] = string('a label value');
    }
    const problem = seriesProblem(name, labels);
    if (problem !== undefined) throw new FrameError(problem, from);
    return seriesText(name, labels);
  }
}
