import { Channel, Frame, type ChannelShape } from './channel.js';
import { BATCH_ROWS, BLOCK_SHIFT } from './limits.js';
import type { Batch } from './batch.js';
import type { Time } from './clock.js';
import type { Derivation } from './derivation.js';
import { goesToAll, type Finding } from './finding.js';
import { findingLine, MessageKind } from './message.js';
import type { ThreadNames } from './names.js';
import type { Link, Plan, Wire } from './plan.js';
import { NO_SLOT, partitionOf } from './series.js';

/**
 * The sending end of a wire: one channel to each shard (or one to a sink). Splits rows by the shard of
 * their series. What finds no credit waits here, so that an operator in the middle of a turn is never
 * stopped; whoever owns the outlet takes no more mail while it is `blocked`, which bounds what waits by
 * what one turn gives.
 */
export class Outlet {
  readonly #channels: readonly Channel[];
  readonly #names: ThreadNames;
  readonly #plan: Plan;
  readonly #open: (Frame | undefined)[];
  /** Messages without credit, by channel, in order. */
  readonly #waiting: Frame[][];
  readonly #spare: Frame[] = [];
  /** Of the rows at hand, by channel: how many go there, which (channel c from `c * BATCH_ROWS` on), and as which slots. */
  readonly #picked: Uint32Array;
  readonly #pickedIndex: Uint32Array;
  readonly #pickedSlot: Uint32Array;
  readonly #shape: ChannelShape & { readonly rows: number };
  #blocked = 0;

  constructor(
    readonly wire: Wire,
    channels: readonly Channel[],
    names: ThreadNames,
    plan: Plan,
  ) {
    this.#channels = channels;
    this.#names = names;
    this.#plan = plan;
    this.#open = channels.map(() => undefined);
    this.#waiting = channels.map(() => []);
    this.#picked = new Uint32Array(channels.length);
    this.#pickedIndex = new Uint32Array(channels.length * BATCH_ROWS);
    this.#pickedSlot = new Uint32Array(channels.length * BATCH_ROWS);
    this.#shape = { columns: wire.columns, frames: 1, rows: plan.frameRows };
  }

  /** Something waits for credit. */
  get blocked(): boolean {
    return this.#blocked > 0;
  }

  /** The share of frames in use of the fullest channel. */
  get fill(): number {
    return Math.max(...this.#channels.map((c) => c.fill / c.frames));
  }

  rows(link: Link, batch: Batch): void {
    if (batch.length === 0) return;
    const arrays = link.columns.map((name) => batch.columns[name]!);
    if (link.to.kind === 'sink') this.#bulk(0, link, batch, arrays);
    else if (link.route === 'all') for (let to = 0; to < this.#channels.length; to++) this.#bulk(to, link, batch, arrays);
    else if (link.route !== 'series') this.#scatter(link, batch, arrays, this.#names.derivation(link.targets[0]!.node, link.targets[0]!.port));
    else if (this.#channels.length === 1) this.#bulk(0, link, batch, arrays);
    else this.#scatter(link, batch, arrays, undefined);
  }

  /** Row by row to the shard of its series; where the edge derives, of what its series becomes there. */
  #scatter(link: Link, batch: Batch, arrays: readonly Float64Array[], derivation: Derivation | undefined): void {
    const { length, slot } = batch;
    for (let from = 0; from < length; ) {
      from = this.#pickRun(slot, from, length, derivation);
      for (let to = 0; to < this.#channels.length; to++) this.#gather(to, link, batch, arrays);
      // As many as there is room to note.
      if (from === length || derivation === undefined || (derivation.one[slot[from]!] ?? NO_SLOT) !== NO_SLOT) continue;
      // It becomes several series, or none.
      for (const many of derivation.many.get(slot[from]!) ?? []) {
        const to = this.#names.shardOf[many >>> BLOCK_SHIFT]!;
        this.#pickedIndex[to * BATCH_ROWS] = from;
        this.#pickedSlot[to * BATCH_ROWS] = many;
        this.#picked[to] = 1;
        this.#gather(to, link, batch, arrays);
      }
      from += 1;
    }
  }

  /** Notes for each row from `from` on where it goes and as which slot; stops at one that is not one row there, or after a batch of them. Calls nothing, so that the compiler keeps the arrays at hand. */
  #pickRun(slots: Uint32Array, from: number, length: number, derivation: Derivation | undefined): number {
    const { shardOf } = this.#names;
    const one = derivation === undefined ? undefined : derivation.one;
    const picked = this.#picked;
    const index = this.#pickedIndex;
    const slot = this.#pickedSlot;
    const end = Math.min(length, from + BATCH_ROWS);
    for (let i = from; i < end; i++) {
      const before = slots[i]!;
      const own = one === undefined ? before : before < one.length ? one[before]! : NO_SLOT;
      if (own === NO_SLOT) return i;
      const to = shardOf[own >>> BLOCK_SHIFT]!;
      const n = picked[to]!;
      index[to * BATCH_ROWS + n] = i;
      slot[to * BATCH_ROWS + n] = own;
      picked[to] = n + 1;
    }
    return end;
  }

  /** Copies the rows picked for a channel. */
  #gather(to: number, link: Link, batch: Batch, arrays: readonly Float64Array[]): void {
    const index = this.#pickedIndex;
    const slot = this.#pickedSlot;
    const { time, value, flags } = batch;
    const last = to * BATCH_ROWS + this.#picked[to]!;
    for (let from = to * BATCH_ROWS; from < last; ) {
      const frame = this.#room(to, link);
      const first = frame.length;
      const end = Math.min(last, from + frame.rows - first);
      const { time: toTime, slot: toSlot, value: toValue, flags: toFlags } = frame;
      for (let k = from, n = first; k < end; k++, n++) {
        const i = index[k]!;
        toTime[n] = time[i]!;
        toSlot[n] = slot[k]!;
        toValue[n] = value[i]!;
        toFlags[n] = flags[i]!;
      }
      for (let c = 0; c < arrays.length; c++) {
        const column = frame.extra[c]!;
        const given = arrays[c]!;
        for (let k = from, n = first; k < end; k++, n++) column[n] = given[index[k]!]!;
      }
      frame.length = first + end - from;
      if (frame.length === frame.rows) this.#publish(to);
      from = end;
    }
    this.#picked[to] = 0;
  }

  #bulk(to: number, link: Link, batch: Batch, arrays: readonly Float64Array[]): void {
    for (let from = 0; from < batch.length; ) {
      const frame = this.#room(to, link);
      const n = frame.length;
      const count = Math.min(batch.length - from, frame.rows - n);
      const end = from + count;
      if (count < FEW_ROWS) {
        this.#few(frame, batch, from, count, arrays);
        if (frame.length === frame.rows) this.#publish(to);
        from = end;
        continue;
      }
      frame.time.set(batch.time.subarray(from, end), n);
      frame.slot.set(batch.slot.subarray(from, end), n);
      frame.value.set(batch.value.subarray(from, end), n);
      frame.flags.set(batch.flags.subarray(from, end), n);
      for (let c = 0; c < arrays.length; c++) frame.extra[c]!.set(arrays[c]!.subarray(from, end), n);
      frame.length = n + count;
      if (n + count === frame.rows) this.#publish(to);
      from = end;
    }
  }

  /** Row by row: for a few rows a view of each column costs more than the copy. */
  #few(frame: Frame, batch: Batch, from: number, count: number, arrays: readonly Float64Array[]): void {
    for (let i = from, n = frame.length; i < from + count; i++, n++) {
      frame.time[n] = batch.time[i]!;
      frame.slot[n] = batch.slot[i]!;
      frame.value[n] = batch.value[i]!;
      frame.flags[n] = batch.flags[i]!;
      for (let c = 0; c < arrays.length; c++) frame.extra[c]![n] = arrays[c]![i]!;
    }
    frame.length += count;
  }

  /** The open frame of a channel, for rows of this link. */
  #room(to: number, link: Link): Frame {
    const open = this.#open[to];
    if (open !== undefined) {
      if (open.link === link.id && open.kind === MessageKind.rows) return open;
      this.#publish(to);
    }
    const frame = this.#claim(to);
    frame.head(MessageKind.rows, link.id, 0, 0);
    this.#open[to] = frame;
    return frame;
  }

  #claim(to: number): Frame {
    const free = this.#waiting[to]!.length === 0 ? this.#channels[to]!.claim() : undefined;
    if (free !== undefined) return free;
    return this.#spare.pop() ?? new Frame(new ArrayBuffer(Frame.bytes(this.#shape)), 0, this.#shape.rows, this.#shape.columns);
  }

  /** Hands over the open frame of a channel, or lets it wait. */
  #publish(to: number): void {
    const frame = this.#open[to];
    if (frame === undefined) return;
    this.#open[to] = undefined;
    this.#send(to, frame);
  }

  #send(to: number, frame: Frame): void {
    const channel = this.#channels[to]!;
    if (this.#waiting[to]!.length === 0 && channel.claim() === frame) channel.publish();
    else {
      this.#waiting[to]!.push(frame);
      this.#blocked += 1;
    }
  }

  #message(to: number, kind: MessageKind, link: number, length: number, number: number): void {
    this.#publish(to);
    const frame = this.#claim(to);
    frame.head(kind, link, length, number);
    this.#send(to, frame);
  }

  /** Bytes, over as many frames as they need. */
  bytes(to: number, kind: MessageKind, link: number, bytes: Uint8Array): void {
    this.#publish(to);
    for (let from = 0; ; ) {
      const frame = this.#claim(to);
      const part = bytes.subarray(from, from + frame.bytes.length);
      from += part.length;
      frame.bytes.set(part);
      frame.head(kind, link, part.length, 0, from < bytes.length);
      this.#send(to, frame);
      if (from >= bytes.length) return;
    }
  }

  finding(link: Link, finding: Finding): void {
    const line = findingLine(finding);
    if (link.to.kind === 'sink') this.#line(0, link, line);
    else if (link.route === 'all' || (link.route !== 'one' && goesToAll(finding))) for (let to = 0; to < this.#channels.length; to++) this.#line(to, link, line);
    else {
      const home = link.route === 'series' ? finding.series : this.#plan.operators[link.to.index]!.spec.name;
      this.#line(this.#plan.owner[partitionOf(home, this.#plan.partitions)]!, link, line);
    }
  }

  /** Findings that follow each other share a frame: a storm of them would else wait in as many frames, each as large as a batch. */
  #line(to: number, link: Link, line: Uint8Array): void {
    const open = this.#open[to];
    if (open !== undefined && open.link === link.id && open.kind === MessageKind.findings && open.length + line.length <= open.bytes.length) {
      open.bytes.set(line, open.length);
      open.length += line.length;
      return;
    }
    this.#publish(to);
    const frame = this.#claim(to);
    if (line.length > frame.bytes.length) {
      this.bytes(to, MessageKind.findings, link.id, line);
      return;
    }
    frame.head(MessageKind.findings, link.id, line.length, 0);
    frame.bytes.set(line);
    this.#open[to] = frame;
  }

  watermark(link: Link, time: Time): void {
    for (let to = 0; to < this.#channels.length; to++) this.#message(to, MessageKind.watermark, link.id, 0, time);
  }

  present(link: Link, again: boolean): void {
    for (let to = 0; to < this.#channels.length; to++) this.#message(to, MessageKind.present, link.id, 0, again ? 1 : 0);
  }

  barrier(checkpoint: number): void {
    for (let to = 0; to < this.#channels.length; to++) this.#message(to, MessageKind.barrier, -1, 0, checkpoint);
  }

  end(): void {
    for (let to = 0; to < this.#channels.length; to++) this.#message(to, MessageKind.end, -1, 0, 0);
  }

  /** Hands over everything and wakes the receivers. */
  flush(): void {
    this.handOver();
    this.wake();
  }

  /** Publishes what is open, and moves what waits as far as there is credit. */
  handOver(): void {
    for (let to = 0; to < this.#channels.length; to++) {
      this.#publish(to);
      if (this.#waiting[to]!.length > 0) this.#drain(to);
    }
  }

  /** Wakes the receivers of what was handed over. */
  wake(): void {
    for (const channel of this.#channels) channel.ring();
  }

  #drain(to: number): void {
    const waiting = this.#waiting[to]!;
    const channel = this.#channels[to]!;
    let sent = 0;
    for (const frame of waiting) {
      const free = channel.claim();
      if (free === undefined) break;
      free.copy(frame);
      channel.publish();
      if (this.#spare.length < SPARE_FRAMES) this.#spare.push(frame);
      sent += 1;
    }
    waiting.splice(0, sent);
    this.#blocked -= sent;
  }
}

const FEW_ROWS = 24;

/** Frames kept for the next time that credit runs out; more than one block of slots gives at once. */
const SPARE_FRAMES = 16;
