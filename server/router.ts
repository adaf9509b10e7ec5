import { HttpError, type HttpRequest, type HttpResponse, type Method, type RouteDescription, type Routes, type SocketHandler } from '../engine/routes.js';
import { BODY_BYTES } from './limits.js';

export type Handler = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse;

interface Route {
  readonly handler: Handler;
  readonly bodyLimit: number;
  readonly description: RouteDescription | undefined;
}

interface Place {
  /** Parts of the path; `:name` takes any one part. */
  readonly parts: readonly string[];
  readonly routes: Map<Method, Route>;
}

export interface Match extends Route {
  readonly params: Readonly<Record<string, string>>;
}

export interface SocketRoute {
  readonly protocol: string;
  readonly handler: SocketHandler;
}

/** From method and path to a handler. Registering again replaces: a graph that restarts opens its connectors anew. */
export class Router implements Routes {
  private readonly places = new Map<string, Place>();
  private readonly sockets = new Map<string, SocketRoute>();
  /** Connectors have not added their routes yet: what is not there may come. */
  private starting = false;

  route(method: Method, path: string, handler: Handler, options: { bodyLimit?: number; description?: RouteDescription } = {}): void {
    if (!path.startsWith('/')) throw new Error(`route ${path}: a path starts with /`);
    let place = this.places.get(path);
    if (place === undefined) {
      place = { parts: path.split('/'), routes: new Map() };
      this.places.set(path, place);
    }
    place.routes.set(method, { handler, bodyLimit: options.bodyLimit ?? BODY_BYTES, description: options.description });
  }

  socket(path: string, protocol: string, handler: SocketHandler): void {
    this.sockets.set(path, { protocol, handler });
  }

  /** Routes that have a description, by path. */
  *described(): Iterable<{ path: string; method: Method; description: RouteDescription }> {
    for (const [path, { routes }] of [...this.places].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const [method, { description }] of routes) if (description !== undefined) yield { path, method, description };
    }
  }

  /** Until `complete`, 503 instead of 404: a client is to come again. */
  expectMore(): void {
    this.starting = true;
  }

  complete(): void {
    this.starting = false;
  }

  socketAt(path: string): SocketRoute | undefined {
    return this.sockets.get(path);
  }

  missing(path: string): HttpError {
    if (this.starting) return new HttpError(503, 'Service Unavailable', 'The graph is starting; ask again in a moment.', { headers: { 'retry-after': '1' } });
    return new HttpError(404, 'Not Found', `There is nothing at ${path}. /api/openapi.json lists what there is.`);
  }

  /** The route; or, thrown, 404, 405 with Allow, 426 for a WebSocket, 400 where the path is not percent-encoded UTF-8. HEAD is answered by GET's route. */
  match(method: string, path: string): Match {
    const parts = path.split('/');
    const found = this.places.get(path) ?? this.withParams(parts);
    if (found === undefined && this.sockets.has(path)) {
      throw new HttpError(426, 'Upgrade Required', `${path} is a WebSocket of subprotocol ${this.sockets.get(path)!.protocol}.`, { headers: { upgrade: 'websocket' } });
    }
    if (found === undefined) throw this.missing(path);
    const route = found.routes.get((method === 'HEAD' ? 'GET' : method) as Method);
    if (route === undefined) {
      const allow = allowed(found);
      throw new HttpError(405, 'Method Not Allowed', `${path} takes ${allow}, not ${method}.`, { headers: { allow } });
    }
    const params: Record<string, string> = {};
    found.parts.forEach((part, index) => {
      if (part.startsWith(':')) params[part.slice(1)] = decode(parts[index]!);
    });
    return { ...route, params };
  }

  /** The value of Allow for a path; undefined where nothing is. */
  allow(path: string): string | undefined {
    const found = this.places.get(path) ?? this.withParams(path.split('/'));
    return found === undefined ? undefined : allowed(found);
  }

  private withParams(parts: readonly string[]): Place | undefined {
    for (const place of this.places.values()) {
      if (place.parts.length === parts.length && place.parts.every((part, index) => part === parts[index] || (part.startsWith(':') && parts[index] !== ''))) return place;
    }
    return undefined;
  }
}

function allowed(place: Place): string {
  const methods: string[] = [...place.routes.keys()];
  if (place.routes.has('GET')) methods.push('HEAD');
  return [...methods, 'OPTIONS'].sort().join(', ');
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new HttpError(400, 'Bad Request', `The path part ${JSON.stringify(part)} is not percent-encoded UTF-8.`);
  }
}
