import { z } from 'zod';
import type { HttpRequest } from '../../engine/routes.js';
import type { Sample } from '../payload/json-sample.js';

/** The answer to both `/api/metrics` and `/api/sli-measurements`. */
export const acceptedSchema = z.object({
  accepted: z.number().int().describe('samples that are in the log on disk now'),
  rejected: z
    .array(z.object({
        index: z.number().int().optional().describe('index in the array that was posted'),
        line: z.number().int().optional().describe('line of the text that was posted, from 1'),
        offset: z.number().int().optional().describe('byte of the text where it goes wrong'),
        reason: z.string(),
      }))
    .optional()
    .describe('the first of those refused; they are dead letters'),
  rejected_count: z.number().int().optional(),
  warnings: z.array(z.string()).optional(),
});

/** Samples of one request, as they lie in the log: time, series, value, time, ... NaN and infinities as text, which JSON has not. */
export function encodeSamples(samples: readonly Sample[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(samples.flatMap(({ time, series, value }) => [time, series, Number.isFinite(value) ? value : String(value)])));
}

export function decodeSamples(bytes: Uint8Array): Sample[] {
  const flat = JSON.parse(new TextDecoder().decode(bytes)) as (number | string)[];
  const samples: Sample[] = [];
  for (let i = 0; i < flat.length; i += 3) samples.push({ time: flat[i] as number, series: flat[i + 1] as string, value: Number(flat[i + 2]) });
  return samples;
}

/** Who sent a dead letter. */
export function originOf({ remote, method, path }: HttpRequest): string {
  return `${remote} ${method} ${path}`;
}
