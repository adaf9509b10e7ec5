/** Relative error of a quantile. */
export const ACCURACY = 0.01;

/** Bins of one sign: enough for 17 orders of magnitude. */
export const MAX_BINS = 2_048;

const GAMMA = (1 + ACCURACY) / (1 - ACCURACY);
const BINS_PER_E = 1 / Math.log(GAMMA);
/** Nearer to zero is zero. */
const SMALLEST = 1e-300;

/** The bin of a magnitude: bin k holds (gamma^(k-1), gamma^k]. */
function binOf(magnitude: number): number {
  return Math.ceil(Math.log(magnitude) * BINS_PER_E);
}

/** The magnitude that is at most `ACCURACY` away from all that its bin holds. */
function magnitudeOf(bin: number): number {
  return (2 * Math.exp(bin / BINS_PER_E)) / (1 + GAMMA);
}

/** Counts of the bins from the lowest to the highest used. */
class Bins {
  total = 0;
  /** Bin of `counts[0]`. */
  offset = 0;
  /** Used counts. */
  length = 0;
  counts = new Uint32Array(0);

  add(bin: number, count: number): void {
    if (this.length === 0) this.offset = bin;
    let index = bin - this.offset;
    if (index < 0) index = this.#extendDown(bin);
    else if (index >= this.length) index = this.#extendUp(bin);
    this.counts[index]! += count;
    this.total += count;
  }

  merge(other: Bins): void {
    // From above, so that bins that fold into the lowest do it once.
    for (let i = other.length - 1; i >= 0; i--) if (other.counts[i]! > 0) this.add(other.offset + i, other.counts[i]!);
  }

  /** The bin of the value with this rank, counted from the lowest bin. */
  atRank(rank: number): number {
    let before = 0;
    for (let i = 0; i < this.length; i++) {
      before += this.counts[i]!;
      if (before > rank) return this.offset + i;
    }
    return this.offset + this.length - 1;
  }

  clear(): void {
    this.counts.fill(0, 0, this.length);
    this.length = 0;
    this.total = 0;
  }

  #extendDown(bin: number): number {
    const highest = this.offset + this.length - 1;
    const lowest = Math.max(bin, highest - MAX_BINS + 1);
    const shift = this.offset - lowest;
    if (shift > 0) {
      this.#reserve(this.length + shift);
      this.counts.copyWithin(shift, 0, this.length);
      this.counts.fill(0, 0, shift);
      this.offset = lowest;
      this.length += shift;
    }
    return 0;
  }

  #extendUp(bin: number): number {
    const excess = bin - this.offset + 1 - MAX_BINS;
    if (excess > 0) this.#foldLowest(excess);
    const length = bin - this.offset + 1;
    this.#reserve(length);
    this.length = length;
    return length - 1;
  }

  /** Folds the lowest bins into the next: small magnitudes lose accuracy, large ones never. */
  #foldLowest(bins: number): void {
    const folded = Math.min(bins, this.length);
    let sum = 0;
    for (let i = 0; i < folded; i++) sum += this.counts[i]!;
    this.counts.copyWithin(0, folded, this.length);
    this.counts.fill(0, this.length - folded, this.length);
    this.offset += bins;
    this.length = Math.max(this.length - folded, 1);
    this.counts[0]! += sum;
  }

  #reserve(length: number): void {
    if (length <= this.counts.length) return;
    const larger = new Uint32Array(Math.min(MAX_BINS, Math.max(length, 16, Math.ceil(this.counts.length * 1.5))));
    larger.set(this.counts.subarray(0, this.length));
    this.counts = larger;
  }
}

/** As many values are kept as they are, before they are counted in bins. */
const SMALL = 32;

/**
 * Quantiles of a stream to within 1 % of their value: DDSketch of Masson, Rim and Lee (PVLDB 12, 2019,
 * p. 2195), with bins of both signs and the lowest folded past `MAX_BINS`, which bounds a sketch to
 * 16 KiB. Up to 32 values it is exact and takes 256 bytes at most. Sketches of parts of a stream merge into the
 * sketch of the whole. NaN must not be added.
 */
export class Sketch {
  #count = 0;
  /** The values, while `#count` <= SMALL. */
  #values = new Float64Array(4);
  readonly #positive = new Bins();
  readonly #negative = new Bins();
  /** Counts of what has no bin: zero and the infinities. */
  #zeros = 0;
  #infinite = 0;
  #minusInfinite = 0;
  #min = Infinity;
  #max = -Infinity;

  add(value: number): void {
    if (this.#count === SMALL) for (const small of this.#values) this.#bin(small);
    if (this.#count < SMALL) {
      if (this.#count === this.#values.length) {
        const larger = new Float64Array(2 * this.#count);
        larger.set(this.#values);
        this.#values = larger;
      }
      this.#values[this.#count] = value;
    } else this.#bin(value);
    this.#count += 1;
  }

  merge(other: Sketch): void {
    if (other.#count <= SMALL) {
      for (let i = 0; i < other.#count; i++) this.add(other.#values[i]!);
      return;
    }
    if (this.#count <= SMALL) for (let i = 0; i < this.#count; i++) this.#bin(this.#values[i]!);
    this.#count += other.#count;
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
    this.#zeros += other.#zeros;
    this.#infinite += other.#infinite;
    this.#minusInfinite += other.#minusInfinite;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  clear(): void {
    if (this.#count > SMALL) {
      this.#positive.clear();
      this.#negative.clear();
      this.#zeros = 0;
      this.#infinite = 0;
      this.#minusInfinite = 0;
      this.#min = Infinity;
      this.#max = -Infinity;
    }
    this.#count = 0;
  }

  /** The value whose rank is floor(q (n - 1)) of n, from 0; q in [0, 1]. NaN where there is none. */
  quantile(q: number): number {
    if (this.#count === 0) return NaN;
    let rank = Math.floor(q * (this.#count - 1));
    if (this.#count <= SMALL) return this.#values.subarray(0, this.#count).sort()[rank]!;
    if ((rank -= this.#minusInfinite) < 0) return -Infinity;
    let value = 0;
    if (rank < this.#negative.total) value = -magnitudeOf(this.#negative.atRank(this.#negative.total - 1 - rank));
    else if ((rank -= this.#negative.total + this.#zeros) >= 0) {
      if (rank >= this.#positive.total) return Infinity;
      value = magnitudeOf(this.#positive.atRank(rank));
    }
    return Math.min(Math.max(value, this.#min), this.#max);
  }

  /** Bytes of values and bins. */
  get bytes(): number {
    return this.#values.byteLength + this.#positive.counts.byteLength + this.#negative.counts.byteLength;
  }

  /** As numbers. */
  save(): number[] {
    if (this.#count <= SMALL) return [this.#count, ...this.#values.subarray(0, this.#count)];
    const numbers = [this.#count, this.#zeros, this.#infinite, this.#minusInfinite, this.#min, this.#max];
    for (const bins of [this.#positive, this.#negative]) numbers.push(bins.offset, bins.length, ...bins.counts.subarray(0, bins.length));
    return numbers;
  }

  /** Into an empty sketch, from `numbers[at]` on; gives the index after what was read. */
  restore(numbers: Float64Array, at: number): number {
    const count = numbers[at]!;
    at += 1;
    if (count <= SMALL) {
      for (let i = 0; i < count; i++) this.add(numbers[at + i]!);
      return at + count;
    }
    this.#count = count;
    this.#zeros = numbers[at]!;
    this.#infinite = numbers[at + 1]!;
    this.#minusInfinite = numbers[at + 2]!;
    this.#min = numbers[at + 3]!;
    this.#max = numbers[at + 4]!;
    at += 5;
    for (const bins of [this.#positive, this.#negative]) {
      const offset = numbers[at]!;
      const length = numbers[at + 1]!;
      for (let i = length - 1; i >= 0; i--) bins.add(offset + i, numbers[at + 2 + i]!);
      at += 2 + length;
    }
    return at;
  }

  #bin(value: number): void {
    if (value === Infinity) this.#infinite += 1;
    else if (value === -Infinity) this.#minusInfinite += 1;
    else {
      if (value > SMALLEST) this.#positive.add(binOf(value), 1);
      else if (value < -SMALLEST) this.#negative.add(binOf(-value), 1);
      else this.#zeros += 1;
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
    }
  }
}
