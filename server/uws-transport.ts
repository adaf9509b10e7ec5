import { STATUS_CODES } from 'node:http';
import { createServer } from 'node:net';
import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js';
import { HttpError, type Socket } from '../engine/routes.js';
import { BodyCollector } from './body.js';
import { plainAddress, type Answer, type Exchange, type Incoming } from './exchange.js';
import type { SocketRoute } from './router.js';
import type { HttpTransport, TransportLimits } from './transport.js';

type Uws = typeof import('uWebSockets.js');

/** uWebSockets.js: optional, its binary does not exist for every platform. Rejects where it does not load. */
export async function openUwsTransport(exchange: Exchange, limits: TransportLimits): Promise<HttpTransport> {
  // Read once, when the binary loads. It binds a head that arrives in parts; `request` binds one that arrives at once.
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] ??= String(limits.headerBytes);
  const { default: uws } = (await import('uWebSockets.js')) as unknown as { default: Uws };
  return new UwsTransport(uws, exchange, limits);
}

interface Connection {
  readonly route: SocketRoute;
  readonly remote: string;
  socket: UwsSocket | undefined;
}

class UwsTransport implements HttpTransport {
  readonly name = 'uws';
  private readonly uws: Uws;
  private readonly exchange: Exchange;
  private readonly limits: TransportLimits;
  private readonly app: TemplatedApp;
  private readonly listening: us_listen_socket[] = [];
  private readonly sockets = new Set<UwsSocket>();
  private pending = 0;
  private closing = false;
  /** Called when the last request and the last socket have gone. */
  private onIdle: (() => void) | undefined;

  constructor(uws: Uws, exchange: Exchange, limits: TransportLimits) {
    this.uws = uws;
    this.exchange = exchange;
    this.limits = limits;
    this.app = uws.App();
    this.app.ws<Connection>('/*', {
      compression: uws.DISABLED,
      maxPayloadLength: limits.frameBytes,
      maxBackpressure: limits.socketBufferBytes,
      // It pings by itself shortly before this time is over.
      idleTimeout: Math.max(8, Math.round((2 * limits.pingMs) / 1_000)),
      sendPingsAutomatically: true,
      upgrade: (response, request, context) => {
        const incoming = asIncoming(response, request);
        const route = this.exchange.upgrade(incoming);
        if ('status' in route) this.send(response, route);
        else response.upgrade<Connection>({ route, remote: plainAddress(incoming.remote), socket: undefined }, incoming.headers['sec-websocket-key']!, route.protocol, '', context);
      },
      open: (webSocket) => {
        const connection = webSocket.getUserData();
        connection.socket = new UwsSocket(webSocket, connection.remote, limits.socketBufferBytes);
        this.sockets.add(connection.socket);
        connection.route.handler.open?.(connection.socket);
      },
      message: (webSocket, message, isBinary) => {
        const { route, socket } = webSocket.getUserData();
        if (isBinary) socket!.close(1003, 'text frames only');
        else route.handler.message(socket!, Buffer.from(message).toString('utf8'));
      },
      drain: (webSocket) => {
        const { route, socket } = webSocket.getUserData();
        route.handler.drain?.(socket!);
      },
      close: (webSocket) => {
        const { route, socket } = webSocket.getUserData();
        socket!.gone();
        this.sockets.delete(socket!);
        route.handler.close?.(socket!);
        this.settle();
      },
    });
    this.app.any('/*', (response, request) => this.request(response, request));
  }

  async listen(host: string, port: number): Promise<number> {
    // uWebSockets.js shares a port with whoever shares theirs and tells no reason for a failure: ask Node first.
    if (port !== 0) await tryPort(host, port);
    return new Promise((resolve, reject) => {
      this.app.listen(host, port, (token) => {
        if (token === false) {
          reject(Object.assign(new Error(`cannot listen on ${host}:${port}`), { code: 'EADDRINUSE' }));
          return;
        }
        this.listening.push(token);
        resolve(this.uws.us_socket_local_port(token));
      });
    });
  }

  async close(graceMs: number): Promise<void> {
    this.closing = true;
    for (const token of this.listening.splice(0)) this.uws.us_listen_socket_close(token);
    for (const socket of [...this.sockets]) socket.close(1001, 'the server is going away');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
      this.settle();
    });
    this.app.close();
  }

  private settle(): void {
    if (this.pending === 0 && this.sockets.size === 0) this.onIdle?.();
  }

  private request(response: HttpResponse, request: HttpRequest): void {
    const incoming = asIncoming(response, request);
    let gone = false;
    const accepted = this.exchange.accept(incoming.method, incoming.path);
    const collector = new BodyCollector(accepted.bodyLimit);
    const timer = setTimeout(() => collector.fail(new HttpError(408, 'Request Timeout', 'The body did not arrive in time.')), this.limits.bodyTimeoutMs);
    response.onAborted(() => {
      gone = true;
      clearTimeout(timer);
      collector.fail(new HttpError(400, 'Bad Request', 'The connection broke before the body was complete.'));
    });
    // The body must be taken from the first moment on; the chunk's memory is taken back after the call.
    response.onData((chunk, isLast) => {
      if (!collector.push(Buffer.from(chunk.slice(0)))) return;
      if (!isLast) return;
      clearTimeout(timer);
      collector.end();
    });
    if (headBytes(incoming) > this.limits.headerBytes) {
      clearTimeout(timer);
      this.send(response, this.exchange.refuse(new HttpError(431, 'Request Header Fields Too Large', `The head of the request is longer than ${this.limits.headerBytes} bytes.`)));
      return;
    }
    this.pending += 1;
    void accepted.respond({ ...incoming, body: () => collector.body }).then((answer) => {
      clearTimeout(timer);
      if (!gone) this.send(response, answer);
      this.pending -= 1;
      this.settle();
    });
  }

  private send(response: HttpResponse, answer: Answer): void {
    response.cork(() => {
      response.writeStatus(`${answer.status} ${STATUS_CODES[answer.status] ?? ''}`);
      for (const [name, value] of Object.entries(answer.headers)) response.writeHeader(name, value);
      const close = answer.close || this.closing;
      if (close) response.writeHeader('connection', 'close');
      if (!answer.headOnly) {
        response.end(answer.body, close);
        return;
      }
      // With a length as argument, `endWithoutBody` goes on waiting for so many bytes.
      if (answer.status !== 204 && answer.status !== 304) response.writeHeader('content-length', String(answer.body.length));
      response.endWithoutBody();
    });
  }
}

class UwsSocket implements Socket {
  readonly remote: string;
  private readonly limit: number;
  /** Undefined once it is closed: it may not be touched then. */
  private webSocket: WebSocket<Connection> | undefined;

  constructor(webSocket: WebSocket<Connection>, remote: string, limit: number) {
    this.webSocket = webSocket;
    this.remote = remote;
    this.limit = limit;
  }

  send(text: string): boolean {
    const { webSocket } = this;
    if (webSocket === undefined || webSocket.getBufferedAmount() > this.limit) return false;
    return webSocket.send(text) !== 2;
  }

  buffered(): number {
    return this.webSocket?.getBufferedAmount() ?? 0;
  }

  close(code: number, reason: string): void {
    // What was sent before still goes out; a client that doesn't take it is cut off by the idle timeout.
    this.webSocket?.end(code, reason);
  }

  gone(): void {
    this.webSocket = undefined;
  }
}

function asIncoming(response: HttpResponse, request: HttpRequest): Omit<Incoming, 'body'> {
  const headers = Object.create(null) as Record<string, string>;
  request.forEach((name, value) => {
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  });
  return {
    method: request.getCaseSensitiveMethod(),
    path: request.getUrl(),
    // Undefined where there is none, whatever its type says.
    query: (request.getQuery() as string | undefined) ?? '',
    headers,
    remote: Buffer.from(response.getRemoteAddressAsText()).toString(),
  };
}

function headBytes(incoming: Omit<Incoming, 'body'>): number {
  let bytes = incoming.path.length + incoming.query.length;
  for (const name in incoming.headers) bytes += name.length + incoming.headers[name]!.length + 4;
  return bytes;
}

async function tryPort(host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host, port, exclusive: true }, () => void probe.close(() => resolve()));
  });
}
