import { isIPv6, SocketAddress } from 'node:net';
import type { Logger } from 'pino';
import { HttpError, type HttpResponse, type Method } from '../engine/routes.js';
import { decodeBody } from './body.js';
import { originAllowed } from './origin.js';
import { problem } from './problem.js';
import type { Match, Router, SocketRoute } from './router.js';

/** A request as a transport sees it. */
export interface Incoming {
  readonly method: string;
  /** As sent, percent-encoded, without the query. */
  readonly path: string;
  /** Without the `?`. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly remote: string;
  /** The raw body; rejects with an `HttpError`. */
  body(): Promise<Uint8Array>;
}

/** What a transport sends. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Only the head is sent, with the length of this body. */
  readonly headOnly: boolean;
  /** The connection can't be used again: the request was not read to its end. */
  readonly close: boolean;
}

/** A request whose route is known: how much of its body to take, and the answer. */
export interface Accepted {
  readonly bodyLimit: number;
  respond(incoming: Incoming): Promise<Answer>;
}

/** The part of HTTP that both transports share: from a request to the bytes of the answer. It never throws. */
export class Exchange {
  private readonly router: Router;
  private readonly origins: readonly string[];
  private readonly log: Logger;

  constructor(router: Router, origins: readonly string[], log: Logger) {
    this.router = router;
    this.origins = origins;
    this.log = log;
  }

  accept(method: string, path: string): Accepted {
    let match: Match | undefined;
    let refused: unknown;
    try {
      match = this.router.match(method, path);
    } catch (error) {
      refused = error;
    }
    return {
      bodyLimit: match?.bodyLimit ?? 0,
      respond: async (incoming) => {
        try {
          if (method === 'OPTIONS') return this.answer(incoming, this.options(path));
          if (match === undefined) throw refused;
          return this.answer(incoming, await this.run(match, incoming));
        } catch (error) {
          if (!(error instanceof HttpError)) this.log.error({ err: error, method, path }, 'a request failed');
          return this.answer(incoming, problem(error));
        }
      },
    };
  }

  /** The socket route that a WebSocket handshake asks for, or why not. */
  upgrade(incoming: Omit<Incoming, 'body'>): SocketRoute | Answer {
    try {
      const route = this.router.socketAt(incoming.path);
      if (route === undefined) throw this.router.missing(incoming.path);
      if (!originAllowed(incoming.headers['origin'], incoming.headers['host'], this.origins)) throw foreignOrigin(incoming.headers['origin']!);
      const offered = (incoming.headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
      if (!offered.includes(route.protocol)) {
        throw new HttpError(400, 'Bad Request', `The WebSocket at ${incoming.path} speaks the subprotocol ${route.protocol}; ask for it by Sec-WebSocket-Protocol.`);
      }
      return route;
    } catch (error) {
      return this.answer({ ...incoming, body: () => Promise.resolve(new Uint8Array()) }, problem(error));
    }
  }

  /** The answer to what never became a request: a head that is too long or not HTTP. */
  refuse(error: HttpError): Answer {
    return { ...this.answer(undefined, problem(error)), close: true };
  }

  private run(match: Match, incoming: Incoming): Promise<HttpResponse> | HttpResponse {
    const changes = incoming.method !== 'GET' && incoming.method !== 'HEAD';
    if (changes && !originAllowed(incoming.headers['origin'], incoming.headers['host'], this.origins)) throw foreignOrigin(incoming.headers['origin']!);
    return match.handler({
      method: (incoming.method === 'HEAD' ? 'GET' : incoming.method) as Method,
      path: incoming.path,
      params: match.params,
      query: new URLSearchParams(incoming.query),
      headers: incoming.headers,
      remote: plainAddress(incoming.remote),
      body: async () => decodeBody(await incoming.body(), incoming.headers['content-encoding'], match.bodyLimit),
    });
  }

  private options(path: string): HttpResponse {
    if (this.router.socketAt(path) !== undefined) return { status: 204, headers: { allow: 'GET' } };
    const allow = this.router.allow(path);
    if (allow === undefined) throw this.router.missing(path);
    return { status: 204, headers: { allow } };
  }

  private answer(incoming: Incoming | undefined, response: HttpResponse): Answer {
    const { status, body } = response;
    const headers: Record<string, string> = { ...SECURITY };
    let bytes: Uint8Array;
    if (body === undefined) bytes = new Uint8Array();
    else if (typeof body === 'string') {
      headers['content-type'] = 'text/plain; charset=utf-8';
      bytes = Buffer.from(body);
    } else if (body instanceof Uint8Array) {
      headers['content-type'] = 'application/octet-stream';
      bytes = body;
    } else {
      headers['content-type'] = 'application/json';
      bytes = Buffer.from(JSON.stringify(body));
    }
    Object.assign(headers, response.headers);
    return { status, headers, body: bytes, headOnly: incoming?.method === 'HEAD' || status === 204 || status === 304, close: status === 408 || status === 413 };
  }
}

/** On every answer. Scripts, styles, connections: from this server only. Images may be inlined by the bundler. */
const SECURITY: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function foreignOrigin(origin: string): HttpError {
  return new HttpError(403, 'Forbidden', `Pages of ${origin} may not do this. Add the origin to server.origins to let them.`);
}

/** One text for one address: transports write IPv6 in long and in short form, and IPv4 as IPv6. */
export function plainAddress(address: string): string {
  const short = isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address;
  return short.startsWith('::ffff:') && short.includes('.') ? short.slice(7) : short;
}
