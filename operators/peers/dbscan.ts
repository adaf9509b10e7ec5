/** The number of a point in no cluster. */
export const NOISE = -1;

/**
 * DBSCAN (Ester, Kriegel, Sander, Xu: A density-based algorithm for discovering clusters, KDD 1996) in one dimension, where
 * sorting is the index: O(n) for n sorted points. Exact: a point is a core point when at least `minPoints` points, itself
 * among them, lie at a distance of at most `eps`; core points that close to each other are of one cluster; another point
 * is of the cluster of its nearest core point (of two as near, the lower), if that is so close; else it is noise. In the
 * paper a point between two clusters is of the one found first.
 *
 * @param sorted ascending @param clusters filled: of each point its cluster, numbered from 0 in ascending order, or NOISE
 * @param cores filled: 1 for core points
 * @returns how many clusters there are
 */
export function dbscan(sorted: Float64Array, eps: number, minPoints: number, clusters: Int32Array, cores: Uint8Array): number {
  const n = sorted.length;
  let found = 0;
  let first = 0;
  let end = 0;
  let lastCore = -1;
  for (let i = 0; i < n; i++) {
    while (sorted[i]! - sorted[first]! > eps) first += 1;
    while (end < n && sorted[end]! - sorted[i]! <= eps) end += 1;
    const core = end - first >= minPoints;
    cores[i] = core ? 1 : 0;
    clusters[i] = NOISE;
    if (!core) continue;
    if (lastCore < 0 || sorted[i]! - sorted[lastCore]! > eps) found += 1;
    clusters[i] = found - 1;
    lastCore = i;
  }
  joinBorders(sorted, eps, clusters, cores);
  return found;
}

function joinBorders(sorted: Float64Array, eps: number, clusters: Int32Array, cores: Uint8Array): void {
  const n = sorted.length;
  let below = -1;
  let above = 0;
  for (let i = 0; i < n; i++) {
    if (cores[i] === 1) {
      below = i;
      continue;
    }
    above = Math.max(above, i + 1);
    while (above < n && cores[above] === 0) above += 1;
    const down = below < 0 ? Infinity : sorted[i]! - sorted[below]!;
    const up = above === n ? Infinity : sorted[above]! - sorted[i]!;
    if (Math.min(down, up) <= eps) clusters[i] = clusters[down <= up ? below : above]!;
  }
}

/**
 * The smallest `eps` at which half of the points are core points: the median of their distances to the nearest
 * `minPoints` - 1 others, by which the paper has `eps` chosen (its sorted k-dist graph). O(n log n).
 * @param sorted ascending, at least `minPoints` @param distances as long; overwritten
 */
export function middleDistance(sorted: Float64Array, minPoints: number, distances: Float64Array): number {
  const n = sorted.length;
  const others = minPoints - 1;
  /** The nearest are a stretch of `minPoints` points, which only moves up. */
  let first = 0;
  for (let i = 0; i < n; i++) {
    while (first + others < i || (first < i && first + others + 1 < n && sorted[first + others + 1]! - sorted[i]! < sorted[i]! - sorted[first]!)) first += 1;
    distances[i] = Math.max(sorted[i]! - sorted[first]!, sorted[first + others]! - sorted[i]!);
  }
  distances.sort();
  return distances[(n - 1) >> 1]!;
}
