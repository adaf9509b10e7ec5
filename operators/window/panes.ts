import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn } from '../../engine/operator.js';

/**
 * How time is cut into panes, and where the panes of a series are. Windows of `size` begin at every multiple of
 * `slide` since the epoch: [start, end). Size is a multiple of slide, so a pane, one slide of time, is
 * wholly in a window or not at all.
 *
 * Panes that can be in use at a watermark W begin after W - lateness - size and before W + lead: the ring
 * has room for all of them, so a pane's place is its number modulo the ring.
 */
export class Panes {
  /** Panes of a window. */
  readonly perWindow: number;
  readonly ring: number;
  /** The ring, and a running total where windows overlap. */
  readonly perSlot: number;

  constructor(
    readonly size: number,
    readonly slide: number,
    readonly lateness: number,
    /** How far rows may be ahead of the watermark, ms. */
    lead: number,
  ) {
    this.perWindow = size / slide;
    this.ring = Math.ceil((size + lateness + lead) / slide) + 1;
    this.perSlot = this.ring + (this.perWindow > 1 ? 1 : 0);
  }

  /** Place in the ring of the pane with this number (its start / slide). A remainder of doubles by `%` costs ten times as much. */
  place(number: number): number {
    return number - Math.floor(number / this.ring) * this.ring;
  }

  /** At this watermark rows of the pane that ends at `end` are neither late nor so far ahead that a pane still in use could have its place. */
  takes(end: number, watermark: number): boolean {
    return end + this.lateness > watermark && end - (this.ring + 1) * this.slide <= watermark - this.size - this.lateness;
  }

  /** Whether a block of as many panes as a window has begins with this one. */
  beginsBlock(number: number): boolean {
    return Math.floor(number / this.perWindow) * this.perWindow === number;
  }

  /** Whether a block ends where the window that ends at `end` does. */
  completesBlock(end: number): boolean {
    return this.perWindow > 1 && this.beginsBlock(end / this.slide - this.perWindow);
  }

  /** Number among the panes of a slot. */
  numberIn(slot: number, pane: number): number {
    return (pane - placeIn(slot, 0, this.perSlot)) / BLOCK_SLOTS;
  }

  /** The pane of a slot that holds this time. */
  at(slot: number, time: number): number {
    return placeIn(slot, this.place(Math.floor(time / this.slide)), this.perSlot);
  }
}
