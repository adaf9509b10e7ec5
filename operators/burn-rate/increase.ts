/** Counters are read on this grid, about a millionth: fine enough for seconds, and sums stay exact up to 8.6e9 a pane (whole counts up to 9e15). */
const GRID = 2 ** 20;

/** A counter's value on the grid. Sums and differences on it are exact, so they do not depend on the order of the series. */
export function onGrid(value: number): number {
  return Math.round(value * GRID) / GRID;
}

/** How far a counter rose between two values on the grid; a drop is a restart from zero, as in Prometheus. */
export function increase(last: number, value: number): number {
  return value >= last ? value - last : value;
}
