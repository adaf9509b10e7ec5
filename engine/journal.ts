import { EndUnknown } from './append-file.js';
import type { Time } from './clock.js';
import { DiskLog } from './disk-log.js';
import { systemFiles, type Files } from './files.js';

/**
 * A decision that the stream itself does not determine: of the clock, or of how long a training task took.
 * It is on disk before its effects leave, and a run after a crash decides the same again.
 */
export type Decision =
  /** After `rows` rows in all, an idle source's watermark moved on to `watermark`. */
  | { readonly type: 'idle'; readonly source: string; readonly rows: number; readonly watermark: Time }
  /** The answer to a training task asked for the watermark `asked` takes effect at `due`. Slots may be others in the next run, so the series is named. */
  | { readonly type: 'answer'; readonly node: string; readonly series: string; readonly member: string; readonly task: string; readonly asked: Time; readonly due: Time }
  /** A finding of a source that gives no rows holds from `time` on. */
  | { readonly type: 'dated'; readonly source: string; readonly id: string; readonly revision: number; readonly time: Time }
  /** No watermark beyond this was told: what had no answer up to here has gone on without. */
  | { readonly type: 'horizon'; readonly watermark: Time }
  /** The end of a source was told. */
  | { readonly type: 'end'; readonly source: string };

/** A minute of decisions is some kilobytes; the journal is cut with every checkpoint. */
const JOURNAL_BYTES = 64 * 1024 * 1024;
/** Laid by for a full disk: an idle source's decisions of most of an hour, and of a day where only training decides. */
const RESERVE_BYTES = 256 * 1024;

export class Journal {
  /** Those of runs before a crash, that this one decides again. */
  readonly decisions: readonly Decision[];
  /** The furthest watermark that they may have told. */
  readonly horizon: Time;
  /** Sources whose end they may have told. */
  readonly ended: ReadonlySet<string>;
  readonly #log: DiskLog;
  readonly #refused: (error: Error) => void;
  /** The newest decision's number. */
  #newest: number;
  /** Numbers of the decisions that are still to be repeated, or that say how far runs before a crash may have come where this one has not. */
  readonly #pending: Map<Decision, number>;

  private constructor(log: DiskLog, decisions: ReadonlyMap<Decision, number>, newest: number, refused: (error: Error) => void) {
    this.#log = log;
    this.#refused = refused;
    this.#newest = newest;
    this.decisions = [...decisions.keys()];
    this.horizon = this.decisions.reduce((furthest, decision) => (decision.type === 'horizon' ? Math.max(furthest, decision.watermark) : furthest), -Infinity);
    this.ended = new Set(this.decisions.flatMap((decision) => (decision.type === 'end' ? [decision.source] : [])));
    this.#pending = new Map(decisions);
  }

  /**
   * Opens the journal in a folder; `after`: decisions up to it belong to the checkpoint that is restored. `replays`: the sources that
   * give their rows again: of others no decision can be repeated. `refused` hears why a decision could not be written.
   */
  static async open(folder: string, after: number, replays: (source: string) => boolean, told: { warn(message: string): void; refused(error: Error): void }, files: Files = systemFiles): Promise<Journal> {
    const log = await DiskLog.open(folder, { limit: JOURNAL_BYTES, after, reserve: RESERVE_BYTES, warn: (message) => told.warn(message), files });
    const decisions = new Map<Decision, number>();
    let newest = after;
    for (;;) {
      const { records, upTo } = await log.read(newest, JOURNAL_BYTES);
      for (const { sequence, bytes } of records) {
        const decision = JSON.parse(Buffer.from(bytes).toString()) as Decision;
        if ((decision.type !== 'idle' && decision.type !== 'dated') || replays(decision.source)) decisions.set(decision, sequence);
      }
      if (upTo <= newest) break;
      newest = upTo;
    }
    return new Journal(log, decisions, newest, (error) => told.refused(error));
  }

  /**
   * Resolves when the decision is on disk; with false where the disk does not take it: then it must not be taken. Rejects where it may
   * be there all the same, so that it can be neither taken nor not: the run must end, and the next one finds what it is.
   */
  async record(decision: Decision): Promise<boolean> {
    try {
      this.#newest = Math.max(this.#newest, await this.#log.append(Buffer.from(JSON.stringify(decision))));
      if (decision.type === 'end') for (const before of this.#pending.keys()) if (before.type === 'end' && before.source === decision.source) this.#pending.delete(before);
      return true;
    } catch (error) {
      if (error instanceof EndUnknown) throw error;
      this.#refused(error as Error);
      return false;
    }
  }

  /** One of `decisions` has been decided again. */
  repeated(decision: Decision): void {
    this.#pending.delete(decision);
  }

  /**
   * What a checkpoint saves as its place: before everything that is still to be repeated, and before how far a run before a crash may have
   * come: the next one must know that, too. Answers due before `passed` will not be asked for any more.
   */
  place(passed: Time): number {
    let place = this.#newest;
    for (const [decision, sequence] of this.#pending) {
      const isPast = (decision.type === 'answer' && decision.due < passed) || (decision.type === 'horizon' && decision.watermark <= passed);
      if (isPast) this.#pending.delete(decision);
      else place = Math.min(place, sequence - 1);
    }
    return place;
  }

  /** No checkpoint kept is older than this place. */
  drop(upTo: number): Promise<void> {
    return this.#log.drop(upTo);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
