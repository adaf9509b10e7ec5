/**
 * The longest interval, or run of one value, that is usual for a series. It rises with each that is longer and has fallen to half after
 * HALF_LIFE, so that a day's and a week's habits are known: O(1), 8 bytes.
 */
const HALF_LIFE_MS = 7 * 86_400_000;

/** @param elapsed ms since it was last asked @param rise a longer one counts at most so many times what was usual */
export function longestUsual(longest: number, size: number, elapsed: number, rise: number): number {
  if (longest === 0) return size;
  const faded = longest * 2 ** (-elapsed / HALF_LIFE_MS);
  return size > faded ? Math.min(size, rise * longest) : faded;
}

/** A mean is about so many values. */
const MEMORY = 50;

/** @param seen values before this one */
export function mean(before: number, value: number, seen: number): number {
  return before + (value - before) / Math.min(seen + 1, MEMORY);
}

/** Multiples of the limit from which an anomaly is medium, high, critical. */
export const GROWS = [4, 16, 64] as const;

/** 1 (low) to 4 (critical). */
export function severityOf(ratio: number): number {
  return 1 + GROWS.filter((multiple) => ratio >= multiple).length;
}
