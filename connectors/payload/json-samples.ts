import type { Time } from '../../engine/clock.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { seriesProblem, seriesText } from '../../engine/series.js';
import type { Samples } from './decoding.js';
import { isoTime } from './iso-time.js';
import { readSample, SECONDS_FROM, SECONDS_TO, type Kind } from './json-sample.js';

/** Series whose texts are kept; about 300 bytes each. Past it they are learnt anew. */
const MOST_TEXTS = 131_072;

/** Unknown members that are told by name. */
const MOST_UNKNOWN = 10;

/** Adds JSON samples. Those in order are told without a schema, and known series cost no sorting and escaping of labels. */
export class JsonSamples {
  readonly #kind: Kind;
  readonly #texts = new Map<string, string>();
  readonly #unknown = new Set<string>();

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  /** Members that samples don't have, among those added since the last call. */
  takeUnknown(): readonly string[] | undefined {
    if (this.#unknown.size === 0) return undefined;
    const names = [...this.#unknown];
    this.#unknown.clear();
    return names;
  }

  /** What `add` said, or why it is no sample. */
  add(posted: unknown, now: Time, into: Samples): boolean | string {
    if (this.#kind === 'metric' && typeof posted === 'object' && posted !== null) {
      const { metric_name: name, value, timestamp, labels } = posted as Readonly<Record<string, unknown>>;
      const time = plainTime(timestamp, now);
      if (typeof name === 'string' && typeof value === 'number' && Number.isFinite(value) && time <= now + MAX_FUTURE_MS) {
        const text = this.#text(name, labels);
        if (text !== undefined) {
          for (const member in posted) if (!METRIC_MEMBERS.has(member)) this.#note(member);
          return into.add(time, text, value, 0);
        }
      }
    }
    const read = readSample(this.#kind, posted, now);
    if (typeof read === 'string') return read;
    for (const member of read.unknown) this.#note(member);
    return into.add(read.sample.time, read.sample.series, read.sample.value, 0);
  }

  #note(unknown: string): void {
    if (this.#unknown.size < MOST_UNKNOWN) this.#unknown.add(unknown);
  }

  /** Undefined where anything is odd. */
  #text(name: string, labels: unknown): string | undefined {
    if (labels === undefined) labels = NONE;
    if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return undefined;
    // With the lengths, no other name and labels make the same key.
    let key = `${name.length}:${name}`;
    for (const label of Object.keys(labels)) {
      const value = (labels as Readonly<Record<string, unknown>>)[label];
      if (typeof value !== 'string') return undefined;
      key += `${label.length}:${label}${value.length}:${value}`;
    }
    const known = this.#texts.get(key);
    if (known !== undefined) return known;
    if (seriesProblem(name, labels as Record<string, string>) !== undefined) return undefined;
    const text = seriesText(name, labels as Record<string, string>);
    if (this.#texts.size === MOST_TEXTS) this.#texts.clear();
    this.#texts.set(key, text);
    return text;
  }
}

const NONE = {};
const METRIC_MEMBERS = new Set(['metric_name', 'value', 'timestamp', 'labels']);

/** Time of a sample by its `timestamp`, or NaN where that is none. */
export function plainTime(timestamp: unknown, now: Time): Time {
  if (timestamp === undefined) return now;
  if (typeof timestamp === 'string') return isoTime(timestamp);
  if (typeof timestamp !== 'number' || Math.abs(timestamp) > 8.64e15) return NaN;
  return timestamp >= SECONDS_FROM && timestamp < SECONDS_TO ? NaN : timestamp;
}
