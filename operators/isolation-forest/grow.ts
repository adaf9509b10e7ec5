import { LEAF, levelsOf, MOST_FEATURES, MOST_SAMPLE, MOST_TREES, type Forest } from './forest.js';

export interface Growing {
  readonly trees: number;
  /** Rows that each tree is grown from, drawn without replacement; all where there are fewer. */
  readonly sample: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/**
 * Grows a forest on rows that lie one after the other, all finite. As in the paper, a node splits by a feature drawn evenly,
 * at a value drawn evenly between the least and greatest of its rows; features that are constant in it are left out,
 * so that each split parts something.
 * @throws RangeError for a number of rows, features or trees that no forest can have
 */
export function growForest(rows: Float64Array, features: number, { trees, sample: wanted, random }: Growing): Forest {
  const count = rows.length / features;
  if (!Number.isInteger(count) || count < 2) throw new RangeError(`${rows.length} numbers are not two or more rows of ${features}`);
  if (features > MOST_FEATURES) throw new RangeError(`${features} features: at most ${MOST_FEATURES} are possible`);
  if (trees < 1 || trees > MOST_TREES) throw new RangeError(`${trees} trees: 1 to ${MOST_TREES} are possible`);
  const sample = Math.min(wanted, count, MOST_SAMPLE);
  const levels = levelsOf(sample);
  const most = trees * (2 * sample - 1);
  const feature = new Int32Array(most).fill(LEAF);
  const cut = new Float64Array(most);
  const size = new Uint16Array(most);
  const starts = new Int32Array(trees + 1);
  const order = Int32Array.from({ length: count }, (_, row) => row);
  const candidates = Int32Array.from({ length: features }, (_, i) => i);
  /** Of the nodes of the tree at hand: first row in `order`, the one after the last, and depth. */
  const from = new Int32Array(2 * sample);
  const to = new Int32Array(2 * sample);
  const depth = new Int32Array(2 * sample);
  let nodes = 0;
  /** Extremes of the feature drawn last. */
  let low = 0;
  let high = 0;

  for (let tree = 0; tree < trees; tree++) {
    for (let i = 0; i < sample; i++) swap(order, i, i + Math.floor(random() * (count - i)));
    starts[tree] = nodes;
    to[0] = sample;
    let known = 1;
    for (let node = 0; node < known; node++) {
      const [first, end] = [from[node]!, to[node]!];
      const at = nodes + node;
      const by = depth[node]! < levels && end - first > 1 ? draw(first, end) : LEAF;
      if (by === LEAF) {
        size[at] = end - first;
        continue;
      }
      feature[at] = by;
      cut[at] = between(low, high, random());
      const middle = part(by, cut[at]!, first, end);
      [from[known], to[known], from[known + 1], to[known + 1]] = [first, middle, middle, end];
      depth[known] = depth[known + 1] = depth[node]! + 1;
      known += 2;
    }
    nodes += known;
  }
  starts[trees] = nodes;
  return { features, sample, starts, feature: feature.slice(0, nodes), cut: cut.slice(0, nodes), size: size.slice(0, nodes) };

  /** Draws a feature that is not constant in these rows, and leaves its extremes in `low` and `high`; LEAF: all are. */
  function draw(first: number, end: number): number {
    for (let left = features; left > 0; left--) {
      const chosen = Math.floor(random() * left);
      const by = candidates[chosen]!;
      low = Infinity;
      high = -Infinity;
      for (let i = first; i < end; i++) {
        const value = rows[order[i]! * features + by]!;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      if (low < high) return by;
      swap(candidates, chosen, left - 1);
    }
    return LEAF;
  }

  /** Brings the rows below the cut to the front; where the others begin. */
  function part(by: number, at: number, first: number, end: number): number {
    let middle = first;
    for (let i = first; i < end; i++) if (rows[order[i]! * features + by]! < at) swap(order, i, middle++);
    return middle;
  }
}

/** Above `least` and not above `greatest`, so that both sides of the cut have rows. */
function between(least: number, greatest: number, share: number): number {
  const cut = least * (1 - share) + greatest * share;
  return cut > least && cut <= greatest ? cut : greatest;
}

function swap(values: Int32Array, a: number, b: number): void {
  const held = values[a]!;
  values[a] = values[b]!;
  values[b] = held;
}
