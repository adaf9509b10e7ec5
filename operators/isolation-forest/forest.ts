/**
 * An isolation forest (Liu, Ting and Zhou, Isolation forest, ICDM 2008; Isolation-based anomaly detection, ACM TKDD 6,
 * 2012): trees that split a sample of the rows by random cuts. What is unlike the rest is alone after few of them.
 *
 * Nodes lie tree by tree, breadth first, so that the children of the j-th node with a cut (from 0) are the nodes 2j + 1
 * and 2j + 2 of its tree: nothing else tells where they are.
 */
export interface Forest {
  /** Numbers in a row. */
  readonly features: number;
  /** Rows that each tree is grown from. */
  readonly sample: number;
  /** First node of each tree, and the end of the last. */
  readonly starts: Int32Array;
  /** By which number of a row a node splits; LEAF: by none. */
  readonly feature: Int32Array;
  /** A row goes to the left child where its number is less than this. */
  readonly cut: Float64Array;
  /** Of a leaf: rows of the sample in it. */
  readonly size: Uint16Array;
}

export const LEAF = -1;
/** The sample that the authors recommend: more adds little. Here it is the most, so that trees have at most 8 levels. */
export const MOST_SAMPLE = 256;
/** Ranks of all cuts of a feature must fit 16 bits. */
export const MOST_TREES = 256;
export const MOST_FEATURES = 1024;

/**
 * Mean path length of a tree that isolates `rows` rows: 2 H(rows) - 2, which is the authors' 2 H(rows - 1) - 2 (rows - 1) / rows
 * with the harmonic number itself and not its estimate by a logarithm, which is 28 % too low at 3 rows.
 */
export function meanPathLength(rows: number): number {
  let sum = 0;
  for (let i = 2; i <= rows; i++) sum += 1 / i;
  return 2 * sum;
}

/** Mean path lengths for 0 to MOST_SAMPLE rows. */
export const meanPathLengths: Float64Array = Float64Array.from({ length: MOST_SAMPLE + 1 }, (_, rows) => meanPathLength(rows));

/** Depth at which trees stop: half of a tree's rows are alone there. */
export function levelsOf(sample: number): number {
  return Math.max(1, Math.ceil(Math.log2(sample)));
}
