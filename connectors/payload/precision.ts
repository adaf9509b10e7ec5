export const PRECISIONS = ['ns', 'us', 'ms', 's', 'm', 'h'] as const;
/** Unit of the timestamps. */
export type Precision = (typeof PRECISIONS)[number];

/** A precision as InfluxDB's clients write it, `n`, `u` and `µ` too. */
export function precisionOf(text: string): Precision | undefined {
  if (text === 'n') return 'ns';
  if (text === 'u' || text === 'µ') return 'us';
  return PRECISIONS.find((precision) => precision === text);
}

/** Digits below the millisecond. */
export const DIGITS_BELOW: Readonly<Record<Precision, number>> = { ns: 6, us: 3, ms: 0, s: 0, m: 0, h: 0 };
/** Milliseconds of a unit; of those below, 1. */
export const UNIT_MS: Readonly<Record<Precision, number>> = { ns: 1, us: 1, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
