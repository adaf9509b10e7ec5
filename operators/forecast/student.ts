/**
 * Quantile of Student's t for whole degrees of freedom: the t that |T| exceeds with probability
 * 1 - `share`. By bisection of the finite sums for P(|T| < t) in Abramowitz & Stegun 26.7.3 and 26.7.4,
 * which are exact.
 */
export function studentQuantile(share: number, degrees: number): number {
  let low = 0;
  let high = Math.PI / 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (shareWithin(middle, degrees) < share) low = middle;
    else high = middle;
  }
  return Math.sqrt(degrees) * Math.tan((low + high) / 2);
}

/** P(|T| < t) with t = √degrees · tan(angle). */
function shareWithin(angle: number, degrees: number): number {
  const sine = Math.sin(angle);
  const cosine = Math.cos(angle);
  const odd = degrees % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = degrees === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < degrees; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  return odd ? ((angle + sine * sum) * 2) / Math.PI : sine * sum;
}
