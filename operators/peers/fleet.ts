import { dbscan, middleDistance, NOISE } from './dbscan.js';

export interface FleetRules {
  /** Undefined: found. */
  readonly eps: number | undefined;
  readonly sensitivity: number;
  /** Undefined: more than half; where that many do not hang together, two. */
  readonly minPoints: number | undefined;
  readonly leastAbsolute: number;
  readonly leastRelative: number;
}

/** What peers of one time are like. */
export interface Fleet {
  readonly eps: number;
  /** Of this window, see `middleDistance`. */
  readonly distance: number;
  /** Median of the main cluster; of all where there is none. */
  readonly expected: number;
  /** The first and last core point of the main cluster: what is not further than `eps` from one is in it. */
  readonly lowestCore: number;
  readonly highestCore: number;
  /** Members of the main cluster; 0: there is none. */
  readonly agreeing: number;
}

/** The present may make the usual distance so many times as large: peers under more load spread, those that fall apart do not look alike. */
const WIDER = 2;

/** @param values of all peers, not empty @param usual distance, 0 where nothing is known */
export function judgeFleet(values: Float64Array, usual: number, rules: FleetRules): Fleet {
  const sorted = values.toSorted();
  const n = sorted.length;
  const minPoints = Math.min(n, rules.minPoints ?? Math.floor(n / 2) + 1);
  const distance = middleDistance(sorted, minPoints, new Float64Array(n));
  const median = middle(sorted, 0, n - 1);
  const known = usual === 0 ? distance : Math.max(usual, Math.min(distance, WIDER * usual));
  const eps = rules.eps ?? Math.max(rules.sensitivity * known, rules.leastAbsolute, rules.leastRelative * Math.abs(median));
  const clusters = new Int32Array(n);
  const cores = new Uint8Array(n);
  let main = largest(clusters, dbscan(sorted, eps, minPoints, clusters, cores));
  if (main === NOISE && rules.minPoints === undefined) main = largest(clusters, dbscan(sorted, eps, 2, clusters, cores));
  if (main === NOISE) return { eps, distance, expected: median, lowestCore: median, highestCore: median, agreeing: 0 };
  const first = clusters.indexOf(main);
  const last = clusters.lastIndexOf(main);
  let lowest = first;
  while (cores[lowest] === 0) lowest += 1;
  let highest = last;
  while (cores[highest] === 0) highest -= 1;
  return { eps, distance, expected: middle(sorted, first, last), lowestCore: sorted[lowest]!, highestCore: sorted[highest]!, agreeing: last - first + 1 };
}

/** The cluster with most members; of several the lowest. */
function largest(clusters: Int32Array, found: number): number {
  if (found === 0) return NOISE;
  const sizes = new Uint32Array(found);
  for (const cluster of clusters) if (cluster !== NOISE) sizes[cluster]! += 1;
  return sizes.indexOf(sizes.reduce((most, size) => Math.max(most, size), 0));
}

function middle(sorted: Float64Array, first: number, last: number): number {
  return (sorted[(first + last) >> 1]! + sorted[(first + last + 1) >> 1]!) / 2;
}

const BELOW_ONE = 1 - Number.EPSILON / 2;

/**
 * How far out a member is: its distance from the middle of the main cluster, as a share of how far the cluster reaches on that
 * side. At least 1 exactly where DBSCAN has it outside of that cluster's reach. Where nothing reaches anywhere, any other value is at the edge.
 */
export function ratioOf(value: number, { eps, expected, lowestCore, highestCore }: Fleet): number {
  const distance = Math.abs(value - expected);
  const fromCore = Math.max(0, lowestCore - value, value - highestCore);
  const reach = distance - fromCore + eps;
  const ratio = distance === 0 ? 0 : reach > 0 ? distance / reach : 1;
  return fromCore > eps ? Math.max(1, ratio) : Math.min(BELOW_ONE, ratio);
}

/** The usual distance with one more window in it. Each counts no more than twice what was usual, so that it takes time to grow. */
export function learnDistance(usual: number, windows: number, distance: number, memory: number): number {
  const counted = usual === 0 ? distance : Math.min(distance, WIDER * usual);
  return usual + (counted - usual) / Math.min(windows + 1, memory);
}
