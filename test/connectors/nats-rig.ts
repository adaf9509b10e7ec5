import { connect, headers, type NatsConnection } from 'nats';
import type { Test } from 'tap';
import { natsSource } from '../../connectors/nats/source.js';
import { systemClock } from '../../engine/clock.js';
import type { Position, Source } from '../../engine/connector.js';
import { Basket, folder, source, stage, type Sample, type Stage } from './stage.js';

/** Time of the samples of these tests: an hour ago, so that none is in the future of a message. */
export const THEN = Math.floor(Date.now() / 1_000) * 1_000 - 3_600_000;

/** A publisher with the stock client, closed after the test. */
export async function client(t: Test, servers: string, options: object = {}): Promise<NatsConnection> {
  const connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 50, ...options });
  t.teardown(() => connection.close());
  return connection;
}

export function headed(fields: Readonly<Record<string, string>>): { headers: ReturnType<typeof headers> } {
  const made = headers();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return { headers: made };
}

export const json = (name: string, value: number, time = THEN): string => JSON.stringify({ metric_name: name, value, timestamp: time });

export interface ReadOptions {
  /** Reads no more when it has so many samples. */
  readonly pause?: number;
  /** Rows asked for at once. */
  readonly limit?: number;
  /** Called after each reading. */
  readonly each?: (reader: Reader) => void;
}

/** A source that is read on and on, as the engine does; `samples` and `position` belong together. */
export class Reader {
  readonly stage: Stage;
  readonly source: Source;
  readonly basket = new Basket();
  position: Position = null;
  ended = false;
  failure: Error | undefined;
  readonly #abort = new AbortController();
  #reading: Promise<void> = Promise.resolve();

  private constructor(t: Test, config: object, given: Partial<Stage['context']>, at: string) {
    this.stage = stage(at, { clock: systemClock, ...given });
    this.source = source(natsSource, config, this.stage);
    t.teardown(() => this.close());
  }

  /** Opens a source and reads it until it is closed, or has `pause` samples. */
  static async open(t: Test, config: object, from?: Position, { given = {}, ...how }: ReadOptions & { readonly given?: Partial<Stage['context']> } = {}): Promise<Reader> {
    const reader = new Reader(t, config, given, folder(t));
    await reader.source.open(from);
    reader.#reading = reader.#read(how);
    return reader;
  }

  get samples(): readonly Sample[] {
    return this.basket.samples;
  }

  get values(): readonly number[] {
    return this.samples.map(([, , value]) => value);
  }

  /** Goes on after a pause. */
  resume(how: ReadOptions = {}): void {
    this.#reading = this.#read(how);
  }

  /** Until so many samples are there. */
  async until(samples: number): Promise<void> {
    await until(() => this.samples.length >= samples || this.failure !== undefined);
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#reading;
    await this.source.close();
  }

  async #read({ pause = Infinity, limit = 100, each = () => {} }: ReadOptions): Promise<void> {
    try {
      while (!this.#abort.signal.aborted && !this.ended && this.samples.length < pause) {
        this.basket.begin();
        const { position, ended } = await this.source.read(this.basket, Math.min(limit, pause - this.samples.length), this.#abort.signal);
        this.position = structuredClone(position);
        this.ended = ended === true;
        each(this);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      this.failure = error as Error;
    }
  }
}

/** A stream of the subjects of metrics, by hand. */
export async function makeStream(connection: NatsConnection, given: object = {}): Promise<void> {
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: 'METRICS', subjects: ['metrics.v1.>'], ...given });
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until something is so; a test that waits for ever is ended by tap. */
export async function until(so: () => boolean): Promise<void> {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, 5));
}
