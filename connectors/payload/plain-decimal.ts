/** Powers of ten that a float64 holds exactly, as far as 15 digits go. */
const POWERS = Float64Array.from({ length: 16 }, (_, i) => Number(`1e${i}`));

/** So many digits are exact as an integer, and are correctly rounded by one division (see decimal.ts). */
const MOST_DIGITS = 15;

const [MINUS, POINT, ZERO, NINE] = [45, 46, 48, 57];

/** Reads the numbers that are most: a sign, a few digits, a point, in one pass, as JSON writes them too. All others are left to who asked. */
export class PlainDecimal {
  value = 0;
  /** It has no point. */
  whole = true;

  /** Sets what the number at `at` is and gives where it ends; -1 where none begins, or one of another form. */
  read(bytes: Uint8Array, at: number, end: number): number {
    const negative = at < end && bytes[at] === MINUS;
    if (negative) at += 1;
    const first = at;
    let mantissa = 0;
    let c = 0;
    for (; at < end; at++) {
      c = bytes[at]!;
      if (c < ZERO || c > NINE) break;
      mantissa = mantissa * 10 + (c - ZERO);
    }
    let digits = at - first;
    if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && bytes[first] === ZERO)) return -1;
    let value = mantissa;
    this.whole = at === end || c !== POINT;
    if (!this.whole) {
      const fraction = (at += 1);
      for (; at < end; at++) {
        c = bytes[at]!;
        if (c < ZERO || c > NINE) break;
        mantissa = mantissa * 10 + (c - ZERO);
      }
      digits += at - fraction;
      if (at === fraction || digits > MOST_DIGITS) return -1;
      value = mantissa / POWERS[at - fraction]!;
    }
    // e, E: an exponent follows.
    if (at < end && (c | 32) === 101) return -1;
    this.value = negative ? -value : value;
    return at;
  }
}
