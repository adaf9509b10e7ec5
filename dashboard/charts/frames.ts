import type { Series } from '../store/series-store.js';

/** What can be drawn again. */
export interface Drawn {
  readonly visible: boolean;
  shows(series: Series): boolean;
  draw(): void;
}

const all = new Set<Drawn>();
const dirty = new Set<Drawn>();
let asked = false;

/** Draws it in the next frame, once, if it can be seen then; `visible` becoming true must ask again. */
export function redraw(drawn: Drawn): void {
  dirty.add(drawn);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const due = [...dirty];
    dirty.clear();
    for (const each of due) if (each.visible) each.draw();
  });
}

/** Everything that shows one of these series; without them everything. */
export function redrawAll(changed?: ReadonlySet<Series>): void {
  for (const drawn of all) if (drawn.visible && (changed === undefined || showsAny(drawn, changed))) redraw(drawn);
}

function showsAny(drawn: Drawn, changed: ReadonlySet<Series>): boolean {
  for (const series of changed) if (drawn.shows(series)) return true;
  return false;
}

/** `redrawAll` knows it from now on, until it is forgotten. */
export function remember(drawn: Drawn): void {
  all.add(drawn);
}

export function forget(drawn: Drawn): void {
  all.delete(drawn);
  dirty.delete(drawn);
}
