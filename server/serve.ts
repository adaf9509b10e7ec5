import type { Logger } from 'pino';
import type { Clock } from '../engine/clock.js';
import type { Routes } from '../engine/routes.js';
import { addApi } from './api.js';
import { Exchange } from './exchange.js';
import { GRACE_MS } from './limits.js';
import { ProcessMetrics } from './process-metrics.js';
import { Router } from './router.js';
import type { RuntimeView } from './runtime-view.js';
import { addStatic } from './static.js';
import { openTransport, type HttpTransport, type TransportChoice } from './transport.js';

export interface ServerConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** A further port that serves the same. */
  readonly apiPort?: number;
  readonly transport?: TransportChoice;
  /** Origins besides its own whose pages may post and open WebSockets. */
  readonly origins?: readonly string[];
}

export interface ServerOptions {
  readonly config: ServerConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Folder of the built dashboard. */
  readonly assets: string;
}

export interface Server {
  /** For a browser: `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly transport: HttpTransport['name'];
  /** For the connectors. */
  readonly routes: Routes;
  /** The connectors have added their routes, and the API reads this graph from now on. Before, it answers 503, also at paths that it does not know. */
  attach(view: RuntimeView): void;
  close(): Promise<void>;
}

/** The port could not be taken: its message says why and what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Listens, with API and dashboard in place. Connectors add their routes later. Throws `ListenError`. */
export async function startServer({ config, version, clock, log, assets }: ServerOptions): Promise<Server> {
  const router = new Router();
  router.expectMore();
  const processMetrics = new ProcessMetrics();
  let view: RuntimeView | undefined;
  addApi(router, { current: () => view, processMetrics, version, clock, log });
  if (!(await addStatic(router, assets))) log.warn({ folder: assets }, 'no dashboard is built: only the API is served');
  const transport = await openTransport(config.transport ?? 'auto', new Exchange(router, config.origins ?? [], log), log);
  const close = async () => {
    processMetrics.close();
    await transport.close(GRACE_MS);
  };
  try {
    const port = await listen(transport, config.host, config.port, 'port');
    if (config.apiPort !== undefined && config.apiPort !== config.port) await listen(transport, config.host, config.apiPort, 'api_port');
    return {
      address: `http://${reachable(config.host)}:${port}`,
      transport: transport.name,
      routes: router,
      attach: (next) => {
        view = next;
        router.complete();
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(transport: HttpTransport, host: string, port: number, setting: 'port' | 'api_port'): Promise<number> {
  try {
    return await transport.listen(host, port);
  } catch (error) {
    throw new ListenError(explain((error as NodeJS.ErrnoException).code, error as Error, host, port, setting), { cause: error });
  }
}

function explain(code: string | undefined, error: Error, host: string, port: number, setting: string): string {
  const variable = `MILLRACE_SERVER_${setting.toUpperCase()}`;
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken by another process: stop it, or choose another by server.${setting} in the config or ${variable}`;
    case 'EACCES':
      return `port ${port} may not be opened by this user: choose one from 1024 on by server.${setting} in the config or ${variable}`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is not an address of this machine: set server.host in the config or MILLRACE_SERVER_HOST, for example to 127.0.0.1`;
    default:
      return `cannot listen on ${host}:${port}: ${error.message}`;
  }
}

/** A host that a browser on this machine can open. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
