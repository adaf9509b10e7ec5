import { seeded } from '../../engine/random.js';
import { bytesOfNumbers, frame, numbersOfBytes, unframe } from './framed.js';
import { growForest } from './grow.js';
import { rankForest, scoreRow, type RankedForest } from './ranked-forest.js';
import { readForest, saveForest } from './saved-forest.js';
import { findRelations, related, surplus, type Relations } from './relations.js';
import { embedAll, featuresOf, type Shingles } from './shingle.js';

/** What a model is trained by. */
export interface Lesson {
  readonly seed: number;
  readonly trees: number;
  readonly sample: number;
  /** The numbers are values of one series; else vectors of `members`. */
  readonly shingles?: Shingles;
  readonly members: readonly string[];
}

/** What is known of the vectors that a forest was grown from. */
interface Known {
  readonly members: readonly string[];
  readonly vectors: number;
  /** Of their forest scores: the lowest, the median, how far above it in odds a hundredth of them lies, and what a tenth exceeds. */
  readonly lowest: number;
  readonly median: number;
  readonly unit: number;
  readonly tenth: number;
  /** Of each number: what a hundredth is below, the median, and what a hundredth is above. */
  readonly lower: readonly number[];
  readonly middle: readonly number[];
  readonly upper: readonly number[];
  /** The box that the vectors are in: least of each number, and width. Widths are a little more than they are, a hundredth of what is usual, so that a constant is not a constant to the last digit. */
  readonly least: readonly number[];
  readonly widths: readonly number[];
}

export interface Model extends Known {
  readonly forest: RankedForest;
  /** Of groups of two and more: the forest knows the surplus of each number and the component, so `lower`, `middle` and `upper` are of these. */
  readonly relations: Relations | undefined;
  /** As it was told, to be saved. */
  readonly bytes: Uint8Array;
}

/** Forest scores of vectors that are all alike differ by nothing, those of others by more than this. */
const LEAST_UNIT = 0.08;
const GRAIN = 0.01;

export function lessonOf(lesson: Lesson, numbers: Float64Array): Uint8Array {
  return frame(lesson, bytesOfNumbers(numbers));
}

/** The training task. */
export function train(input: Uint8Array): Uint8Array {
  const { head: lesson, body } = unframe<Lesson>(input);
  const { seed, trees, sample, shingles, members } = lesson;
  const numbers = numbersOfBytes(body);
  const narrow = shingles === undefined ? numbers : embedAll(numbers, shingles);
  const count = shingles === undefined ? members.length : featuresOf(shingles);
  const relations = members.length < 2 ? undefined : findRelations(narrow, count, quantilesOf(narrow, count, 0.01), quantilesOf(narrow, count, 0.99));
  const vectors = relations === undefined ? narrow : related(relations, narrow);
  const features = relations === undefined ? count : count + 1;
  const forest = growForest(vectors, features, { trees, sample, random: seeded(seed) });
  const least = quantilesOf(vectors, features, 0);
  const usual = quantilesOf(narrow, count, 0.5).map(Math.abs);
  const widths = quantilesOf(vectors, features, 1).map((greatest, i) => greatest - least[i]! + GRAIN * (shingles === undefined ? (usual[i] ?? 1) : usual[0]!));
  const ranked = rankForest(forest);
  const box = { forest: ranked, least, widths };
  const scores = Float64Array.from({ length: vectors.length / features }, (_, row) => scoreBoxed(box, vectors, row * features)).sort();
  const median = quantileOf(scores, 0.5);
  const known: Known = {
    members,
    vectors: scores.length,
    lowest: scores[0]!,
    median,
    unit: Math.max(LEAST_UNIT, oddsOf(quantileOf(scores, 0.99)) - oddsOf(median)),
    tenth: quantileOf(scores, 0.9),
    lower: quantilesOf(vectors, features, 0.01),
    middle: quantilesOf(vectors, features, 0.5),
    upper: quantilesOf(vectors, features, 0.99),
    least,
    widths,
  };
  const kept = relations === undefined ? [] : [relations.center, relations.scale, relations.common, relations.weights];
  return frame(known, ...kept.map(bytesOfNumbers), saveForest(forest));
}

export function readModel(bytes: Uint8Array): Model {
  const { head, body } = unframe<Known>(bytes);
  const count = head.members.length;
  let at = 0;
  const take = (length: number): Float64Array => numbersOfBytes(body.subarray(at, (at += 8 * length)));
  const relations = count < 2 ? undefined : { center: take(count), scale: take(count), common: take(count), weights: take(count * count) };
  return { ...head, relations, forest: rankForest(readForest(body.subarray(at))), bytes };
}

function quantileOf(sorted: Float64Array, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}

/** Of each number of the vectors. */
function quantilesOf(vectors: Float64Array, features: number, share: number): number[] {
  return Array.from({ length: features }, (_, by) => quantileOf(Float64Array.from({ length: vectors.length / features }, (_row, row) => vectors[row * features + by]!).sort(), share));
}

/** Forest scores crowd near 1; their odds don't. */
function oddsOf(raw: number): number {
  return raw / (1 - raw);
}

/** How far out a forest score is: 0 at the median, 1 at what a hundredth of the vectors trained on exceed; by its odds. */
export function farOut({ median, unit }: Known, raw: number): number {
  return Math.max(0, oddsOf(raw) - oddsOf(median)) / unit;
}

/** The forest score that is so far out. */
export function rawAt({ median, unit }: Known, size: number): number {
  const odds = oddsOf(median) + size * unit;
  return odds / (1 + odds);
}

/** The forest score, in (0, 1), of a vector. */
export function forestScore(model: Model, vector: Float64Array): number {
  return scoreBoxed(model, model.relations === undefined ? vector : related(model.relations, vector), 0);
}

/**
 * A forest alone does not tell how far outside of all that it knows a vector is: it ends where the outermost ends. So each split has a chance p to
 * part it from all others, that of a cut which is drawn evenly from the box around them and it (as trees that grow by such vectors are;
 * Lakshminarayanan, Roy and Teh, Mondrian forests, NIPS 2014; Guha et al., Robust random cut forest, ICML 2016). A path that would be h long is
 * (1 - (1 - p)^h) / p then: h inside of the box, and 1 where every cut parts it.
 */
function scoreBoxed({ forest, least, widths }: Pick<Model, 'forest' | 'least' | 'widths'>, vectors: Float64Array, at: number): number {
  const raw = scoreRow(forest, vectors, at);
  let outside = 0;
  for (let i = 0; i < least.length; i++) {
    const width = widths[i]!;
    const over = vectors[at + i]! - least[i]!;
    const distance = over < 0 ? -over : over > width ? over - width : 0;
    if (distance > 0) outside += distance / (distance + width);
  }
  if (outside === 0) return raw;
  const p = outside / least.length;
  const length = -Math.log2(raw) * forest.mean;
  return 2 ** (-(1 - (1 - p) ** length) / p / forest.mean);
}

/** What number i is expected to be, and usually within: by the others where there are relations, else by itself. */
export function expectedOf({ relations, lower, middle, upper }: Model, vector: Float64Array, i: number): { expected: number; lower: number; upper: number } {
  if (relations === undefined) return { expected: middle[i]!, lower: lower[i]!, upper: upper[i]! };
  const expected = vector[i]! - surplus(relations, vector, 0, i);
  return { expected, lower: expected + lower[i]!, upper: expected + upper[i]! };
}

/**
 * How much of the forest score each number makes: what the score falls by where the number is as expected (occlusion; Zeiler and Fergus,
 * Visualizing and understanding convolutional networks, ECCV 2014), as a share of all that fall. All 0: none does by itself.
 */
export function contributions(model: Model, vector: Float64Array, raw: number): Float64Array {
  const changed = vector.slice();
  const falls = vector.map((value, i) => {
    changed[i] = expectedOf(model, vector, i).expected;
    const fall = raw - forestScore(model, changed);
    changed[i] = value;
    return Math.max(0, fall);
  });
  const sum = falls.reduce((total, fall) => total + fall, 0);
  return sum > 0 ? falls.map((fall) => fall / sum) : falls;
}
