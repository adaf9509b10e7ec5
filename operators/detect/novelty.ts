/**
 * Which values a series has ever had, as at most SPANS spans of numbers: 64 bytes, O(SPANS) a value. How far a
 * value lies from the nearest span is how new it is; then it is inside, so the same value is not new a
 * second time. It is vector quantisation with a vigilance, as in adaptive resonance (Carpenter, Grossberg
 * and Rosen, Fuzzy ART, Neural Networks 4, 1991), in one dimension, where its boxes are intervals.
 * When there are too many spans, the two that are closest become one: what lay between is not new then.
 */
export interface Known {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly spans: Uint8Array;
}

/** Few, on purpose: a gap that only a handful of values left open is no gap. */
export const SPANS = 4;

/** Distance to the nearest span: 0 inside of one, Infinity when nothing is known. */
export function distanceTo({ low, high, spans }: Known, set: number, value: number): number {
  const first = set * SPANS;
  let distance = Infinity;
  for (let i = first; i < first + spans[set]!; i++) distance = Math.min(distance, Math.max(low[i]! - value, value - high[i]!, 0));
  return distance;
}

/** Whether there is one span, and the value inside: then `know` changes nothing. */
export function isKnown({ low, high, spans }: Known, set: number, value: number): boolean {
  return spans[set] === 1 && low[set * SPANS]! <= value && value <= high[set * SPANS]!;
}

/** @param grain values that are not further apart are the same */
export function know(known: Known, set: number, value: number, grain: number): void {
  const { low, high, spans } = known;
  const first = set * SPANS;
  const count = spans[set]!;
  /** The first span that begins above the value. */
  let above = first;
  while (above < first + count && low[above]! <= value) above += 1;
  const below = above - 1;
  const toLower = below >= first ? Math.max(0, value - high[below]!) : Infinity;
  const toUpper = above < first + count ? low[above]! - value : Infinity;
  if (Math.min(toLower, toUpper) <= grain) {
    if (toLower <= toUpper) high[below] = Math.max(high[below]!, value);
    else low[above] = value;
    if (below >= first && above < first + count && low[above]! - high[below]! <= grain) join(known, set, below);
    return;
  }
  if (count === SPANS && !makeRoom(known, set, value, above)) return;
  insert(known, set, value);
}

/** Joins the two neighbours that are closest, the new value being one of them; whether it is still to be inserted. */
function makeRoom(known: Known, set: number, value: number, above: number): boolean {
  const { low, high } = known;
  const first = set * SPANS;
  const last = first + SPANS - 1;
  const toLower = above > first ? value - high[above - 1]! : Infinity;
  const toUpper = above <= last ? low[above]! - value : Infinity;
  let closest = first;
  for (let i = first + 1; i < last; i++) if (low[i + 1]! - high[i]! < low[closest + 1]! - high[closest]!) closest = i;
  // A gap that the value splits is wider than its parts: it is never the one that is closed.
  if (Math.min(toLower, toUpper) <= low[closest + 1]! - high[closest]!) {
    if (toLower <= toUpper) high[above - 1] = value;
    else low[above] = value;
    return false;
  }
  join(known, set, closest);
  return true;
}

/** Makes one span of that at `at` and the one above it. */
function join({ low, high, spans }: Known, set: number, at: number): void {
  const count = spans[set]!;
  high[at] = high[at + 1]!;
  for (let i = at + 1; i + 1 < set * SPANS + count; i++) {
    low[i] = low[i + 1]!;
    high[i] = high[i + 1]!;
  }
  spans[set] = count - 1;
}

function insert({ low, high, spans }: Known, set: number, value: number): void {
  let at = set * SPANS + spans[set]!;
  for (; at > set * SPANS && low[at - 1]! > value; at--) {
    low[at] = low[at - 1]!;
    high[at] = high[at - 1]!;
  }
  low[at] = value;
  high[at] = value;
  spans[set] = spans[set]! + 1;
}
