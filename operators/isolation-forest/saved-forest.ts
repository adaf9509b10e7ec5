import { LEAF, MOST_FEATURES, MOST_SAMPLE, MOST_TREES, type Forest } from './forest.js';

/**
 * A forest as bytes, little endian: u16 features, sample and trees; then of each node, tree by tree, u16 the feature, or IS_LEAF + rows in it;
 * then of each node with a cut, f64 the cut. Where a tree ends shows: it has one leaf more than nodes with a cut.
 */
const HEAD = 6;
const IS_LEAF = 0x8000;

export function saveForest({ features, sample, starts, feature, cut, size }: Forest): Uint8Array {
  const count = feature.length;
  const bytes = new Uint8Array(HEAD + 2 * count + 8 * feature.reduce((inner, by) => inner + (by === LEAF ? 0 : 1), 0));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, features, true);
  view.setUint16(2, sample, true);
  view.setUint16(4, starts.length - 1, true);
  let at = HEAD + 2 * count;
  for (let node = 0; node < count; node++) {
    const by = feature[node]!;
    view.setUint16(HEAD + 2 * node, by === LEAF ? IS_LEAF + size[node]! : by, true);
    if (by === LEAF) continue;
    view.setFloat64(at, cut[node]!, true);
    at += 8;
  }
  return bytes;
}

/** @throws RangeError where the bytes are not those of one forest */
export function readForest(bytes: Uint8Array): Forest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const features = view.getUint16(0, true);
  const sample = view.getUint16(2, true);
  const trees = view.getUint16(4, true);
  if (features < 1 || features > MOST_FEATURES || sample < 2 || sample > MOST_SAMPLE || trees < 1 || trees > MOST_TREES) throw new RangeError('these bytes are no forest');
  const starts = new Int32Array(trees + 1);
  const feature: number[] = [];
  const size: number[] = [];
  for (let tree = 0; tree < trees; tree++) {
    starts[tree] = feature.length;
    for (let open = 1; open > 0; ) {
      const node = view.getUint16(HEAD + 2 * feature.length, true);
      const isLeaf = node >= IS_LEAF;
      if (isLeaf ? node - IS_LEAF > sample : node >= features) throw new RangeError(`node ${feature.length} of a forest is ${node}, which is no feature and no leaf`);
      feature.push(isLeaf ? LEAF : node);
      size.push(isLeaf ? node - IS_LEAF : 0);
      open += isLeaf ? -1 : 1;
    }
  }
  starts[trees] = feature.length;
  let at = HEAD + 2 * feature.length;
  const cut = Float64Array.from(feature, (by) => {
    if (by === LEAF) return 0;
    at += 8;
    return view.getFloat64(at - 8, true);
  });
  if (at !== bytes.byteLength) throw new RangeError(`a forest of ${at} bytes has ${bytes.byteLength}`);
  return { features, sample, starts, feature: Int32Array.from(feature), cut, size: Uint16Array.from(size) };
}
