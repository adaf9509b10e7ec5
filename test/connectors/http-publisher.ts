import { pino } from 'pino';
import type { Test } from 'tap';
import type { Clock } from '../../engine/clock.js';
import type { ConnectorContext, RefusedInput, Source } from '../../engine/connector.js';
import { HttpError, type HttpResponse, type Method, type Routes } from '../../engine/routes.js';
import { httpSource } from '../../connectors/http/source.js';
import { startServer } from '../../server/serve.js';

export const NOW = Date.UTC(2024, 0, 15, 12);

/** What a source is given; nobody hears what it tells. */
export function contextOf(folder: string): ConnectorContext {
  return { node: 'posted', clock: { now: () => NOW, elapsed: () => 0 }, random: () => 0.5, log: pino({ level: 'silent' }), routes: undefined, folder, base: folder, replay: false, deadLetter: () => {}, count: () => {} };
}

/** An http source with the routes it registered, and a hand that posts to them. */
export class Publisher implements Routes {
  readonly source: Source;
  readonly letters: RefusedInput[] = [];
  readonly counts: Record<string, number> = {};
  readonly #handlers = new Map<string, Parameters<Routes['route']>[2]>();

  /** `routes`: where the source registers what it takes; default: here, for `post`. */
  constructor(folder: string, config: Record<string, unknown> = {}, replay = false, routes?: Routes) {
    const context: ConnectorContext = {
      ...contextOf(folder),
      routes: replay ? undefined : (routes ?? this),
      replay,
      deadLetter: (letter) => void this.letters.push({ ...letter, payload: Buffer.from(letter.payload).toString() }),
      count: (what, by = 1) => void (this.counts[what] = (this.counts[what] ?? 0) + by),
    };
    this.source = httpSource.create(httpSource.config.parse(config), context);
  }

  route(method: Method, path: string, handler: Parameters<Routes['route']>[2]): void {
    this.#handlers.set(`${method} ${path}`, handler);
  }

  socket(): void {
    throw new Error('an http source has no sockets');
  }

  /** The answer to what is posted; a refusal as the server would send it. `body` is sent as JSON unless it is text or bytes. */
  async post(path: string, body: unknown, type?: string, query = ''): Promise<HttpResponse & { body: Record<string, unknown> }> {
    const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
    const request = { method: 'POST' as const, path, params: {}, query: new URLSearchParams(query), headers: type === undefined ? {} : { 'content-type': type }, remote: '10.0.0.7', body: async () => bytes };
    try {
      return (await this.#handlers.get(`POST ${path}`)!(request)) as HttpResponse & { body: Record<string, unknown> };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      return { status: error.status, headers: error.headers, body: { title: error.message, detail: error.detail, ...error.members } };
    }
  }

  /** One read: its rows as text, and the position after them. */
  async read(limit = 1000, signal: AbortSignal = AbortSignal.timeout(120_000)): Promise<{ rows: string[]; position: unknown; ended: boolean }> {
    const rows: string[] = [];
    const into = {
      add: (time: number, series: string, value: number) => rows.push(`${time - NOW} ${series} ${value}`) > 0,
      finding: () => {},
      get length() {
        return rows.length;
      },
    };
    const { position, ended = false } = await this.source.read(into, limit, signal);
    return { rows, position, ended };
  }
}

/** An http source whose routes are those of a server. */
export async function listen(t: Test, config: Record<string, unknown> = {}): Promise<{ publisher: Publisher; url: string; port: number }> {
  const clock: Clock = { now: () => NOW, elapsed: () => 0 };
  const server = await startServer({ config: { host: '127.0.0.1', port: 0, transport: 'node' }, version: '1', clock, log: pino({ level: 'silent' }), assets: '/nowhere' });
  t.teardown(() => server.close());
  const publisher = new Publisher(t.testdir(), config, false, server.routes);
  await publisher.source.open(undefined);
  t.teardown(() => publisher.source.close());
  return { publisher, url: server.address, port: Number(new URL(server.address).port) };
}
