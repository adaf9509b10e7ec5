import { z } from 'zod';
import { AppendFile } from '../../engine/append-file.js';
import type { Batch } from '../../engine/batch.js';
import { defineSink, type AnySink, type ConnectorContext, type Position, type Sink } from '../../engine/connector.js';
import { syncFolder, type Files } from '../../engine/files.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import type { Latency, Life, Scheduler } from './scheduler.js';

/** A store beyond the network: it upserts, and lives on when the engine dies. */
export class Store {
  /** The last row of each node, time and series. */
  readonly rows = new Map<string, string>();
  /** By id and revision. */
  readonly findings = new Map<string, string>();
  /** What was told again and said something else. */
  readonly contradictions: string[] = [];
  readonly #once: ReadonlySet<string>;

  /** `once`: nodes that give one row for a time and series, so that a further one is the same one told again. */
  constructor(once: ReadonlySet<string>) {
    this.#once = once;
  }

  put(node: string, key: string, row: string): void {
    const before = this.rows.get(key);
    if (before !== undefined && before !== row && this.#once.has(node)) this.contradictions.push(`${key}: ${before}, and then ${row}`);
    this.rows.set(key, row);
  }

  tell(key: string, finding: string): void {
    const before = this.findings.get(key);
    if (before !== undefined && before !== finding) this.contradictions.push(`${before}, and then ${finding}`);
    this.findings.set(key, finding);
  }
}

/** Around the sinks of one life. */
export interface SinkWorld {
  readonly scheduler: Scheduler;
  readonly life: Life;
  readonly latency: Latency;
  readonly files: Files;
  readonly store: Store;
  /** Rows that the store's client gathers before it sends them. */
  readonly gathers: number;
  fails(what: string): boolean;
  /** Something came that must not. */
  violation(what: string): void;
}

const rowText = (batch: Batch, i: number): string => JSON.stringify([batch.value[i], batch.flags[i], ...Object.keys(batch.columns).sort().map((name) => [name, String(batch.columns[name]![i])])]);

/** What holds of every sink: watermarks go forward, and nothing comes after the end. */
class Watched {
  readonly world: SinkWorld;
  readonly name: string;
  #watermark = -Infinity;

  constructor(world: SinkWorld, name: string) {
    this.world = world;
    this.name = name;
  }

  came(what: string): void {
    if (this.#watermark === Infinity) this.world.violation(`${this.name}: ${what} after the end`);
  }

  advance(watermark: number): Promise<void> {
    if (watermark < this.#watermark) this.world.violation(`${this.name}: the watermark ${watermark} after ${this.#watermark}`);
    this.#watermark = watermark;
    return Promise.resolve();
  }
}

type Put = (store: Store) => void;

/** The client of a store: what it gathers is lost with it, and a request may be taken half, or taken and not answered. */
class StoreSink extends Watched implements Sink {
  #gathered: Put[] = [];

  open(): Promise<void> {
    return this.world.scheduler.later(this.world.life, 1, () => {});
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    this.came('rows');
    const { scheduler, life, latency, gathers } = this.world;
    // The batch is ours until the promise ends.
    await scheduler.later(life, scheduler.draw(latency) / 4, () => {
      for (let i = 0; i < batch.length; i++) {
        const [key, row] = [`${node} ${batch.time[i]} ${names.text(batch.slot[i]!)}`, rowText(batch, i)];
        this.#gathered.push((store) => store.put(node, key, row));
      }
    });
    if (this.#gathered.length > gathers) await this.#send();
  }

  async receive(node: string, finding: Finding): Promise<void> {
    this.came('a finding');
    const [key, text] = [`${node} ${finding.id} ${finding.revision}`, JSON.stringify(finding)];
    this.#gathered.push((store) => store.tell(key, text));
    if (this.#gathered.length > this.world.gathers) await this.#send();
  }

  async #send(): Promise<void> {
    const { scheduler, life, latency, store } = this.world;
    const request = this.#gathered;
    this.#gathered = [];
    await scheduler.done(life, latency, () => {
      const fails = this.world.fails('store');
      const taken = fails ? scheduler.between(0, request.length + 1) : request.length;
      for (const put of request.slice(0, taken)) put(store);
      if (fails) throw new Error('the store broke the connection');
    });
  }

  async flush(): Promise<Position> {
    await this.#send();
    return null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A file in order, as the sink `file` writes it; opened at a length it forgets what came after that. */
class FileSink extends Watched implements Sink {
  #file: AppendFile | undefined;

  async open(from: Position | undefined): Promise<void> {
    const size = (from as number | undefined) ?? 0;
    const { files } = this.world;
    const there = size === 0 ? 0 : (await files.stat(LINES)).size;
    if (there < size) this.world.violation(`${LINES} has ${there} bytes, and ${size} were synced`);
    this.#file = await AppendFile.open(LINES, { size, files });
    await syncFolder('/out', files);
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    this.came('rows');
    if (this.world.fails('file')) throw new Error('the file cannot be written');
    let text = '';
    for (let i = 0; i < batch.length; i++) text += `${batch.time[i]} ${node} ${names.text(batch.slot[i]!)} ${rowText(batch, i)}\n`;
    await this.#file!.append(Buffer.from(text));
  }

  async receive(node: string, finding: Finding): Promise<void> {
    this.came('a finding');
    await this.#file!.append(Buffer.from(`${finding.time} ${node} finding ${JSON.stringify(finding)}\n`));
  }

  async flush(): Promise<Position> {
    await this.#file!.sync();
    return this.#file!.size;
  }

  async close(): Promise<void> {
    // After a failure it may not be open.
    await this.#file?.close();
  }
}

export const LINES = '/out/lines';

const config = z.strictObject({});

/** The sinks of a life, by type. */
export function sinksOf(world: SinkWorld): AnySink[] {
  const define = (name: string, ordered: boolean, create: (context: ConnectorContext) => Sink): AnySink =>
    defineSink({ name, summary: '', description: '', config, examples: [], ordered: () => ordered, create: (_config, context) => create(context) });
  return [define('store', false, ({ node }) => new StoreSink(world, node)), define('ordered', true, ({ node }) => new FileSink(world, node))];
}
