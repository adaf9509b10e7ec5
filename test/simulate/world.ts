import type { Logger } from 'pino';
import { checksum } from '../../engine/checksum.js';
import { forwardClock } from '../../engine/clock.js';
import type { RuntimeOptions } from '../../engine/runtime.js';
import { Runtime } from '../../engine/runtime.js';
import { seeded } from '../../engine/random.js';
import type { Decision } from '../../engine/journal.js';
import { Journal } from '../../engine/journal.js';
import { Disk } from './disk.js';
import { operators, questionOf } from './operators.js';
import { simulatedPlatform, type Pace } from './platform.js';
import { Scheduler, type Latency, type Life } from './scheduler.js';
import { LINES, sinksOf, Store } from './sinks.js';
import { Broker, Publisher, sourcesOf, type Input } from './sources.js';
import { START, type Workload } from './workload.js';

/** What came out, and what was decided on the way. */
export interface Outcome {
  readonly rows: ReadonlyMap<string, string>;
  readonly findings: ReadonlyMap<string, string>;
  /** Of the ordered file. */
  readonly lines: readonly string[];
  readonly decisions: readonly Decision[];
  /** What must not be: each a sentence. */
  readonly violations: readonly string[];
  /** What happened to the engine, for a person who looks for the reason. */
  readonly trace: readonly string[];
  readonly steps: number;
}

/** In this run nothing goes wrong, and what `decisions` says is decided again. */
export interface Calm {
  readonly decisions: readonly Decision[];
}

const ever: Life = { alive: true };
const JOURNAL = '/checkpoints/journal';
/** Virtual time in which a run must come to its end. */
const LONGEST_MS = 600_000;
const ANSWER_MS = 700;

/** All that outlives a process, and the processes, one after the other. */
export class World {
  readonly #workload: Workload;
  readonly #calm: Calm | undefined;
  readonly #scheduler: Scheduler;
  readonly #disk: Disk;
  readonly #store: Store;
  readonly #inputs: ReadonlyMap<string, Input>;
  readonly #brokers: ReadonlyMap<string, Broker>;
  readonly #publishers: ReadonlyMap<string, Publisher>;
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  /** By their text. */
  readonly #decisions = new Map<string, { readonly decision: Decision; readonly path: string }>();
  readonly #latency: Latency;
  readonly #gathers: number;
  /** How many of each fault may still happen. */
  readonly #faults: Map<string, number>;
  #kills: number;
  /** About how long the input takes to come. */
  readonly #lasts: number;
  /** What the wall clock is set to, against the time that passes. */
  #wall = START;

  constructor(workload: Workload, seed: number, calm?: Calm) {
    this.#workload = workload;
    this.#calm = calm;
    const scheduler = new Scheduler(seeded(seed));
    this.#scheduler = scheduler;
    const once = workload.graph.operators.filter(({ type, config }) => ['learner', 'total'].includes(type) || (config as { size?: number }).size !== undefined);
    this.#store = new Store(new Set(once.map(({ name }) => name)));
    const typical = () => ({ typical: calm === undefined ? scheduler.pick([0.01, 0.1, 1, 10]) : 0.01 });
    this.#latency = typical();
    this.#disk = new Disk(scheduler, typical());
    this.#gathers = scheduler.pick([0, 5, 1_000]);
    const many = (): number => (calm === undefined && scheduler.chance(0.4) ? scheduler.between(1, 3) : 0);
    this.#faults = new Map(['source', 'store', 'file', 'shard'].map((what) => [what, many()]));
    this.#kills = calm === undefined ? scheduler.between(0, 5) : 0;
    if (calm === undefined && scheduler.chance(0.2)) this.#disk.fails = { left: scheduler.between(1, 3), ...scheduler.pick([{ under: '/', probability: 0.05 }, { under: JOURNAL, probability: 0.3 }]) };
    this.#lasts = Math.max(100, ...workload.inputs.map((input) => (input.kind === 'file' ? 0 : ((input.kind === 'said' ? input.findings : input.messages).at(-1)?.at ?? 0))));
    const inputs = calm === undefined ? workload.inputs : workload.inputs.map(atOnce);
    this.#inputs = new Map(inputs.map((input) => [input.name, input]));
    this.#brokers = new Map(inputs.flatMap((input) => (input.kind === 'stream' ? [[input.name, new Broker(input.messages)]] : [])));
    this.#publishers = new Map(inputs.flatMap((input) => (input.kind === 'posted' ? [[input.name, new Publisher(input.messages)]] : [])));
  }

  async run(): Promise<Outcome> {
    const scheduler = this.#scheduler;
    if (this.#calm !== undefined) await this.#decideBeforehand(this.#calm.decisions);
    for (const publisher of this.#publishers.values()) publisher.run(scheduler, ever, ANSWER_MS);
    if (this.#calm === undefined) this.#plan();
    for (let life = 1; ; life++) {
      const how = await this.#live(life);
      this.#note(how);
      this.#collectDecisions();
      if (how === 'ended' || this.#violations.length > 0) break;
    }
    return {
      rows: this.#store.rows,
      findings: this.#store.findings,
      lines: this.#lines(),
      decisions: Array.from(this.#decisions.values(), ({ decision }) => decision),
      violations: [...this.#violations, ...this.#store.contradictions],
      trace: this.#trace,
      steps: scheduler.steps,
    };
  }

  /** What goes wrong at a time of its own: a broker is away for a while, the wall clock is set. */
  #plan(): void {
    const scheduler = this.#scheduler;
    for (const [name, broker] of this.#brokers) {
      if (!scheduler.chance(0.3)) continue;
      scheduler.after(ever, scheduler.random() * this.#lasts, () => {
        this.#note(`${name} is away`);
        broker.away = scheduler.now + scheduler.between(100, 15_000);
      });
    }
    for (let times = scheduler.chance(0.3) ? scheduler.between(1, 4) : 0; times > 0; times--) {
      scheduler.after(ever, scheduler.random() * this.#lasts, () => {
        const by = scheduler.between(-8_000, 3_000);
        this.#note(`the clock is set by ${by} ms`);
        this.#wall += by;
      });
    }
  }

  /** One process, to its end or its death. */
  async #live(number: number): Promise<'ended' | 'killed' | 'failed' | 'drained' | 'stuck'> {
    const scheduler = this.#scheduler;
    const life: Life = { alive: true };
    const shards = this.#calm === undefined ? scheduler.between(1, 5) : 1;
    this.#note(`process ${number} with ${shards} shards`);
    let end: 'ended' | 'stopped' | Error | undefined;
    let runtime: Runtime | undefined;
    Runtime.start(this.#options(life, shards)).then(
      (started) => {
        runtime = started;
        started.finished.then(
          (how) => (end = how),
          (error: Error) => (end = error),
        );
      },
      (error: Error) => (end = error),
    );
    const killAt = this.#kills > 0 ? scheduler.steps + Math.floor(10 ** (1 + 2.5 * scheduler.random())) : Infinity;
    const until = scheduler.now + LONGEST_MS;
    const drains = scheduler.chance(0.2);
    const moving = await scheduler.run(() => end !== undefined || scheduler.steps >= killAt || scheduler.now > until);
    if (end === undefined && moving && scheduler.steps >= killAt) {
      this.#kills -= 1;
      if (!drains || runtime === undefined) {
        this.#kill(life);
        return 'killed';
      }
      this.#note('is drained');
      void runtime.drain();
      await scheduler.run(() => end !== undefined || scheduler.now > until);
    }
    if (end === undefined) {
      this.#violations.push(`process ${number} is stuck: ${moving ? 'nothing comes to an end' : 'nothing can happen any more'}\n${JSON.stringify(runtime?.status(), undefined, 1) ?? 'it has not started'}`);
      return 'stuck';
    }
    life.alive = false;
    if (end === 'ended') return 'ended';
    if (end === 'stopped') {
      await scheduler.run(after(scheduler, this.#calm === undefined ? scheduler.between(0, 3_000) : 0));
      return 'drained';
    }
    this.#note(end.message);
    // Each fault that may happen is counted, so this ends.
    if (number > 40) this.#violations.push(`the engine fails again and again: ${end.stack}`);
    this.#kill(life);
    return 'failed';
  }

  #kill(life: Life): void {
    life.alive = false;
    const scheduler = this.#scheduler;
    for (const publisher of this.#publishers.values()) publisher.accepts = undefined;
    // Else the process alone dies, and what it wrote and did not sync is read by the next.
    if (scheduler.chance(0.7)) this.#disk.crash();
    this.#collectDecisions();
    const versions = this.#disk.versions();
    if (versions.length > 1 && scheduler.chance(0.2)) this.#damage(versions.at(-1)!);
    scheduler.now += scheduler.between(0, 2_500);
  }

  /** The newest checkpoint: an older one is there. */
  #damage(version: number): void {
    this.#note(`checkpoint ${version} is damaged`);
    if (this.#scheduler.chance(0.5)) this.#disk.damage(`/checkpoints/${version}.state`);
    else {
      this.#disk.damageControl(version);
      this.#disk.damage(`/checkpoints/${version}.manifest`);
    }
  }

  #options(life: Life, shards: number): RuntimeOptions {
    const scheduler = this.#scheduler;
    const disk = this.#disk;
    const calm = this.#calm;
    const typical = (): Latency => ({ typical: calm === undefined ? scheduler.pick([0.005, 0.05, 0.5, 5]) : 0.005 });
    const pace: Pace = { turn: typical(), shards: Array.from({ length: shards }, typical), wake: typical(), report: typical(), training: { typical: calm === undefined ? scheduler.pick([1, 100, 3_000]) : 0 } };
    const files = disk.files(life);
    const fails = (what: string): boolean => this.#fails(what);
    const sources = sourcesOf({ scheduler, life, latency: this.#latency, files, inputs: this.#inputs, brokers: this.#brokers, publishers: this.#publishers, fails });
    const sinks = sinksOf({ scheduler, life, latency: this.#latency, files, store: this.#store, gathers: this.#gathers, fails, violation: (what) => void this.#violations.push(what) });
    const asked = new Set(calm?.decisions.flatMap((decision) => (decision.type === 'answer' ? [`${decision.node} ${decision.series} ${decision.asked}`] : [])));
    const answers = (input: Uint8Array): boolean => {
      const { node, series, asked: at } = questionOf(input);
      return calm === undefined || asked.has(`${node} ${series} ${at}`);
    };
    return {
      graph: this.#workload.graph,
      registry: { operators, sources, sinks },
      modules: { operators: '', sources: '' },
      shards,
      channelFrames: calm === undefined ? scheduler.pick([1, 2, 4, 8]) : 8,
      frameRows: calm === undefined ? scheduler.pick([4, 16, 64]) : 64,
      replay: false,
      // A calm run has all its time: nothing is idle but by decision.
      clock: calm === undefined ? forwardClock(() => this.#wall + scheduler.now, () => scheduler.now) : { now: () => START + LONGEST_MS, elapsed: () => 0 },
      random: seeded(scheduler.between(0, 1_000_000)),
      platform: simulatedPlatform({ scheduler, life, disk, pace, operators, sources, answers, breaks: () => this.#fails('shard', 0.002) }),
      log: this.#log(),
      base: '/',
      folder: '/data',
      checkpoint: { intervalMs: calm === undefined ? this.#lasts * scheduler.pick([0.02, 0.1, 0.5]) : 1e9, folder: '/checkpoints' },
    };
  }

  #fails(what: string, probability = 0.03): boolean {
    const left = this.#faults.get(what) ?? 0;
    if (left === 0 || !this.#scheduler.chance(probability)) return false;
    this.#faults.set(what, left - 1);
    return true;
  }

  #note(what: string): void {
    this.#trace.push(`${(this.#scheduler.now / 1_000).toFixed(3)} s, step ${this.#scheduler.steps}: ${what}`);
  }

  #log(): Logger {
    const say = (fields: unknown, message?: string): void => {
      const error = (fields as { err?: Error }).err;
      this.#note(`${message ?? String(fields)}${error === undefined ? '' : ` (${error.message})`}`);
    };
    const log = { warn: say, error: say, fatal: say, info: () => {}, debug: () => {}, trace: () => {}, child: () => log };
    return log as unknown as Logger;
  }

  /** Puts decisions into the journal that the first process finds. */
  async #decideBeforehand(decisions: readonly Decision[]): Promise<void> {
    let written = false;
    const write = async (): Promise<void> => {
      const journal = await Journal.open(JOURNAL, 0, () => true, { warn: () => {}, refused: () => {} }, this.#disk.files(ever));
      await Promise.all(decisions.map((decision) => journal.record(decision)));
      await journal.close();
      written = true;
    };
    void write();
    await this.#scheduler.run(() => written);
  }

  #collectDecisions(): void {
    for (const path of this.#disk.paths()) {
      if (!path.startsWith(JOURNAL)) continue;
      const found = new Map(decisionsIn(this.#disk.content(path)!).map((decision) => [JSON.stringify(decision), decision]));
      // What a process wrote before it died may be there, and go with the power before the next one reads it: that was never decided.
      for (const [text, before] of this.#decisions) if (before.path === path && !found.has(text)) this.#decisions.delete(text);
      for (const [text, decision] of found) if (decision.type !== 'horizon' && !this.#decisions.has(text)) this.#decisions.set(text, { decision, path });
    }
  }

  #lines(): string[] {
    return Buffer.from(this.#disk.content(LINES) ?? []).toString().split('\n').filter((line) => line !== '');
  }
}

/** The same input without waiting for it. */
function atOnce(input: Input): Input {
  if (input.kind === 'said') return { ...input, findings: input.findings.map(({ finding }) => ({ at: 0, finding })) };
  return input.kind === 'file' ? input : { ...input, messages: input.messages.map((message) => ({ ...message, at: 0 })) };
}

function after(scheduler: Scheduler, ms: number): () => boolean {
  scheduler.now += ms;
  return () => true;
}

/** The sound records of a log of the journal's. */
function decisionsIn(bytes: Uint8Array): Decision[] {
  const decisions: Decision[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = buffer.indexOf(MARK); at >= 0 && at + HEADER <= bytes.length; at = buffer.indexOf(MARK, at + 1)) {
    const end = at + HEADER + view.getUint32(at + 8, true);
    if (end > bytes.length || checksum(bytes.subarray(at + 8, end)) !== view.getUint32(at + 4, true)) continue;
    decisions.push(JSON.parse(buffer.toString('utf8', at + HEADER, end)) as Decision);
  }
  return decisions;
}

/** Of a record in a log on disk: how it begins, and how long that is. */
const MARK = 'MRL1';
const HEADER = 20;
