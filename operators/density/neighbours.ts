/** Points of the plane in a ring, the first `count` of those at `first` on. */
export interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly first: number;
  readonly count: number;
}

/** What DBSCAN says of a point that comes to others. */
export interface Place {
  /** Distance to the nearest `minPoints` - 1 others: at most `eps` for a core point. Infinity: there are not so many. */
  readonly distance: number;
  /** In no cluster. */
  readonly noise: boolean;
  /** The nearest other point; -1: there is none. */
  readonly nearest: number;
}

/**
 * DBSCAN (Ester, Kriegel, Sander, Xu: A density-based algorithm for discovering clusters, KDD 1996) for one point more: whether it is noise among all,
 * itself included. Exact. It is in a cluster when at least `minPoints` points, itself among them, are at a distance of at most `eps` (a core
 * point), or when one of those that close to it is such a point. O(n) for n others where it is a core point, else at most `minPoints` times that.
 */
export function placeOf(points: Points, x: number, y: number, eps: number, minPoints: number): Place {
  const others = minPoints - 1;
  /** The smallest squares of distances, ascending. */
  const smallest = new Float64Array(others).fill(Infinity);
  const close: number[] = [];
  const limit = eps * eps;
  let nearest = -1;
  for (let i = points.first; i < points.first + points.count; i++) {
    const square = squareOf(points, i, x, y);
    if (square < smallest[0]!) nearest = i;
    if (square <= limit && close.length < others) close.push(i);
    if (!(square < smallest[others - 1]!)) continue;
    let at = others - 1;
    for (; at > 0 && smallest[at - 1]! > square; at--) smallest[at] = smallest[at - 1]!;
    smallest[at] = square;
  }
  const core = close.length >= others;
  return { distance: Math.sqrt(smallest[others - 1]!), noise: !core && !close.some((i) => isCore(points, i, limit, minPoints)), nearest };
}

/** Whether one of the points is a core point, with the one that comes. */
function isCore(points: Points, of: number, limit: number, minPoints: number): boolean {
  // The one that comes is close to it.
  let found = 1;
  for (let i = points.first; i < points.first + points.count && found < minPoints; i++) if (squareOf(points, i, points.x[of]!, points.y[of]!) <= limit) found += 1;
  return found >= minPoints;
}

function squareOf(points: Points, i: number, x: number, y: number): number {
  const dx = points.x[i]! - x;
  const dy = points.y[i]! - y;
  return dx * dx + dy * dy;
}
