/** Powers of ten that a float64 holds exactly. */
const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

/**
 * The number written in `bytes[from .. to)`: sign, digits, point, exponent. NaN where it is no such
 * number. At most 15 digits scaled by an exact power of ten are correctly rounded by one division or
 * multiplication (Clinger 1990, "How to read floating point numbers accurately"); the rest goes to `Number`.
 */
export function parseDecimal(bytes: Buffer, from: number, to: number): number {
  let at = from;
  let negative = false;
  if (at < to && (bytes[at] === 45 || bytes[at] === 43)) {
    negative = bytes[at] === 45;
    at += 1;
  }
  let mantissa = 0;
  let digits = 0;
  let significant = 0;
  let scale = 0;
  let point = false;
  for (; at < to; at++) {
    const c = bytes[at]!;
    if (c >= 48 && c <= 57) {
      digits += 1;
      if (significant > 0 || c !== 48) significant += 1;
      if (significant <= 15) mantissa = mantissa * 10 + (c - 48);
      if (point) scale -= 1;
    } else if (c === 46 && !point) point = true;
    else break;
  }
  if (digits === 0) return NaN;
  if (at < to) {
    if (bytes[at] !== 101 && bytes[at] !== 69) return NaN;
    at += 1;
    let down = false;
    if (at < to && (bytes[at] === 45 || bytes[at] === 43)) {
      down = bytes[at] === 45;
      at += 1;
    }
    if (at === to) return NaN;
    let exponent = 0;
    for (; at < to; at++) {
      const c = bytes[at]!;
      if (c < 48 || c > 57) return NaN;
      if (exponent < 100_000) exponent = exponent * 10 + (c - 48);
    }
    scale += down ? -exponent : exponent;
  }
  if (significant > 15 || scale > 22 || scale < -22) return Number(bytes.toString('latin1', from, to));
  const value = scale < 0 ? mantissa / EXACT_POWERS[-scale]! : mantissa * EXACT_POWERS[scale]!;
  return negative ? -value : value;
}
