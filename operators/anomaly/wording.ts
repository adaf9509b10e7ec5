/** A number for people: to a tenth of the order of magnitude of `width`, which is what can be told apart; 0: to six digits. */
export function rounded(value: number, width: number): string {
  if (!(width > 0 && width < Infinity)) return String(Number(value.toPrecision(6)));
  const decimals = 1 - Math.floor(Math.log10(width / 2));
  if (decimals > 0) return String(Number(value.toFixed(Math.min(decimals, 100))));
  const unit = 10 ** -decimals;
  return String(Math.round(value / unit) * unit);
}

/** `8.3 times`; of what had no width at all there is no telling. */
export function times(ratio: number): string {
  return ratio < 1000 ? `${ratio.toFixed(1)} times` : 'more than 1000 times';
}
