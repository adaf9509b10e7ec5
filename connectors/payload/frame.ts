import { STALE } from '../../engine/batch.js';
import type { Intake } from '../../engine/connector.js';
import { Dictionaries } from './dictionaries.js';
import { FrameError } from './frame-error.js';
import { SeriesEntries } from './series-entries.js';

/** The first byte of a frame. It is part of no UTF-8 text, so no other payload begins with it. */
export const FRAME_MAGIC = 0xf5;
export const FRAME_TYPE = 'application/vnd.millrace.frame';

const VERSION = 1;
const HEADER = 56;
/** Entries of one dictionary at most. */
const MAX_ENTRIES = 1_048_576;
const MAX_TIME = 8.64e15;
const MEMORY = 128 * 1024 * 1024;
const NOTHING: readonly (string | undefined)[] = [];

/** Whether a payload is to be read as a frame. */
export function isFrame(bytes: Uint8Array): boolean {
  return bytes[0] === FRAME_MAGIC;
}

interface Header {
  readonly publisher: string;
  readonly number: number;
  /** Number of the frame that begins its dictionary. */
  readonly dictionary: number;
  /** Entries announced before, and here. */
  readonly first: number;
  readonly entries: number;
  readonly rows: number;
  /** Bytes of a time, a series' index, a flag. */
  readonly timeWidth: number;
  readonly seriesWidth: number;
  readonly flagsWidth: number;
  /** Later frames may refer to the entries announced here. */
  readonly kept: boolean;
  readonly base: number;
}

/** A frame whose every byte was checked. It borrows the bytes. */
export class Frame {
  /** As publishers give it to `Nats-Msg-Id`; no other frame has it. */
  readonly id: string;
  readonly rows: number;
  /** It can be read without any other. */
  readonly alone: boolean;
  /** Rows of series that were announced in frames not seen. */
  readonly missing: number;
  /** Times of its rows, ms; Infinity and -Infinity where it has none. */
  readonly from: number;
  readonly to: number;
  readonly #header: Header;
  readonly #view: DataView;
  readonly #columns: number;
  readonly #own: readonly string[];
  readonly #known: readonly (string | undefined)[];

  /** Throws a `FrameError` for a row that can't be one. `columns`: where the times begin. */
  constructor(header: Header, view: DataView, columns: number, own: readonly string[], known: readonly (string | undefined)[]) {
    this.#header = header;
    this.#view = view;
    this.#columns = columns;
    this.#own = own;
    this.#known = known;
    this.id = `${header.publisher}-${header.number}`;
    this.rows = header.rows;
    this.alone = header.number === header.dictionary;
    const { rows, timeWidth, seriesWidth, flagsWidth, first, entries } = header;
    const indexes = columns + rows * timeWidth;
    const values = indexes + rows * seriesWidth;
    const flags = values + rows * 8;
    let [missing, from, to] = [0, Infinity, -Infinity];
    for (let i = 0; i < rows; i++) {
      const time = timeAt(view, columns, timeWidth, header.base, i);
      if (!(Math.abs(time) <= MAX_TIME)) throw new FrameError(`row ${i}: ${time} is not a time`, timeWidth === 8 ? columns + 8 * i : 48);
      if (time < from) from = time;
      if (time > to) to = time;
      const index = unsignedAt(view, indexes, seriesWidth, i);
      if (index >= first + entries) throw new FrameError(`row ${i}: series ${index}, but the dictionary has ${first + entries}`, indexes + seriesWidth * i);
      if (index < first && known[index] === undefined) missing += 1;
      const flag = flagsWidth === 0 ? 0 : view.getUint8(flags + i);
      if (flag > STALE) throw new FrameError(`row ${i}: flags ${flag} are not known`, flags + i);
      if (flag === 0 && !Number.isFinite(view.getFloat64(values + 8 * i, true))) throw new FrameError(`row ${i}: the value must be a finite number, not ${view.getFloat64(values + 8 * i, true)}`, values + 8 * i);
    }
    this.missing = missing;
    this.from = from;
    this.to = to;
  }

  /** Adds its rows, but for those that are `missing`, and returns how many were taken. */
  addTo(into: Pick<Intake, 'add'>): number {
    const { rows, timeWidth, seriesWidth, flagsWidth, first, base } = this.#header;
    const view = this.#view;
    const known = this.#known;
    const own = this.#own;
    const indexes = this.#columns + rows * timeWidth;
    const values = indexes + rows * seriesWidth;
    const flags = values + rows * 8;
    let taken = 0;
    for (let i = 0; i < rows; i++) {
      const index = unsignedAt(view, indexes, seriesWidth, i);
      const series = index < first ? known[index] : own[index - first];
      if (series === undefined) continue;
      const stale = flagsWidth !== 0 && view.getUint8(flags + i) === STALE;
      const time = timeAt(view, this.#columns, timeWidth, base, i);
      if (stale ? into.add(time, series, Number.NaN, STALE) : into.add(time, series, view.getFloat64(values + 8 * i, true), 0)) taken += 1;
    }
    return taken;
  }
}

/** Reads frames of any number of publishers; keeps the dictionaries that later frames refer to. */
export class FrameDecoder {
  readonly #entries: SeriesEntries;
  readonly #dictionaries: Dictionaries;

  /** Bytes of memory, about: for series seen, and for dictionaries; 0 where only frames on their own are read. */
  constructor({ series = MEMORY, dictionaries = MEMORY }: { series?: number; dictionaries?: number } = {}) {
    this.#entries = new SeriesEntries(series);
    this.#dictionaries = new Dictionaries(dictionaries);
  }

  /**
   * Checks a frame whole, and only then learns the series it announces. Opening one again, or in
   * another order, does no harm. `mark`: where it came from, a number that grows. Throws a `FrameError`.
   */
  open(bytes: Uint8Array, mark = 0): Frame {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = readHeader(bytes, view);
    const own: string[] = [];
    let at = HEADER;
    for (let i = 0; i < header.entries; i++) {
      const from = at + 2;
      if (from > bytes.length) throw new FrameError(`the frame ends before entry ${i} of ${header.entries}`, at);
      const to = from + view.getUint16(at, true);
      if (to > bytes.length) throw new FrameError(`entry ${i} is ${to - from} bytes long, but the frame ends after ${bytes.length - from}`, at);
      own.push(this.#entries.text(bytes, view, from, to));
      at = to;
    }
    const columns = header.rows * (header.timeWidth + header.seriesWidth + 8 + header.flagsWidth);
    if (at + columns !== bytes.length) throw new FrameError(`${header.rows} rows take ${columns} bytes, but ${bytes.length - at} are there`, at);
    const known = header.first === 0 ? NOTHING : (this.#dictionaries.find(header.publisher, header.dictionary) ?? NOTHING);
    const frame = new Frame(header, view, at, own, known);
    if (header.kept) this.#dictionaries.learn(header.publisher, header.dictionary, header.first, own, mark);
    return frame;
  }

  /** The mark from which on frames must be opened again (their rows not added) by a decoder that knows nothing, to know what this one knows; undefined: nothing is referred to. */
  get oldest(): number | undefined {
    return this.#dictionaries.oldest;
  }

  /** Forgets publishers that were not heard since this mark: what they announced holds `oldest` back. */
  forget(before: number): void {
    this.#dictionaries.forget(before);
  }
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < HEADER) throw new FrameError(`a frame has at least ${HEADER} bytes, not ${bytes.length}`, bytes.length);
  if (bytes[0] !== FRAME_MAGIC || bytes[1] !== 0x4d || bytes[2] !== 0x52) throw new FrameError('a frame begins with F5 4D 52', 0);
  if (bytes[3] !== VERSION) throw new FrameError(`version ${bytes[3]} of the frame is not known, only ${VERSION}`, 3);
  const length = view.getUint32(4, true);
  if (length !== bytes.length) throw new FrameError(`the frame says it has ${length} bytes, but ${bytes.length} are there`, 4);
  const header: Header = {
    publisher: hex(view.getUint32(8)) + hex(view.getUint32(12)),
    number: uint64(view, 16),
    dictionary: uint64(view, 24),
    first: view.getUint32(32, true),
    entries: view.getUint32(36, true),
    rows: view.getUint32(40, true),
    timeWidth: bytes[44]!,
    seriesWidth: bytes[45]!,
    flagsWidth: bytes[46]!,
    kept: bytes[47] === 1,
    base: view.getFloat64(48, true),
  };
  if (header.dictionary > header.number) throw new FrameError(`the dictionary begins with frame ${header.dictionary}, after this one, ${header.number}`, 24);
  if (header.dictionary === header.number && header.first !== 0) throw new FrameError(`the frame begins its dictionary, but ${header.first} entries come before`, 32);
  if (header.first + header.entries > MAX_ENTRIES) throw new FrameError(`the dictionary has ${header.first + header.entries} entries, at most ${MAX_ENTRIES} are taken`, 32);
  if (![0, 2, 4, 8].includes(header.timeWidth)) throw new FrameError(`a time has 0, 2, 4 or 8 bytes, not ${header.timeWidth}`, 44);
  if (![1, 2, 4].includes(header.seriesWidth)) throw new FrameError(`the index of a series has 1, 2 or 4 bytes, not ${header.seriesWidth}`, 45);
  if (header.flagsWidth > 1) throw new FrameError(`flags have 0 or 1 bytes, not ${header.flagsWidth}`, 46);
  if (bytes[47]! > 1) throw new FrameError(`whether the dictionary goes on is 0 or 1, not ${bytes[47]}`, 47);
  return header;
}

function timeAt(view: DataView, at: number, width: number, base: number, i: number): number {
  if (width === 0) return base;
  return width === 8 ? view.getFloat64(at + 8 * i, true) : base + unsignedAt(view, at, width, i);
}

function unsignedAt(view: DataView, at: number, width: number, i: number): number {
  if (width === 1) return view.getUint8(at + i);
  return width === 2 ? view.getUint16(at + 2 * i, true) : view.getUint32(at + 4 * i, true);
}

/** Throws a `FrameError` from 2^53 on. */
function uint64(view: DataView, at: number): number {
  const value = view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x100000000;
  if (!Number.isSafeInteger(value)) throw new FrameError('a frame number is below 2^53', at);
  return value;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
