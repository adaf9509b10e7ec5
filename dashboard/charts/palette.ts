/** Colours of the canvas, from the style sheet, so that light and dark are written down once. */
export interface Palette {
  readonly series: readonly string[];
  readonly text: string;
  readonly grid: string;
  readonly band: string;
  readonly serious: string;
  readonly notable: string;
  readonly surface: string;
  readonly font: string;
}

let read: Palette | undefined;

export function palette(): Palette {
  if (read !== undefined) return read;
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  read = {
    series: Array.from({ length: 8 }, (_, i) => of(`--series-${i + 1}`)),
    text: of('--text-quiet'),
    grid: of('--grid'),
    band: of('--band'),
    serious: of('--serious'),
    notable: of('--notable'),
    surface: of('--surface'),
    font: `11px ${of('--font')}`,
  };
  return read;
}

/** The theme has changed. */
export function forgetPalette(): void {
  read = undefined;
}
