import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { pino } from 'pino';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import type { Position } from '../../engine/connector.js';
import type { Socket, SocketHandler } from '../../engine/routes.js';
import type { LiveSink } from '../../connectors/live/live-sink.js';
import { liveSink } from '../../connectors/live/sink.js';
import { Exchange } from '../../server/exchange.js';
import { Router } from '../../server/router.js';
import { openTransport } from '../../server/transport.js';
import { batchOf, sink, stage, type Row, type Stage } from './stage.js';

export type Message = Record<string, unknown> & { readonly type: string };

/** A server whose sockets a live sink answers; the sink can be stopped and opened again, the server stays. */
export class LiveServer {
  readonly stage: Stage;
  readonly port: number;
  sink!: LiveSink;
  private readonly config: object;

  private constructor(on: Stage, port: number, config: object) {
    this.stage = on;
    this.port = port;
    this.config = config;
  }

  static async start(t: Test, folder: string, config: object = {}): Promise<LiveServer> {
    const router = new Router();
    const log = pino({ level: 'silent' });
    const transport = await openTransport('node', new Exchange(router, [], log), log);
    const server = new LiveServer(stage(folder, { routes: router }), await transport.listen('127.0.0.1', 0), config);
    await server.open(undefined);
    t.teardown(async () => {
      await server.sink.close();
      await transport.close(100);
    });
    return server;
  }

  async open(from: Position | undefined): Promise<void> {
    this.sink = sink(liveSink, this.config, this.stage) as LiveSink;
    await this.sink.open(from);
  }

  rows(node: string, rows: readonly Row[]): Promise<void> {
    const { batch, names } = batchOf(rows);
    return this.sink.write(node, batch, names);
  }

  async connect(t: Test): Promise<Client> {
    const client = new Client(this.port);
    t.teardown(() => client.socket.terminate());
    await once(client.socket, 'open');
    return client;
  }
}

/** A subscriber that keeps what it hears in order. */
export class Client {
  readonly socket: WebSocket;
  readonly heard: Message[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private wake: () => void = () => undefined;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/live`, 'millrace.v1');
    this.socket.on('message', (data: Buffer) => {
      this.heard.push(JSON.parse(data.toString()) as Message);
      this.wake();
    });
    this.closed = new Promise((resolve) => this.socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })));
    this.socket.on('error', () => undefined);
  }

  say(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message, taken away. */
  async next(): Promise<Message> {
    while (this.heard.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.heard.shift()!;
  }

  /** Asks and returns the answer. */
  ask(message: object | string): Promise<Message> {
    this.say(message);
    return this.next();
  }

  async subscribe(id: string, channel: string, more: object = {}): Promise<{ ack: Message; snapshot: Message | undefined }> {
    const ack = await this.ask({ type: 'subscribe', id, channel, ...more });
    return { ack, snapshot: ack['resumed'] === false ? await this.next() : undefined };
  }
}

/** A socket without a network: takes frames until told not to. */
export class PuppetSocket implements Socket {
  readonly remote = '127.0.0.1';
  readonly frames: Message[] = [];
  waiting = 0;
  closedWith: { code: number; reason: string } | undefined;

  send(text: string): boolean {
    this.frames.push(JSON.parse(text) as Message);
    return true;
  }
  buffered(): number {
    return this.waiting;
  }
  close(code: number, reason: string): void {
    this.closedWith = { code, reason };
  }
  take(): Message[] {
    return this.frames.splice(0);
  }
}

/** Keeps the handler that the sink registers, so that a test can be the network. */
export class PuppetRoutes {
  handler!: SocketHandler;
  route(): void {
    throw new Error('a live sink has no routes');
  }
  socket(_path: string, _protocol: string, handler: SocketHandler): void {
    this.handler = handler;
  }
}

/** `"*"` in `expected` stands for any value. */
export function fits(actual: unknown, expected: unknown): boolean {
  if (expected === '*') return actual !== undefined;
  if (Array.isArray(expected)) return Array.isArray(actual) && actual.length === expected.length && expected.every((each, i) => fits(actual[i], each));
  if (typeof expected === 'object' && expected !== null) {
    if (typeof actual !== 'object' || actual === null || !isDeepStrictEqual(Object.keys(actual).sort(), Object.keys(expected).sort())) return false;
    return Object.entries(expected).every(([key, each]) => fits((actual as Record<string, unknown>)[key], each));
  }
  return Object.is(actual, expected);
}
