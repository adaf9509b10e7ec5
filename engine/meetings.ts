import type { Staging } from './staging.js';

/** By source: the others that it comes together with, at nodes that come of these sources each. */
export function meetings(all: readonly Staging[], origins: readonly (readonly number[])[]): ReadonlyMap<Staging, readonly Staging[]> {
  const meet = (one: Staging, other: Staging): boolean => origins.some((of) => of.includes(one.index) && of.includes(other.index));
  return new Map(all.map((one) => [one, all.filter((other) => other !== one && meet(one, other))]));
}
