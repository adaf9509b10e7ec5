import type { Batch } from './batch.js';
import type { Clock, Time } from './clock.js';
import type { Intake as SampleIntake, Position, Reading, Source } from './connector.js';
import type { Directory } from './directory.js';
import type { Finding } from './finding.js';
import type { Decision } from './journal.js';
import { jsonNumber } from './json-number.js';
import { Deferred } from './deferred.js';
import { BATCH_ROWS, MAX_FUTURE_MS } from './limits.js';
import type { Link, Plan, PlannedSource } from './plan.js';
import { NO_SLOT } from './series.js';
import { SourceWatermark, type SavedWatermark } from './watermark.js';

/** Where a source stands, as saved: its position, what was read and not yet sent, and its watermark. */
export interface SavedSource {
  readonly position: Position;
  readonly staged: readonly (readonly [time: number, series: string, value: number | string, flags: number])[];
  readonly watermark: SavedWatermark;
  readonly findings: readonly Finding[];
  readonly ended: boolean;
  /** Rows that it has given since the graph was created. */
  readonly rows: number;
}

type IdleDecision = Extract<Decision, { type: 'idle' }>;

/** What the intake tells of samples that it does not let in. */
export interface Refusals {
  refuse(source: string, series: string, time: Time, reason: string): void;
}

/** Rows asked of a source at once. */
const READ_ROWS = BATCH_ROWS;

/** A source with what it has read and not yet sent. */
export class Staging implements SampleIntake {
  readonly watermark: SourceWatermark;
  readonly links: readonly Link[];
  time = new Float64Array(READ_ROWS);
  value = new Float64Array(READ_ROWS);
  slot = new Uint32Array(READ_ROWS);
  flags = new Uint8Array(READ_ROWS);
  length = 0;
  /** Rows before it belong to readings that have returned: `position` is after them. */
  ready = 0;
  /** Rows before it are sent. */
  sent = 0;
  readonly findings: Finding[] = [];
  /** So many of them belong to readings that have returned. */
  readyFindings = 0;
  position: Position | undefined;
  ended = false;
  idle = false;
  /** When it last gave something, by `elapsed`: steps of the wall clock say nothing about silence. */
  heard: number;
  rows = 0;
  /** Up to here times were not too far in the future when it was looked at last; the clock goes forward, so they are not now. */
  #latest = -Infinity;
  /** Those that must have ended before it is read. */
  before: readonly Staging[] = [];
  /** It is done. */
  readonly over = new Deferred<void>();
  /** Idle advances of a run before a crash, by the rows before them: they come again at the same place. */
  readonly decided: IdleDecision[] = [];

  constructor(
    readonly index: number,
    readonly planned: PlannedSource,
    readonly source: Source,
    plan: Plan,
    readonly directory: Directory,
    readonly live: boolean,
    readonly clock: Clock,
    readonly refusals: Refusals,
  ) {
    this.watermark = new SourceWatermark(planned.disorder);
    this.links = plan.links.filter((link) => link.from.kind === 'source' && link.from.index === index);
    this.heard = clock.elapsed();
    if (planned.quiet) this.watermark.advance(Infinity);
  }

  get name(): string {
    return this.planned.spec.name;
  }

  add(time: Time, series: string, value: number, flags = 0): boolean {
    if (!Number.isFinite(time)) return this.#refuse(series, time, 'time is not a number');
    if (this.live && time > this.#latest && time > (this.#latest = this.clock.now() + MAX_FUTURE_MS)) return this.#refuse(series, time, `more than ${MAX_FUTURE_MS / 1000} s in the future`);
    const slot = this.directory.slot(this.index, series, time);
    if (slot === NO_SLOT) return this.#refuse(series, time, 'too many series');
    if (this.length === this.time.length) this.#grow();
    const i = this.length++;
    this.time[i] = time;
    this.value[i] = value;
    this.slot[i] = slot;
    this.flags[i] = flags;
    return true;
  }

  #refuse(series: string, time: Time, reason: string): false {
    this.refusals.refuse(this.name, series, time, reason);
    return false;
  }

  #grow(): void {
    const grow = <A extends Float64Array | Uint32Array | Uint8Array>(column: A): A => {
      const grown = new (column.constructor as new (n: number) => A)(column.length * 2);
      grown.set(column as never);
      return grown;
    };
    this.time = grow(this.time);
    this.value = grow(this.value);
    this.slot = grow(this.slot);
    this.flags = grow(this.flags);
  }

  finding(finding: Finding): void {
    this.findings.push(finding);
  }

  get staged(): boolean {
    return this.sent < this.ready;
  }

  /** Nothing came, or what came is sent: the next reading may begin. */
  get empty(): boolean {
    return !this.staged && this.findings.length === 0;
  }

  /** It has ended, and everyone has been told. */
  get done(): boolean {
    return this.ended && this.empty && this.watermark.time === Infinity;
  }

  /** It is not read yet. */
  get waits(): boolean {
    return this.before.some((other) => !other.done);
  }

  /** Nothing that comes of it is of the past. */
  get present(): boolean {
    return !this.waits && (!this.planned.teaches || this.done);
  }

  /** Reads once; what came is staged. An error names the source. */
  async read(signal: AbortSignal): Promise<void> {
    this.#clear();
    let reading: Reading;
    try {
      reading = await this.source.read(this, READ_ROWS, signal);
    } catch (error) {
      throw Object.assign(error as Error, { node: this.name });
    }
    this.ready = this.length;
    this.readyFindings = this.findings.length;
    this.position = reading.position;
    if (reading.ended === true) this.ended = true;
  }

  #clear(): void {
    this.readyFindings = 0;
    this.length = 0;
    this.ready = 0;
    this.sent = 0;
  }

  save(text: (slot: number) => string): SavedSource {
    const staged: [number, string, number | string, number][] = [];
    for (let i = this.sent; i < this.ready; i++) staged.push([this.time[i]!, text(this.slot[i]!), jsonNumber(this.value[i]!), this.flags[i]!]);
    return { position: this.position ?? null, staged, findings: this.findings.slice(0, this.readyFindings), watermark: this.watermark.save(), ended: this.ended, rows: this.rows };
  }

  restore(saved: SavedSource): void {
    this.position = saved.position;
    this.ended = saved.ended;
    this.rows = saved.rows;
    this.watermark.restore(saved.watermark);
    for (const [time, series, value, flags] of saved.staged) this.add(time, series, Number(value), flags);
    this.ready = this.length;
    this.findings.push(...saved.findings);
    this.readyFindings = this.findings.length;
    if (this.planned.quiet || (this.ended && this.empty)) this.watermark.advance(Infinity);
    if (this.done) this.over.resolve();
  }

  batch(from: number, to: number): Batch {
    return {
      length: to - from,
      time: this.time.subarray(from, to),
      slot: this.slot.subarray(from, to),
      value: this.value.subarray(from, to),
      flags: this.flags.subarray(from, to),
      columns: {},
    };
  }

  /** What its watermark would be before its next row. */
  get next(): Time {
    return this.staged ? this.watermark.before(this.time[this.sent]!) : this.ended ? Infinity : this.watermark.time;
  }
}
