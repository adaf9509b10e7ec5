import { join } from 'node:path';
import type { Time } from '../../engine/clock.js';
import type { ConnectorContext, Intake } from '../../engine/connector.js';
import { DiskLog, LogFull } from '../../engine/disk-log.js';
import type { FeedbackBook, Said } from '../../engine/feedback.js';
import { findingId, type Anomaly, type Feedback } from '../../engine/finding.js';
import { HttpError } from '../../engine/routes.js';

/** What was said last and can be undone and looked at here; what is older is in the stores. Some ten megabytes. */
export const KEPT = 10_000;
/** Its bound is never reached, as what is more than KEPT is dropped at the next checkpoint. */
const LOG_BYTES = 256 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

interface Entry {
  readonly sequence: number;
  readonly feedback: Feedback;
}

/** What people said, each a record of a log on disk, which is not emptied by checkpoints: who said what is known after years. */
export class Book implements FeedbackBook {
  readonly #context: ConnectorContext;
  readonly #most: number;
  readonly #bytes: number;
  #log: DiskLog | undefined;
  /** By sequence; the same by anomaly. */
  readonly #entries: Entry[] = [];
  readonly #about = new Map<string, Feedback[]>();
  /** The highest revision by anomaly, also of what is being written. */
  readonly #newest = new Map<string, Feedback>();
  /** Sequence of the last that was handed on. */
  #position = 0;

  constructor(context: ConnectorContext, { most = KEPT, bytes = LOG_BYTES }: { most?: number; bytes?: number } = {}) {
    this.#context = context;
    this.#most = most;
    this.#bytes = bytes;
  }

  get node(): string {
    return this.#context.node;
  }
  get position(): number {
    return this.#position;
  }
  get isOpen(): boolean {
    return this.#log !== undefined;
  }

  /** `position`: of what was handed on last. */
  async open(position: number): Promise<void> {
    const { folder, log, node } = this.#context;
    const opened = await DiskLog.open(join(folder, 'log'), { limit: this.#bytes, after: position, warn: (message) => log.warn({ node }, message) });
    this.#position = position;
    for (let at = 0; ; ) {
      const { records, upTo } = await opened.read(at, READ_BYTES);
      for (const { sequence, bytes } of records) this.#enter(sequence, JSON.parse(Buffer.from(bytes).toString()) as Feedback);
      if (records.length === 0) break;
      at = upTo;
    }
    this.#log = opened;
  }

  about(anomaly: string): readonly Feedback[] {
    return this.#about.get(anomaly) ?? [];
  }

  async say(anomaly: Anomaly, { verdict, note, by }: Said, from: Time): Promise<Feedback> {
    const before = this.#newest.get(anomaly.id);
    if (before !== undefined && before.state !== 'closed' && before.verdict === verdict && before.note === note) {
      throw new HttpError(409, 'Said already', `${before.by} said so of anomaly ${anomaly.id} at ${new Date(before.at).toISOString()}.`);
    }
    const { id, operator: toldBy, series, metric, labels, openedAt, value, expected, lower, upper, score, excess } = anomaly;
    return this.#keep({
      kind: 'feedback',
      id: findingId(toldBy, 'feedback', series, openedAt),
      revision: (before?.revision ?? 0) + 1,
      state: before === undefined || before.state === 'closed' ? 'opened' : 'grew',
      operator: this.node,
      ...{ series, metric, labels, openedAt },
      time: Math.max(from, before?.time ?? from),
      severity: 'info',
      explanation: `${by} says that ${sentenceOf(verdict)}: ${anomaly.explanation}`,
      anomaly: id,
      ...{ toldBy, verdict, note, by },
      at: this.#context.clock.now(),
      ...{ value, expected, lower, upper, score },
      ...(excess !== undefined && { excess }),
    });
  }

  async undo(anomaly: string, { note, by }: Omit<Said, 'verdict'>, from: Time): Promise<Feedback> {
    const before = this.#newest.get(anomaly);
    if (before === undefined || before.state === 'closed') throw new HttpError(409, 'Nothing to undo', `No feedback stands for anomaly ${anomaly}.`);
    const explanation = `${by} takes back that ${sentenceOf(before.verdict)}, which ${before.by} had said of ${before.series}`;
    return this.#keep({ ...before, revision: before.revision + 1, state: 'closed', time: Math.max(from, before.time), explanation, note, by, at: this.#context.clock.now() });
  }

  async #keep(feedback: Feedback): Promise<Feedback> {
    const log = this.#log;
    if (log === undefined) throw new HttpError(503, 'Not ready', 'The graph is starting or stopping: try again.', { headers: { 'retry-after': '1' } });
    const before = this.#newest.get(feedback.anomaly);
    this.#newest.set(feedback.anomaly, feedback);
    try {
      this.#enter(await log.append(Buffer.from(JSON.stringify(feedback))), feedback);
    } catch (error) {
      if (this.#newest.get(feedback.anomaly) === feedback) {
        if (before === undefined) this.#newest.delete(feedback.anomaly);
        else this.#newest.set(feedback.anomaly, before);
      }
      if (error instanceof LogFull) throw new HttpError(429, 'Too much feedback', 'The log of feedback is full until the next checkpoint: try again later.', { headers: { 'retry-after': '10' } });
      this.#context.log.error({ err: error, node: this.node }, 'feedback cannot be logged');
      throw new HttpError(503, 'Not accepted', 'The feedback could not be written to disk: try again later.', { headers: { 'retry-after': '10' } });
    }
    this.#context.count('accepted');
    return feedback;
  }

  /** Appends resolve in the order of their sequence. */
  #enter(sequence: number, feedback: Feedback): void {
    this.#entries.push({ sequence, feedback });
    const about = this.#about.get(feedback.anomaly);
    if (about === undefined) this.#about.set(feedback.anomaly, [feedback]);
    else about.push(feedback);
    const before = this.#newest.get(feedback.anomaly);
    if (before === undefined || before.revision < feedback.revision) this.#newest.set(feedback.anomaly, feedback);
  }

  /** Hands on what has not been; waits for the first until `signal` aborts. */
  async read(into: Pick<Intake, 'finding'>, signal: AbortSignal): Promise<void> {
    const log = this.#log!;
    for (;;) {
      const next = this.#entries.filter(({ sequence }) => sequence > this.#position);
      for (const { sequence, feedback } of next) {
        into.finding(feedback);
        this.#position = sequence;
      }
      if (next.length > 0 || signal.aborted) return;
      await log.wait(this.#entries.at(-1)?.sequence ?? this.#position, signal);
    }
  }

  /** No checkpoint kept needs what is before `position`: the oldest beyond the bound are forgotten. */
  async forget(position: number): Promise<void> {
    const gone = this.#entries.slice(0, Math.max(0, this.#entries.length - this.#most)).filter(({ sequence }) => sequence <= position);
    const last = gone.at(-1);
    if (last === undefined) return;
    this.#entries.splice(0, gone.length);
    for (const { feedback } of gone) {
      const about = this.#about.get(feedback.anomaly)!;
      about.shift();
      if (about.length > 0) continue;
      this.#about.delete(feedback.anomaly);
      if (this.#newest.get(feedback.anomaly) === feedback) this.#newest.delete(feedback.anomaly);
    }
    await this.#log?.drop(last.sequence);
  }

  async close(): Promise<void> {
    const log = this.#log;
    this.#log = undefined;
    await log?.close();
  }
}

function sentenceOf(verdict: Feedback['verdict']): string {
  return verdict === 'false_positive' ? 'this is a false alarm' : 'this is right';
}
