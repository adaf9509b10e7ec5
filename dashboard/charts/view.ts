import { computed, signal } from '@preact/signals';
import { serverNow } from '../clock.js';

export interface Range {
  readonly name: string;
  readonly label: string;
  readonly ms: number;
  /** Interval over which rows are averaged; 0: rows as they came, which the server sends without being asked. */
  readonly step: number;
}

export const ranges: readonly Range[] = [
  { name: '5m', label: '5 minutes', ms: 300_000, step: 0 },
  { name: '30m', label: '30 minutes', ms: 1_800_000, step: 5_000 },
  { name: '6h', label: '6 hours', ms: 21_600_000, step: 60_000 },
];

/** The stretch of time that all charts show. */
export const range = signal<Range>(ranges[0]!);

/** Who holds the charts still: the pointer on one, or the focus in it. */
const holders = signal<ReadonlySet<object>>(new Set());
export const paused = computed(() => holders.value.size > 0);
let heldAt = 0;

export function hold(holder: object): void {
  if (holders.peek().size === 0) heldAt = edge();
  holders.value = new Set([...holders.peek(), holder]);
}

export function release(holder: object): void {
  const left = new Set(holders.peek());
  if (left.delete(holder)) holders.value = left;
}

let newest = -Infinity;
let oldest = Infinity;
let running = true;

/** A minute is shown at least: the first points of a new start are to be seen, not a speck at the edge. */
const SHORTEST_MS = 60_000;

/** Times of the oldest and the newest live row, and whether data still comes: if not, time goes on and the charts empty from the right. */
export function setEdge(first: number, last: number, flowing: boolean): void {
  oldest = first;
  newest = last;
  running = flowing;
}

/** The stretch of time to draw. The shortest range grows with the rows there are. */
export function stretch(): [from: number, to: number] {
  const { ms, step } = range.peek();
  const to = edge();
  return [to - (step > 0 ? ms : Math.min(ms, Math.max(SHORTEST_MS, to - oldest))), to];
}

/** Time at the right edge of the charts. */
export function edge(): number {
  if (holders.peek().size > 0) return heldAt;
  const now = serverNow();
  // A publisher whose clock is ahead must not push everything else out of sight.
  return running && Number.isFinite(newest) ? Math.max(Math.min(newest, now), now - 10_000) : now;
}
