import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { HttpError, type Socket } from '../engine/routes.js';
import { BodyCollector } from './body.js';
import { plainAddress, type Answer, type Exchange, type Incoming } from './exchange.js';
import { CLOSE_TIMEOUT_MS, KEEP_ALIVE_MS } from './limits.js';
import type { SocketRoute } from './router.js';
import type { HttpTransport, TransportLimits } from './transport.js';

/** node:http and ws: everywhere that Node runs. */
export function openNodeTransport(exchange: Exchange, limits: TransportLimits): HttpTransport {
  return new NodeTransport(exchange, limits);
}

class NodeTransport implements HttpTransport {
  readonly name = 'node';
  private readonly exchange: Exchange;
  private readonly limits: TransportLimits;
  private readonly servers: Server[] = [];
  private readonly webSockets: WebSocketServer;
  private readonly pings: NodeJS.Timeout;
  /** Sockets that have been pinged and have not answered. */
  private readonly silent = new WeakSet<WebSocket>();

  constructor(exchange: Exchange, limits: TransportLimits) {
    this.exchange = exchange;
    this.limits = limits;
    this.webSockets = new WebSocketServer({ noServer: true, maxPayload: limits.frameBytes, perMessageDeflate: false, clientTracking: true });
    this.pings = setInterval(() => this.ping(), limits.pingMs);
    this.pings.unref();
  }

  async listen(host: string, port: number): Promise<number> {
    const { headerBytes, headTimeoutMs, bodyTimeoutMs } = this.limits;
    const server = createServer({
      maxHeaderSize: headerBytes,
      headersTimeout: headTimeoutMs,
      requestTimeout: headTimeoutMs + bodyTimeoutMs,
      connectionsCheckingInterval: Math.min(headTimeoutMs, 5_000),
      keepAliveTimeout: KEEP_ALIVE_MS,
    });
    server.on('request', (request, response) => void this.request(request, response));
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
    server.on('clientError', (error, socket) => this.clientError(error, socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    this.servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  async close(graceMs: number): Promise<void> {
    clearInterval(this.pings);
    const closed = this.servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())));
    for (const server of this.servers) server.closeIdleConnections();
    for (const socket of this.webSockets.clients) socket.close(1001, 'the server is going away');
    const cut = setTimeout(() => {
      for (const socket of this.webSockets.clients) socket.terminate();
      for (const server of this.servers) server.closeAllConnections();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  private async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const incoming = asIncoming(request);
    const accepted = this.exchange.accept(incoming.method, incoming.path);
    let body: Promise<Uint8Array> | undefined;
    const answer = await accepted.respond({ ...incoming, body: () => (body ??= this.readBody(request, accepted.bodyLimit)) });
    if (response.destroyed) return;
    const going = this.servers.some((server) => !server.listening);
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(answer.status === 204 || answer.status === 304 ? {} : { 'content-length': answer.body.length }),
      ...(answer.close || going ? { connection: 'close' } : {}),
    });
    response.end(answer.headOnly ? undefined : answer.body);
  }

  private readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
    const collector = new BodyCollector(limit);
    const timer = setTimeout(() => collector.fail(new HttpError(408, 'Request Timeout', 'The body did not arrive in time.')), this.limits.bodyTimeoutMs);
    request.on('data', (chunk: Buffer) => {
      if (!collector.push(chunk)) request.pause();
    });
    request.on('end', () => collector.end());
    // Comes last in every case; after `end` it changes nothing.
    request.on('close', () => {
      clearTimeout(timer);
      collector.fail(new HttpError(400, 'Bad Request', 'The connection broke before the body was complete.'));
    });
    return collector.body.finally(() => clearTimeout(timer));
  }

  private upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy());
    const incoming = asIncoming(request);
    const route = this.exchange.upgrade(incoming);
    if ('status' in route) {
      stream.end(rawAnswer(route));
      return;
    }
    // ws chooses the first protocol offered: leave it only the one that was agreed on.
    request.headers['sec-websocket-protocol'] = route.protocol;
    this.webSockets.handleUpgrade(request, stream, head, (webSocket) => this.opened(webSocket, route, incoming.remote));
  }

  private opened(webSocket: WebSocket, { handler }: SocketRoute, remote: string): void {
    const socket = new NodeSocket(webSocket, this.limits.socketBufferBytes, plainAddress(remote), () => handler.drain?.(socket));
    webSocket.on('message', (data: RawData, isBinary: boolean) => {
      if (isBinary) socket.close(1003, 'text frames only');
      // Buffers, because binaryType is left at its default.
      else handler.message(socket, (data as Buffer).toString('utf8'));
    });
    webSocket.on('pong', () => this.silent.delete(webSocket));
    // ws answers protocol errors with their close code by itself.
    webSocket.on('error', () => undefined);
    webSocket.on('close', () => handler.close?.(socket));
    handler.open?.(socket);
  }

  private ping(): void {
    for (const socket of this.webSockets.clients) {
      if (this.silent.has(socket)) socket.terminate();
      else {
        this.silent.add(socket);
        socket.ping();
      }
    }
  }

  private clientError(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer(this.exchange.refuse(refusal(error, this.limits))));
  }
}

class NodeSocket implements Socket {
  readonly remote: string;
  private readonly webSocket: WebSocket;
  private readonly limit: number;
  private readonly drained: () => void;
  private wasHigh = false;

  constructor(webSocket: WebSocket, limit: number, remote: string, drained: () => void) {
    this.webSocket = webSocket;
    this.limit = limit;
    this.remote = remote;
    this.drained = drained;
  }

  send(text: string): boolean {
    const { webSocket } = this;
    if (webSocket.readyState !== webSocket.OPEN || webSocket.bufferedAmount > this.limit) return false;
    webSocket.send(text, () => {
      if (!this.wasHigh || webSocket.bufferedAmount > 0) return;
      this.wasHigh = false;
      if (webSocket.readyState === webSocket.OPEN) this.drained();
    });
    if (webSocket.bufferedAmount > 0) this.wasHigh = true;
    return true;
  }

  buffered(): number {
    return this.webSocket.bufferedAmount;
  }

  close(code: number, reason: string): void {
    this.webSocket.close(code, reason);
    setTimeout(() => this.webSocket.terminate(), CLOSE_TIMEOUT_MS).unref();
  }
}

function asIncoming(request: IncomingMessage): Omit<Incoming, 'body'> {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    // Node joins repeated headers; only Set-Cookie, which is none of a request's, is an array.
    headers: request.headers as Record<string, string>,
    remote: request.socket.remoteAddress ?? '',
  };
}

function rawAnswer(answer: Answer): Buffer {
  const lines = [`HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`];
  for (const [name, value] of Object.entries(answer.headers)) lines.push(`${name}: ${value}`);
  lines.push(`content-length: ${answer.body.length}`, 'connection: close', '', '');
  return Buffer.concat([Buffer.from(lines.join('\r\n')), answer.body]);
}

function refusal(error: NodeJS.ErrnoException, limits: TransportLimits): HttpError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(431, 'Request Header Fields Too Large', `The head of the request is longer than ${limits.headerBytes} bytes.`);
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, 'Request Timeout', 'The request did not arrive in time.');
    default:
      return new HttpError(400, 'Bad Request', 'This is not an HTTP/1.1 request.');
  }
}
