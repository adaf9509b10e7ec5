/**
 * What each number of a vector is expected to be by the others, linearly: from the inverse P of their correlations, number i is expected
 * at -sum over j of P[i][j] / P[i][i] × number j, all in standard deviations (Lauritzen, Graphical models, 1996, 5.1). A forest cuts by one number at a
 * time, so what breaks a relation and is usual in each number by itself is hardly isolated; by the differences from these expectations
 * it is. What the numbers have in common is one number more, their first principal component (Hotelling 1933): else
 * all of them together might go where they never were.
 */
export interface Relations {
  readonly center: Float64Array;
  readonly scale: Float64Array;
  /** P[i][j] / P[i][i], row by row. */
  readonly weights: Float64Array;
  /** The component's share of each number. */
  readonly common: Float64Array;
}

/**
 * Added to the diagonal, so that numbers that determine each other have an inverse (ridge; Hoerl and Kennard 1970): more where there are few
 * vectors for so many numbers, whose relations are chance.
 */
function ridgeOf(features: number, vectors: number): number {
  return 1e-3 + (features / vectors / 2) ** 2;
}

/**
 * @param lower, upper what a hundredth of each number is below and above: values count no further out than half as far again,
 * as a few that are wild would make relations of their own
 */
export function findRelations(vectors: Float64Array, features: number, lower: readonly number[], upper: readonly number[]): Relations {
  const count = vectors.length / features;
  const held = Float64Array.from(vectors, (value, at) => {
    const by = at % features;
    const width = (upper[by]! - lower[by]!) / 2;
    return Math.max(lower[by]! - width, Math.min(upper[by]! + width, value));
  });
  const center = new Float64Array(features);
  for (const [at, value] of held.entries()) center[at % features]! += value / count;
  const scale = new Float64Array(features);
  for (const [at, value] of held.entries()) scale[at % features]! += (value - center[at % features]!) ** 2 / count;
  // What does not vary is related to nothing.
  for (let by = 0; by < features; by++) scale[by] = Math.sqrt(scale[by]!) || 1;
  const correlations = new Float64Array(features * features);
  for (let row = 0; row < held.length; row += features) {
    for (let i = 0; i < features; i++) {
      const z = (held[row + i]! - center[i]!) / scale[i]! / count;
      for (let j = 0; j <= i; j++) correlations[i * features + j]! += (z * (held[row + j]! - center[j]!)) / scale[j]!;
    }
  }
  for (let i = 0; i < features; i++) for (let j = 0; j < i; j++) correlations[j * features + i] = correlations[i * features + j]!;
  const common = firstComponent(correlations, features);
  for (let i = 0; i < features; i++) correlations[i * features + i]! += ridgeOf(features, count);
  const weights = inverse(correlations, features);
  for (let i = 0; i < features; i++) {
    const own = weights[i * features + i]!;
    for (let j = 0; j < features; j++) weights[i * features + j]! /= own;
  }
  return { center, scale, weights, common };
}

/** Steps of the power iteration: components that it does not tell apart by then are as good as each other. */
const POWERS = 64;

function firstComponent(matrix: Float64Array, size: number): Float64Array {
  // Nothing that is likely is at right angles to it.
  let component = Float64Array.from({ length: size }, (_, i) => 1 / (i + 1));
  for (let power = 0; power < POWERS; power++) {
    const next = component.map((_, i) => component.reduce((sum, share, j) => sum + matrix[i * size + j]! * share, 0));
    const length = Math.hypot(...next);
    if (length === 0) break;
    component = next.map((share) => share / length);
  }
  return component;
}

/** Of a symmetric, positive definite matrix: by Gauss and Jordan, in place, which needs no pivots there. */
function inverse(matrix: Float64Array, size: number): Float64Array {
  for (let p = 0; p < size; p++) {
    const pivot = 1 / matrix[p * size + p]!;
    matrix[p * size + p] = 1;
    for (let j = 0; j < size; j++) matrix[p * size + j]! *= pivot;
    for (let i = 0; i < size; i++) {
      if (i === p) continue;
      const factor = matrix[i * size + p]!;
      matrix[i * size + p] = 0;
      for (let j = 0; j < size; j++) matrix[i * size + j]! -= factor * matrix[p * size + j]!;
    }
  }
  return matrix;
}

/** How far number i of the vector is above what the others let expect, in its own unit. */
export function surplus({ center, scale, weights }: Relations, vector: Float64Array, at: number, i: number): number {
  const features = center.length;
  let sum = 0;
  for (let j = 0; j < features; j++) sum += (weights[i * features + j]! * (vector[at + j]! - center[j]!)) / scale[j]!;
  return sum * scale[i]!;
}

/** Of each vector the surplus of each number, in the unit of the number, and the component. */
export function related(relations: Relations, vectors: Float64Array): Float64Array {
  const { center, scale, common } = relations;
  const features = center.length;
  const found = new Float64Array((vectors.length / features) * (features + 1));
  for (let from = 0, to = 0; from < vectors.length; from += features, to += features + 1) {
    let component = 0;
    for (let i = 0; i < features; i++) {
      found[to + i] = surplus(relations, vectors, from, i);
      component += (common[i]! * (vectors[from + i]! - center[i]!)) / scale[i]!;
    }
    found[to + features] = component;
  }
  return found;
}
