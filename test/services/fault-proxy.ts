import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from './ports.js';

/** Which way bytes go: `up` from whoever connected to the server behind, `down` back. */
export type Way = 'up' | 'down';

/** Two sockets that belong together. */
interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** `dead`: its bytes are swallowed, and nothing that happens at one end is told at the other. `cut`: each end is closed in its own way. */
  state: 'whole' | 'dead' | 'cut';
}

/**
 * A TCP proxy on loopback that misbehaves when told to: what stands between a client and a real server, so that a test
 * can break the connection and leave both ends alive. Without a fault it hands on bytes, and the end of one way alone.
 */
export class FaultProxy {
  readonly #listener: Server;
  readonly #pairs = new Set<Pair>();
  /** Bytes that may still pass, by way, over all connections. */
  readonly #left: Record<Way, number> = { up: Infinity, down: Infinity };
  #delayMs = 0;
  #perSecond = Infinity;
  #passed = 0;
  /** Resolves when bytes flow again. */
  #flows: Promise<void> = Promise.resolve();
  #flow: () => void = () => undefined;
  #port = 0;

  private constructor(private readonly target: number) {
    this.#listener = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port, for a server on a port of loopback; it may be away, then connections are cut as soon as they are made. */
  static async start(target: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(target);
    for (;;) {
      const { port } = await freePorts(['port']);
      proxy.#port = port!;
      try {
        await proxy.accept();
        return proxy;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  get port(): number {
    return this.#port;
  }

  /** Connections open through it. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Bytes handed on so far, both ways. */
  get passed(): number {
    return this.#passed;
  }

  /** Resets every connection at both ends. */
  cut(): void {
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.resetAndDestroy();
  }

  /** Lets so many bytes more pass one way, and cuts the connection that brings the next, mostly in the middle of a frame: what passed arrives. */
  cutAfter(bytes: number, way: Way): void {
    this.#left[way] = bytes;
  }

  /** Each piece takes so much longer; 0: as it comes. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Each connection passes so many bytes a second at most, each way; Infinity: as they come. */
  limit(bytesPerSecond: number): void {
    this.#perSecond = bytesPerSecond;
  }

  /** Nothing moves any more, connections stay; writers feel back pressure. */
  stall(): void {
    this.resume();
    this.#flows = new Promise((resolve) => (this.#flow = resolve));
  }

  /** Ends a stall: everything held comes now. */
  resume(): void {
    this.#flow();
  }

  /** The other end of every open connection is gone, and nobody says so: what is sent is lost, nothing comes, nothing closes. New connections work. */
  halfOpen(): void {
    for (const pair of this.#pairs) pair.state = 'dead';
  }

  /** Connections are refused until `accept`; those that are open stay. */
  refuse(): void {
    // Not waited for: it is closed when the last connection is.
    this.#listener.close();
  }

  async accept(): Promise<void> {
    if (this.#listener.listening) return;
    this.#listener.listen({ port: this.#port, host: '127.0.0.1' });
    await once(this.#listener, 'listening');
  }

  close(): void {
    this.refuse();
    this.cut();
    this.resume();
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const pair: Pair = { client, server, state: 'whole' };
    this.#pairs.add(pair);
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      socket.setNoDelay(true);
      // Whoever fails closes, and that is told to the other.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (pair.state === 'whole' && !socket.readableEnded) other.resetAndDestroy();
        if (other.closed) this.#pairs.delete(pair);
      });
    }
    // A loop fails when its socket is destroyed, which is told above.
    this.#carry(pair, client, server, 'up').catch(() => undefined);
    this.#carry(pair, server, client, 'down').catch(() => undefined);
  }

  async #carry(pair: Pair, from: Socket, to: Socket, way: Way): Promise<void> {
    for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      await this.#flows;
      const wait = this.#delayMs + (piece.length / this.#perSecond) * 1_000;
      if (wait > 0) await sleep(wait);
      if (pair.state === 'dead') continue;
      const left = this.#left[way];
      if (piece.length > left) {
        this.#left[way] = Infinity;
        pair.state = 'cut';
        from.resetAndDestroy();
        // A reset would overtake the last bytes.
        to.write(piece.subarray(0, left), () => to.destroySoon());
        return;
      }
      this.#left[way] = left - piece.length;
      this.#passed += piece.length;
      if (!to.write(piece)) await once(to, 'drain');
    }
    if (pair.state === 'whole') to.end();
  }
}
