import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, DiscardPolicy, RetentionPolicy, StorageType } from 'nats';
import { root } from '../config/root.js';
import { EngineProcess, until } from '../engine-process.js';
import { FaultProxy } from '../services/fault-proxy.js';
import { natsService } from '../services/nats-server.js';
import { freePorts } from '../services/ports.js';
import { questdbService } from '../services/questdb-server.js';
import { Server } from '../services/server.js';
import { DISORDER_MS } from './load.js';

const STREAM = 'METRICS';

/** Results of the two runs lie side by side in one QuestDB, under these prefixes. */
const NAMES = ['hurt', 'calm'] as const;
export type Name = (typeof NAMES)[number];

/** Where a run publishes its findings. */
export const findingsStream = (name: Name): string => `FINDINGS_${name}`;

interface Health {
  readonly components: readonly { readonly kind: string; readonly type: string; readonly status: string; readonly detail?: string; readonly watermark?: string }[];
  readonly checkpoint?: { readonly number: number };
}

/** Whatever is to be ended, in reverse order. */
export class Endings {
  readonly #endings: (() => unknown)[] = [];

  teardown(end: () => unknown): void {
    this.#endings.push(end);
  }

  async end(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end();
  }
}

/** NATS with a stream, QuestDB, a proxy before each, and Millrace between them as a process. */
export class Stack {
  readonly nats: Server;
  readonly questdb: Server;
  readonly proxies: { readonly nats: FaultProxy; readonly questdb: FaultProxy };
  readonly folder: string;
  /** Why a Millrace that nobody killed has ended, and what it told of crashes of its graph. */
  readonly accidents: string[] = [];
  readonly #endings: Endings;
  readonly #spool: string;
  readonly #running = new Map<Name, EngineProcess>();
  readonly #ports: Readonly<Record<Name, number>>;

  private constructor(endings: Endings, folder: string, nats: Server, questdb: Server, proxies: Stack['proxies'], ports: Readonly<Record<Name, number>>, spool: string) {
    this.#endings = endings;
    this.#spool = spool;
    this.folder = folder;
    this.nats = nats;
    this.questdb = questdb;
    this.proxies = proxies;
    this.#ports = ports;
  }

  /** `spool`: bound on what waits for QuestDB. */
  static async start(endings: Endings, spool: string): Promise<Stack> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-chaos-'));
    endings.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const place = (name: string): string => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    };
    const nats = await Server.start(natsService, place('nats'), { jetstream: true });
    endings.teardown(() => nats.kill());
    const questdb = await Server.start(questdbService, place('questdb'), { brief: true, env: { QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false', QDB_LINE_AUTO_CREATE_NEW_COLUMNS: 'false' } });
    endings.teardown(() => questdb.kill());
    const proxies = { nats: await FaultProxy.start(nats.ports['client']!), questdb: await FaultProxy.start(questdb.ports['http']!) };
    endings.teardown(() => Object.values(proxies).forEach((proxy) => proxy.close()));
    const connection = await connect({ servers: nats.addresses['client']! });
    const { streams } = await connection.jetstreamManager();
    const keeping = { storage: StorageType.File, retention: RetentionPolicy.Limits, discard: DiscardPolicy.Old };
    await streams.add({ name: STREAM, subjects: ['metrics.v1.>'], ...keeping });
    for (const name of NAMES) await streams.add({ name: findingsStream(name), subjects: [`findings.${name}.>`], ...keeping });
    await connection.close();
    const { hurt, calm } = await freePorts(['hurt', 'calm']);
    for (const name of NAMES) place(name);
    return new Stack(endings, folder, nats, questdb, proxies, { hurt: hurt!, calm: calm! }, spool);
  }

  /** Starts a Millrace where it stopped; `hurt` has the proxies between itself and the servers. */
  begin(name: Name): EngineProcess {
    const at = join(this.folder, name);
    writeFileSync(join(at, 'graph.yml'), this.#graph(name));
    const engine = new EngineProcess(this.#endings, [process.execPath, join(root, 'bin/millrace.js'), 'run', 'graph.yml', '--json', '--port', String(this.#ports[name])], at);
    this.#running.set(name, engine);
    void engine.exited.then(({ code, signal }) => {
      if (this.#running.get(name) === engine) this.accidents.push(`${name} ended by itself with ${code ?? signal}: ${engine.stdout.slice(-2_000)}${engine.stderr.slice(-2_000)}`);
      for (const { msg, err } of engine.log) if (/crashed|stays down/.test(msg)) this.accidents.push(`${name}: ${msg}: ${JSON.stringify(err)}`);
    });
    return engine;
  }

  /** Ends it by a signal; resolves when it is gone. */
  async end(name: Name, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const engine = this.#running.get(name)!;
    this.#running.delete(name);
    const ended = await engine.end(signal);
    // One that was just starting knows no signals yet.
    if (ended.code !== 0 && ended.signal !== signal) this.accidents.push(`${name} did not stop in order: ${ended.code ?? ended.signal}: ${engine.stdout.slice(-2_000)}`);
  }

  /** Of the API of a running one. */
  address(name: Name): string {
    return `http://127.0.0.1:${this.#ports[name]}`;
  }

  /** Memory of a running one, in bytes. */
  memory(name: Name): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#running.get(name)!.child.pid}/status`, 'utf8'))![1]) * 1_024;
  }

  /** What a running one says of its store. */
  async storeHealth(name: Name): Promise<string> {
    const store = (await this.#health(name))?.components.find(({ type }) => type === 'questdb');
    return store === undefined ? 'nothing' : `${store.status}${store.detail === undefined ? '' : `: ${store.detail}`}`;
  }

  /** Resolves when everything up to an event time has passed, and two checkpoints since. */
  async through(name: Name, time: number): Promise<void> {
    let checkpoint = Infinity;
    await until(async () => {
      if (this.accidents.length > 0) throw new Error(this.accidents.join('\n'));
      const health = await this.#health(name);
      const done = health?.components.filter(({ kind }) => kind === 'sink').every(({ watermark = '' }) => new Date(watermark).getTime() >= time) === true;
      if (!done) return false;
      checkpoint = Math.min(checkpoint, health!.checkpoint?.number ?? Infinity);
      return (health!.checkpoint?.number ?? 0) >= checkpoint + 2;
    });
  }

  async #health(name: Name): Promise<Health | undefined> {
    try {
      const answer = await fetch(`${this.address(name)}/health`);
      return answer.ok ? ((await answer.json()) as Health) : undefined;
    } catch {
      return undefined;
    }
  }

  #graph(name: Name): string {
    const direct = name === 'calm';
    const nats = direct ? this.nats.ports['client']! : this.proxies.nats.port;
    const questdb = direct ? this.questdb.ports['http']! : this.proxies.questdb.port;
    return `
server: { shards: 2 }
checkpoint: { interval: 200ms }
logging: { level: info }
sources:
  in: { type: nats, servers: 'nats://127.0.0.1:${nats}', jetstream: { stream: ${STREAM} }, disorder: ${DISORDER_MS}ms }
operators:
  rates: { type: rate, from: in }
  sums: { type: window, from: in, size: 2s, aggregates: [sum, count, p90] }
  odd: { type: detect, from: in, warmup: 20 }
  alerts: { type: correlate, from: odd, window: 5s, duplicates: 3s }
sinks:
  history: { type: questdb, from: [in, rates, rates.late, sums, sums.late, odd, alerts], url: 'http://127.0.0.1:${questdb}', prefix: ${name}_, retention: forever, encoder: binary, spool: ${this.#spool} }
  told: { type: nats, from: [odd, alerts], servers: 'nats://127.0.0.1:${nats}', findings: findings.${name}, jetstream: { stream: ${findingsStream(name)} } }
  live: { type: live, from: [odd, alerts] }
`;
  }
}
