/** What the server offers to connectors and routes: requests in, responses out, sockets. No framework's types. */
import type { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface HttpRequest {
  readonly method: Method;
  /** Without the query. */
  readonly path: string;
  /** Values of `:name` parts of the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** Address of the client. */
  readonly remote: string;
  /** The whole body, decompressed by Content-Encoding; rejects with an `HttpError` 413 past the route's limit. */
  body(): Promise<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Objects are sent as JSON. */
  readonly body?: string | Uint8Array | object;
}

/** Thrown by a route: answered as RFC 9457 problem+json. */
export class HttpError extends Error {
  readonly status: number;
  /** What the client did wrong and how to mend it. */
  readonly detail: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Further members of the problem document. */
  readonly members: Readonly<Record<string, unknown>>;
  constructor(status: number, title: string, detail: string, options: { headers?: Record<string, string>; members?: Record<string, unknown> } = {}) {
    super(title);
    this.status = status;
    this.detail = detail;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }
}

export interface Socket {
  /** Sends a text frame; false when it was not taken because too much is waiting (see `buffered`). */
  send(text: string): boolean;
  /** Bytes not yet taken by the network. */
  buffered(): number;
  close(code: number, reason: string): void;
  readonly remote: string;
}

export interface SocketHandler {
  open?(socket: Socket): void;
  message(socket: Socket, text: string): void;
  /** What was waiting has left: `buffered()` is low again. */
  drain?(socket: Socket): void;
  close?(socket: Socket): void;
}

/** For the OpenAPI document. */
export interface RouteDescription {
  readonly summary: string;
  readonly query?: z.ZodType;
  /** Of the request. */
  readonly body?: z.ZodType;
  /** Body of the answer, and its status, default 200. */
  readonly answer?: z.ZodType;
  readonly status?: number;
}

export interface Routes {
  /** `path` may have `:name` parts. Again for the same path replaces the handler: a graph that starts again opens its sources again. `bodyLimit` in bytes (of the decompressed body), default 1 MiB. Without a description it is not in the OpenAPI document. */
  route(method: Method, path: string, handler: (request: HttpRequest) => Promise<HttpResponse> | HttpResponse, options?: { bodyLimit?: number; description?: RouteDescription }): void;
  /** A WebSocket at `path` with this subprotocol. */
  socket(path: string, protocol: string, handler: SocketHandler): void;
}
