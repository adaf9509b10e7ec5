import type { PayloadDecoder, Problem } from '../payload/decoding.js';
import type { Sample } from '../payload/json-sample.js';

/** What a posted text holds. */
export interface TextPost {
  readonly samples: readonly Sample[];
  readonly problems: readonly Problem[];
  /** Fields that are strings. */
  readonly skipped: number;
  /** Time of its earliest sample; Infinity where it has none. */
  readonly earliest: number;
}

/** Thrown through a decoder to stop it: a body of bad lines must not be read to its end. */
const TOO_MANY = new Error('more samples and bad lines than are taken at once');

/** Decodes a posted text; undefined when it has more than `most` samples and bad lines. */
export function readText(decoder: PayloadDecoder, body: Uint8Array, now: number, most: number): TextPost | undefined {
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  let earliest = Infinity;
  const bound = (): void => {
    if (samples.length + problems.length >= most) throw TOO_MANY;
  };
  const add = (time: number, series: string, value: number): boolean => {
    bound();
    if (time < earliest) earliest = time;
    return samples.push({ time, series, value }) > 0;
  };
  const tell = (problem: Problem): void => {
    bound();
    problems.push(problem);
  };
  try {
    const { skipped } = decoder.decode(body, now, { add }, tell);
    return { samples, problems, skipped, earliest };
  } catch (error) {
    if (error === TOO_MANY) return undefined;
    throw error;
  }
}
