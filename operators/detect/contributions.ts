import { methods, type Method } from './ensemble.js';

/** Percent of each method, kept a series since its anomaly was told last. */
export interface Shares {
  readonly shares: Uint8Array;
}

export const METHODS = methods.length;

/**
 * Parts in percent that add up to 100, by the largest remainder; all 0 where there is nothing to part. By how many nines of a score each
 * method would give alone: as scores of independent tests add up by their logarithms (Fisher, Statistical methods for research workers, 1925).
 */
export function keepShares({ shares }: Shares, slot: number, nines: readonly number[]): void {
  const total = nines.reduce((sum, each) => sum + each, 0);
  const exact = nines.map((each) => (total > 0 ? (100 * each) / total : 0));
  let missing = total > 0 ? 100 - exact.reduce((sum, each) => sum + Math.floor(each), 0) : 0;
  const byRest = exact.map((_, i) => i).sort((a, b) => (exact[b]! % 1) - (exact[a]! % 1) || a - b);
  for (const i of byRest) shares[METHODS * slot + i] = Math.floor(exact[i]!) + (missing-- > 0 ? 1 : 0);
}

/** Those that have a part, in [0,1]; undefined: none has. */
export function contributionsOf({ shares }: Shares, slot: number): Partial<Record<Method, number>> | undefined {
  const parts = methods.map((method, i) => [method, shares[METHODS * slot + i]! / 100] as const).filter(([, part]) => part > 0);
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}
