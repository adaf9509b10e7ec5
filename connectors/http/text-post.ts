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

/** Decodes a posted text; undefined when it has more than `most` samples and bad lines. */
export function readText(decoder: PayloadDecoder, body: Uint8Array, now: number, most: number): TextPost | undefined {
  const samples: Sample[] = [];
  const problems: Problem[] = [];
  let earliest = Infinity;
  const add = (time: number, series: string, value: number): boolean => {
    if (samples.length >= most) return false;
    if (time < earliest) earliest = time;
    return samples.push({ time, series, value }) > 0;
  };
  const { added, refused, skipped, bad } = decoder.decode(body, now, { add }, (problem) => {
    if (problems.length < most) problems.push(problem);
  });
  return added + refused + bad > most ? undefined : { samples, problems, skipped, earliest };
}
