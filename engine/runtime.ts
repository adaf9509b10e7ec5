import { join } from 'node:path';
import type { Logger } from 'pino';
import { CheckpointStore } from './checkpoint-store.js';
import type { CheckpointDone } from './checkpoint.js';
import type { Clock, Time } from './clock.js';
import type { ConnectorContext, DeadLetter, History, ResubmitAttempt } from './connector.js';
import type { DeadLetters } from './dead-letters.js';
import { Deferred } from './deferred.js';
import type { FeedbackBook } from './feedback.js';
import type { GraphSpec, Registry } from './graph.js';
import { RESTART_FIRST_MS, RESTART_LONGEST_MS, RESTARTS_IN_A_ROW } from './limits.js';
import { makePlan, type Plan } from './plan.js';
import { systemPlatform, type Platform } from './platform.js';
import type { Threads } from './shard-threads.js';
import type { Random } from './random.js';
import { HttpError, type Routes } from './routes.js';
import { Run } from './run.js';
import { describeMetrics, describeStatus } from './runtime-status.js';
import type { FailureStatus, MetricFamily, RuntimeStatus } from './status.js';
import { NodeError } from './node-error.js';

export interface RuntimeOptions {
  readonly graph: GraphSpec;
  readonly registry: Registry;
  /** Addresses (URLs) of the modules from which shards import `operators`, and `sources` that are read on shards. */
  readonly modules: { readonly operators: string; readonly sources: string };
  readonly shards: number;
  /** Frames of each channel between two threads, a power of two, and rows of a frame; default: the engine's limits. Of few, backpressure is felt at once. */
  readonly channelFrames?: number;
  readonly frameRows?: number;
  /** Threads for the shards, at least as many; they stay open. Default: its own. */
  readonly threads?: Threads;
  /** As fast as it goes, by event time alone. */
  readonly replay: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: this process, its disk and its threads. */
  readonly platform?: Platform;
  readonly log: Logger;
  readonly routes?: Routes;
  /** Folder of the config file. */
  readonly base: string;
  /** Folder for what is kept; each connector has one of its own in it. */
  readonly folder: string;
  /** Without it nothing survives a restart. */
  readonly checkpoint?: { readonly intervalMs: number; readonly folder: string };
  /** First and longest delay before a crashed graph starts again, and how often in a row; default: the engine's limits. */
  readonly restart?: { readonly firstMs: number; readonly longestMs: number; readonly inARow: number };
  readonly deadLetters?: DeadLetters;
}

/** How often a warning about the same thing is repeated, at most. */
const WARN_EVERY_MS = 60_000;
const FAILURES_KEPT = 20;

/**
 * Runs a graph: starts it from its newest checkpoint, takes checkpoints, and when it crashes starts it again
 * from the last one, later and later, up to a bound. The process lives on and says so.
 */
export class Runtime {
  readonly plan: Plan;
  /** Resolves when every source has ended, or it was drained; rejects when it stays down. */
  readonly finished: Promise<'ended' | 'stopped'>;
  readonly #options: RuntimeOptions;
  readonly #store: CheckpointStore | undefined;
  readonly #platform: Platform;
  readonly #threads: Threads;
  readonly #startedAt: number;
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #warned = new Map<string, number>();
  readonly #failures: FailureStatus[] = [];
  #run: Run | undefined;
  #state: RuntimeStatus['state'] = 'starting';
  #restarts = 0;
  #checkpoint: CheckpointDone | undefined;
  #checkpointFailure: RuntimeStatus['checkpointFailure'];
  #draining: Promise<void> | undefined;
  #wakeUp: () => void = () => {};

  private constructor(options: RuntimeOptions, platform: Platform, store: CheckpointStore | undefined) {
    this.#options = options;
    this.#platform = platform;
    this.#store = store;
    this.#startedAt = options.clock.now();
    this.plan = makePlan(options.graph, options.registry, options.shards, options.channelFrames, options.frameRows);
    this.#threads = options.threads ?? platform.shards(options.shards);
    this.finished = this.#live();
    // Whoever does not look at it hears of it by the log.
    this.finished.catch(() => {});
  }

  /** Resolves when sources are read and sinks are open; rejects when the first start fails. */
  static async start(options: RuntimeOptions): Promise<Runtime> {
    const platform = options.platform ?? systemPlatform;
    await platform.files.mkdir(options.folder, { recursive: true });
    const store = options.checkpoint === undefined ? undefined : await CheckpointStore.open(options.checkpoint.folder, (message) => options.log.warn(message), platform);
    const runtime = new Runtime(options, platform, store);
    try {
      await runtime.#first.promise;
    } catch (error) {
      await runtime.finished.catch(() => {});
      throw error;
    }
    return runtime;
  }

  readonly #first = new Deferred<void>();

  async #live(): Promise<'ended' | 'stopped'> {
    try {
      return await this.#keepRunning();
    } finally {
      await this.#store?.close();
      if (this.#options.threads === undefined) await this.#threads.close();
    }
  }

  async #keepRunning(): Promise<'ended' | 'stopped'> {
    const { firstMs, longestMs, inARow: most } = this.#options.restart ?? { firstMs: RESTART_FIRST_MS, longestMs: RESTART_LONGEST_MS, inARow: RESTARTS_IN_A_ROW };
    let delay = firstMs;
    let inARow = 0;
    for (;;) {
      const began = this.#options.clock.elapsed();
      const run = new Run(this.plan, this.#options, this.#store, {
        context: (node) => this.#context(node),
        refuse: (source, series, time, reason) => this.#refuse(source, series, time, reason),
        checkpoint: (done) => this.#saved(done),
        unsaved: (error) => this.#unsaved(error),
        platform: this.#platform,
        threads: this.#threads,
      });
      this.#run = run;
      try {
        await run.start();
        this.#state = 'running';
        this.#first.resolve();
        const how = await run.finished;
        this.#state = 'stopped';
        return how;
      } catch (error) {
        if (this.#state === 'starting') {
          this.#state = 'failed';
          this.#first.reject(error as Error);
          throw error;
        }
        // A run that lasted is a new beginning.
        if (this.#options.clock.elapsed() - began > longestMs) [delay, inARow] = [firstMs, 0];
        inARow += 1;
        this.#fail(error as Error);
        if (this.#options.replay || inARow > most) {
          this.#state = 'failed';
          this.#options.log.fatal({ err: error }, 'the graph stays down');
          throw error;
        }
        this.#state = 'restarting';
        this.#restarts += 1;
        this.#options.log.error({ err: error, restart: inARow, inMs: delay }, 'the graph crashed and starts again from its last checkpoint');
        await new Promise<void>((resolve) => {
          const cancel = this.#platform.timers.after(delay, resolve);
          this.#wakeUp = () => {
            cancel();
            resolve();
          };
        });
        if (this.#draining !== undefined) {
          this.#state = 'stopped';
          return 'stopped';
        }
        delay = Math.min(delay * 2, longestMs);
      }
    }
  }

  /** Stops reading, lets everything through, takes a last checkpoint, closes. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  async #drain(): Promise<void> {
    this.#state = 'draining';
    this.#wakeUp();
    await this.#run?.drain().catch((error: Error) => {
      this.#fail(error);
      this.#options.log.error({ err: error }, 'the last checkpoint failed: the one before it stands');
    });
    await this.finished.catch(() => {});
  }

  #saved(done: CheckpointDone): void {
    this.#checkpoint = done;
    if (this.#checkpointFailure !== undefined) this.#options.log.info({ checkpoint: done.number }, 'checkpoints are taken again');
    this.#checkpointFailure = undefined;
  }

  /** Told once, until a checkpoint is taken again: the graph goes on, and each interval tries anew. */
  #unsaved(error: Error): void {
    if (this.#checkpointFailure === undefined) this.#options.log.error({ err: error }, 'no checkpoint can be taken: the last one stands, and the graph goes on');
    this.#checkpointFailure = { since: this.#checkpointFailure?.since ?? this.#options.clock.now(), message: error.message };
  }

  #fail(error: Error): void {
    this.#failures.unshift({ at: this.#options.clock.now(), ...(error instanceof NodeError || 'node' in error ? { node: String((error as NodeError).node) } : {}), message: error.message });
    this.#failures.length = Math.min(this.#failures.length, FAILURES_KEPT);
  }

  #context(node: string): ConnectorContext {
    const { graph, clock, random, log, routes, base, folder, replay, deadLetters } = this.#options;
    const inputs = graph.sinks.find((spec) => spec.name === node)?.from;
    return {
      node,
      ...(inputs === undefined ? {} : { inputs }),
      clock,
      random,
      log: log.child({ node }),
      routes,
      base,
      folder: join(folder, node),
      replay,
      deadLetter: (letter) => {
        this.#count(node, 'dead_letters', 1);
        deadLetters?.add({ node, ...letter });
        this.#warnSometimes(`${node} dead letter`, { node, origin: letter.origin, reason: letter.reason }, 'dead letter: see millrace dead-letters');
      },
      count: (what, by = 1) => this.#count(node, what, by),
    };
  }

  #count(node: string, what: string, by: number): void {
    const counts = this.#counts.get(node) ?? new Map<string, number>();
    this.#counts.set(node, counts);
    counts.set(what, (counts.get(what) ?? 0) + by);
  }

  #refuse(source: string, series: string, time: number, reason: string): void {
    this.#count(source, 'refused', 1);
    // A series that did not fit would come again with every sample: its counter tells, not a letter each.
    if (reason !== 'too many series') this.#options.deadLetters?.add({ node: source, origin: source, reason, payload: JSON.stringify({ time, series }) });
    this.#warnSometimes(`${source} ${reason}`, { node: source, series, time }, `sample refused: ${reason}`);
  }

  #warnSometimes(what: string, fields: object, message: string): void {
    const now = this.#options.clock.elapsed();
    if (now - (this.#warned.get(what) ?? -Infinity) < WARN_EVERY_MS) return;
    this.#warned.set(what, now);
    this.#options.log.warn(fields, message);
  }

  /** Stores that can be read back. */
  histories(): readonly History[] {
    return this.#run?.histories() ?? [];
  }

  /** The sinks that are open, by name: what a connector offers beyond the contract is asked for there. */
  sinks(): ReadonlyMap<string, unknown> {
    return this.#run?.sinks ?? new Map();
  }

  /** Gives a dead letter to the source or sink that refused it; rejects with the reason why it was not taken. */
  async resubmit(letter: DeadLetter, attempt: ResubmitAttempt): Promise<void> {
    const { node } = letter;
    if (this.#state !== 'running') throw new HttpError(503, 'Service Unavailable', `the graph is ${this.#state}: try again later`, { headers: { 'retry-after': '1' } });
    const source = this.#run?.sources.get(this.plan.sources.findIndex(({ spec }) => spec.name === node));
    const connector = source ?? this.#run?.sinks.get(node);
    if (connector?.resubmit === undefined) throw new Error(connector === undefined ? `the graph has no source or sink ${node} now` : `${node} can't take again what it refused`);
    await connector.resubmit(letter, attempt);
  }

  /** Where what people say of anomalies is kept; undefined where the graph has no such source. */
  feedback(): FeedbackBook | undefined {
    for (const source of this.#run?.sources.values() ?? []) if (source.feedback !== undefined) return source.feedback;
    return undefined;
  }

  /** Event time that whoever learns from what people say has not reached: the clock's where no rows have come. */
  ahead(): Time {
    return this.#run?.intake?.ahead ?? this.#options.clock.now();
  }

  status(): RuntimeStatus {
    return describeStatus(this.plan, this.#run, {
      state: this.#state,
      startedAt: this.#startedAt,
      restarts: this.#restarts,
      failures: this.#failures,
      ...(this.#checkpoint === undefined ? {} : { checkpoint: this.#checkpoint }),
      ...(this.#checkpointFailure === undefined ? {} : { checkpointFailure: this.#checkpointFailure }),
    });
  }

  metrics(): readonly MetricFamily[] {
    return describeMetrics(this.plan, this.#run, this.#counts, { restarts: this.#restarts, checkpoint: this.#checkpoint });
  }
}
