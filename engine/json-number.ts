/** JSON has neither NaN nor infinities: they are saved as text. `Number` reads both back. */
export function jsonNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
