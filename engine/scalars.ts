import { z } from 'zod';

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/;
const UNITS_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of `10s`, `5m`, `1.5h`, `30d`, `1h30m`, or undefined. */
export function parseDuration(text: string): number | undefined {
  let total = 0;
  const parts = text.trim().match(/\d+(?:\.\d+)?[a-z]+/g);
  if (parts === null || parts.join('') !== text.trim()) return undefined;
  for (const part of parts) {
    const match = DURATION.exec(part);
    if (match === null) return undefined;
    total += Number(match[1]) * UNITS_MS[match[2]!]!;
  }
  return total;
}

/** The shortest form: `90s`, `5m`, `1h30m`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = UNITS_MS[unit]!;
    const n = unit === 'ms' ? Math.round(ms) : Math.floor(ms / size);
    if (n > 0) text += `${n}${unit}`;
    ms -= n * size;
  }
  return text;
}

/** A duration in a config: text with a unit, becomes milliseconds. A number alone has no unit and is refused. */
export function duration(options: { min?: string; max?: string } = {}) {
  return z
    .union([z.string(), z.number()])
    .meta({ type: 'string', pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h|d|w))+$', examples: ['10s', '5m', '30d'] })
    .transform((value, context) => {
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      if (ms === undefined) {
        context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not a duration: write a number with a unit, such as 10s, 5m, 1h30m or 30d` });
        return z.NEVER;
      }
      if (options.min !== undefined && ms < parseDuration(options.min)!) context.addIssue({ code: 'custom', message: `must be at least ${options.min}` });
      if (options.max !== undefined && ms > parseDuration(options.max)!) context.addIssue({ code: 'custom', message: `must be at most ${options.max}` });
      return ms;
    });
}

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|MB|GB|KiB|MiB|GiB)$/;
const UNITS_BYTES: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** A size in a config: `64MiB`, `500kB`; becomes bytes. */
export function size() {
  return z
    .union([z.string(), z.number()])
    .meta({ type: 'string', pattern: '^\\d+(\\.\\d+)?\\s*(B|kB|MB|GB|KiB|MiB|GiB)$', examples: ['64MiB', '500kB'] })
    .transform((value, context) => {
      const match = typeof value === 'string' ? SIZE.exec(value.trim()) : null;
      if (match === null) {
        context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not a size: write a number with a unit, such as 64MiB or 500kB` });
        return z.NEVER;
      }
      return Math.round(Number(match[1]) * UNITS_BYTES[match[2]!]!);
    });
}
