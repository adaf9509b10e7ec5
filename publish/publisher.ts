import { FrameEncoder, HEADER_BYTES, ROW_BYTES, type Rows } from './frame.js';
import { randomPublisherId } from './publisher-id.js';
import { PublishedSeries, seriesKey, type Labels, type RowSink } from './series.js';

/** The longest time that JavaScript's `Date` knows. */
const MAX_TIME = 8.64e15;

/** What a server keeps of one dictionary at most is more; a frame of new series alone must fit. */
const DICTIONARY_ENTRIES = 1_048_576;

export interface Timers {
  setTimeout(act: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

export interface PublisherOptions {
  /**
   * Sends one frame. What it returns is waited for; when it throws or rejects the same bytes are sent again under the
   * same `id` (for `Nats-Msg-Id`), which no other frame has. It should end by itself: nothing else is sent meanwhile.
   */
  readonly send: (frame: Uint8Array<ArrayBuffer>, id: string) => unknown;
  /** Rows of a frame at most; default 8,192, at most 65,536. */
  readonly maxRows?: number;
  /** Bytes of a frame at most; default 512 KiB, at least 64 KiB. NATS takes 1 MiB unless told otherwise. */
  readonly maxBytes?: number;
  /** A sample waits so long at most before its frame is sent, ms; default 1,000. */
  readonly maxDelay?: number;
  /** Full frames that may wait behind the one being sent, default 8; past that samples are refused. */
  readonly maxWaiting?: number;
  /**
   * Frames that share one dictionary. Default 1: every frame can be read on its own. More spares bytes where every
   * frame reaches one reader, in order; see docs/columnar-frame.md.
   */
  readonly framesPerDictionary?: number;
  /** Series looked up by name and labels that are remembered; default 65,536. */
  readonly maxSeries?: number;
  /** How often a frame is sent again before it is given up, default 5; the first delay, ms, default 200. Each is twice the one before, up to 10 s. */
  readonly retries?: number;
  readonly retryDelay?: number;
  /** Told of each failure to send, and of the frame given up: `lost` is its rows, else 0. */
  readonly onError?: (error: unknown, lost: number) => void;
  /** Eight bytes that tell this publisher from all others; default: random. Never use one twice. */
  readonly id?: Uint8Array;
  readonly timers?: Timers;
}

const LONGEST_DELAY = 10_000;

/** Gathers samples, and sends them as columnar frames: one at a time, in order. */
export class Publisher implements RowSink {
  /** Rows: sent; given up after all retries; refused because too many waited; refused because time or value is no finite number. */
  readonly counts = { sent: 0, lost: 0, full: 0, bad: 0 };
  readonly #options: Required<Omit<PublisherOptions, 'onError' | 'id'>>;
  readonly #onError: (error: unknown, lost: number) => void;
  readonly #encoder: FrameEncoder;
  readonly #series = new Map<string, PublishedSeries>();
  /** Rows gathered, the bytes they need at most, and the number of this batch. */
  #rows: Rows | undefined;
  #bytes = HEADER_BYTES;
  #batch = 0;
  #spare: Rows[] = [];
  #delay: unknown;
  /** Settles with the newest frame; frames not settled. */
  #tail: Promise<void> = Promise.resolve();
  #unsettled = 0;
  /** While someone waits for a flush, the pause before a retry keeps the process. */
  #flushing = 0;
  #pause: unknown;
  #given: { readonly error: unknown; rows: number } | undefined;
  #closed = false;

  /** Throws a `RangeError` for an option out of its range. */
  constructor(options: PublisherOptions) {
    const { onError = () => {}, id = randomPublisherId(), ...rest } = options;
    this.#options = { maxRows: 8_192, maxBytes: 512 * 1024, maxDelay: 1_000, maxWaiting: 8, framesPerDictionary: 1, maxSeries: 65_536, retries: 5, retryDelay: 200, timers: systemTimers, ...rest };
    const bounds = { maxRows: [1, 65_536], maxBytes: [65_536, 2 ** 30], maxDelay: [0, 2 ** 31 - 1], maxWaiting: [1, 1_024], framesPerDictionary: [1, 65_536], maxSeries: [1, 2 ** 24], retries: [0, 1_000], retryDelay: [0, LONGEST_DELAY] } as const;
    for (const [name, [least, most]] of Object.entries(bounds)) {
      const value = this.#options[name as keyof typeof bounds];
      if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
    }
    this.#onError = onError;
    this.#encoder = new FrameEncoder(id, this.#options.framesPerDictionary, DICTIONARY_ENTRIES);
  }

  /** A series to add samples to. Throws a `TypeError` that says why no server would take it. */
  series(name: string, labels: Labels = {}): PublishedSeries {
    const key = seriesKey(name, labels);
    let series = this.#series.get(key);
    if (series !== undefined) return series;
    series = new PublishedSeries(name, labels, this);
    if (this.#series.size >= this.#options.maxSeries) this.#series.delete(this.#series.keys().next().value!);
    this.#series.set(key, series);
    return series;
  }

  /** Adds a sample: `time` in ms since the epoch, a finite value. False when it was not taken (see `counts`). Throws as `series` does. */
  add(name: string, labels: Labels, time: number, value: number): boolean {
    return this.series(name, labels).add(time, value);
  }

  /** For `PublishedSeries`. */
  row(series: PublishedSeries, time: number, value: number, flags: number): boolean {
    if (!(Math.abs(time) <= MAX_TIME) || (flags === 0 && !Number.isFinite(value))) {
      this.counts.bad += 1;
      return false;
    }
    let bytes = this.#bytesOf(series);
    if (this.#rows !== undefined && this.#bytes + bytes > this.#options.maxBytes) {
      this.#cut();
      bytes = this.#bytesOf(series);
    }
    if (this.#closed || (this.#rows === undefined && this.#unsettled > this.#options.maxWaiting)) {
      this.counts.full += 1;
      return false;
    }
    const rows = (this.#rows ??= this.#begin());
    const i = rows.length++;
    rows.time[i] = time;
    rows.value[i] = value;
    rows.flags[i] = flags;
    rows.series[i] = series;
    series.batch = this.#batch;
    this.#bytes += bytes;
    if (rows.length === this.#options.maxRows) this.#cut();
    return true;
  }

  /** Sends what was gathered. Resolves when all that was added before is sent; rejects when rows were given up since the last flush. */
  async flush(): Promise<void> {
    this.#cut();
    this.#flushing += 1;
    keepProcess(this.#pause, true);
    await this.#tail;
    this.#flushing -= 1;
    const given = this.#given;
    this.#given = undefined;
    if (given !== undefined) throw new Error(`${given.rows} samples could not be sent`, { cause: given.error });
  }

  /** Takes no more samples, and flushes. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  /** Bytes that a row of this series needs at most: also its entry, where it is the first of its batch. */
  #bytesOf(series: PublishedSeries): number {
    return ROW_BYTES + (series.batch === this.#batch ? 0 : series.entry.length);
  }

  #begin(): Rows {
    const { maxRows, maxDelay, timers } = this.#options;
    this.#delay = timers.setTimeout(() => this.#cut(), maxDelay);
    keepProcess(this.#delay, false);
    return this.#spare.pop() ?? { length: 0, time: new Float64Array(maxRows), value: new Float64Array(maxRows), flags: new Uint8Array(maxRows), series: [] };
  }

  /** Ends the batch and lines it up to be sent. */
  #cut(): void {
    const rows = this.#rows;
    if (rows === undefined) return;
    this.#options.timers.clearTimeout(this.#delay);
    this.#rows = undefined;
    this.#bytes = HEADER_BYTES;
    this.#batch += 1;
    this.#unsettled += 1;
    this.#tail = this.#tail.then(async () => {
      await this.#deliver(rows);
      this.#unsettled -= 1;
      rows.length = 0;
      if (this.#spare.length === 0) this.#spare.push(rows);
    });
  }

  /** Never rejects. Encoded here and not before: whether it may refer to the dictionary depends on what became of the frame before. */
  async #deliver(rows: Rows): Promise<void> {
    const { send, retries, retryDelay } = this.#options;
    const { bytes, id } = this.#encoder.encode(rows);
    for (let attempt = 0; ; attempt++) {
      try {
        await send(bytes, id);
        this.counts.sent += rows.length;
        return;
      } catch (error) {
        const lost = attempt === retries ? rows.length : 0;
        if (lost > 0) this.#giveUp(error, lost);
        this.#report(error, lost);
        if (lost > 0) return;
      }
      await this.#wait(Math.min(LONGEST_DELAY, retryDelay * 2 ** attempt));
    }
  }

  #giveUp(error: unknown, rows: number): void {
    this.counts.lost += rows;
    this.#given = { error, rows: rows + (this.#given?.rows ?? 0) };
    // The series that it announced may not be known to anyone.
    this.#encoder.renew();
  }

  #report(error: unknown, lost: number): void {
    try {
      this.#onError(error, lost);
    } catch {
      // What fails to tell of a failure must not stop the sending.
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#pause = this.#options.timers.setTimeout(resolve, ms);
      keepProcess(this.#pause, this.#flushing > 0);
    });
  }
}

const systemTimers: Timers = {
  setTimeout: (act, ms) => setTimeout(act, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** Whether a timer keeps a process of Node alive; in a browser it is a number. */
function keepProcess(timer: unknown, keep: boolean): void {
  const { ref, unref } = (timer ?? {}) as { ref?: () => void; unref?: () => void };
  (keep ? ref : unref)?.call(timer);
}
