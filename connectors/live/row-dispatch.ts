import { TICK_MS } from './limits.js';
import type { Filter } from './protocol.js';
import type { Ring, RowRings } from './row-rings.js';

/** One subscription to rows, on its socket. */
export interface Listener {
  /** There are rows that it has not been given: of these series, oldest row first, and of no others since it was told last. */
  tell(changed: readonly Ring[]): void;
  /** A series that it may know is given up. */
  forget(ring: Ring): void;
}

/** All who asked for the same rows. */
interface Audience {
  readonly filter: Filter;
  readonly listeners: Set<Listener>;
  /** Told less than a tick ago: it is told again when the tick is over. */
  resting: boolean;
  /** Series with rows since it was told. */
  readonly changed: Set<Ring>;
}

/**
 * Tells subscriptions of rows: at once where they have been quiet, and then once a tick. A row costs those who see it,
 * however many there are who don't: which audiences a series has is found once, when either is new.
 */
export class RowDispatch {
  readonly #rings: RowRings;
  /** By the key of their filter. */
  readonly #audiences = new Map<string, Audience>();
  readonly #of = new WeakMap<Ring, Audience[]>();
  /** Rings with rows of which nobody has been told. */
  readonly #touched = new Set<Ring>();
  /** Those with something to be told. */
  readonly #due = new Set<Audience>();
  #immediate: NodeJS.Immediate | undefined;
  readonly #ticks = new Set<NodeJS.Timeout>();

  constructor(rings: RowRings) {
    this.#rings = rings;
  }

  join(filter: Filter, listener: Listener): void {
    let audience = this.#audiences.get(filter.key);
    if (audience === undefined) {
      audience = { filter, listeners: new Set(), resting: false, changed: new Set() };
      this.#audiences.set(filter.key, audience);
      for (const ring of this.#rings.of(undefined)) if (lets(filter, ring)) this.#of.get(ring)?.push(audience);
    }
    audience.listeners.add(listener);
  }

  leave(filter: Filter, listener: Listener): void {
    const audience = this.#audiences.get(filter.key);
    audience?.listeners.delete(listener);
    if (audience?.listeners.size !== 0) return;
    this.#audiences.delete(filter.key);
    this.#due.delete(audience);
    for (const ring of this.#rings.of(undefined)) {
      const others = this.#of.get(ring);
      if (others?.includes(audience) === true) others.splice(others.indexOf(audience), 1);
    }
  }

  /** A row has come, or the ring is given up. */
  touch(ring: Ring): void {
    if (this.#audiences.size === 0) return;
    this.#touched.add(ring);
    this.#soon();
  }

  forget(ring: Ring): void {
    this.#touched.delete(ring);
    for (const audience of this.#audiencesOf(ring)) {
      for (const listener of audience.listeners) listener.forget(ring);
      audience.changed.delete(ring);
      this.#due.add(audience);
    }
    this.#soon();
  }

  /** Tells all that there is to tell, ticks or not, and nothing after it. */
  close(): void {
    clearImmediate(this.#immediate);
    for (const tick of this.#ticks) clearTimeout(tick);
    for (const audience of this.#audiences.values()) audience.resting = false;
    this.#tell();
    for (const tick of this.#ticks) clearTimeout(tick);
  }

  #soon(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#tell();
    });
  }

  /** So that an audience that is told knows of every row there is. */
  #spread(): void {
    for (const ring of this.#touched) {
      for (const audience of this.#audiencesOf(ring)) {
        audience.changed.add(ring);
        this.#due.add(audience);
      }
    }
    this.#touched.clear();
  }

  /** Tells all that there is to tell to those who do not rest. */
  #tell(): void {
    this.#spread();
    const told = [...this.#due].filter(({ resting }) => !resting);
    if (told.length === 0) return;
    for (const audience of told) {
      const changed = [...audience.changed].sort((a, b) => a.newest - b.newest);
      audience.changed.clear();
      audience.resting = true;
      this.#due.delete(audience);
      for (const listener of audience.listeners) listener.tell(changed);
    }
    const tick = setTimeout(() => {
      this.#ticks.delete(tick);
      for (const audience of told) audience.resting = false;
      this.#tell();
    }, TICK_MS);
    tick.unref();
    this.#ticks.add(tick);
  }

  #audiencesOf(ring: Ring): Audience[] {
    let audiences = this.#of.get(ring);
    if (audiences === undefined) {
      audiences = [...this.#audiences.values()].filter(({ filter }) => lets(filter, ring));
      this.#of.set(ring, audiences);
    }
    return audiences;
  }
}

function lets(filter: Filter, { node, series }: Ring): boolean {
  return filter.matches(node, series.name, series.labels);
}
