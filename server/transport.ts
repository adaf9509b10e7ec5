import type { Logger } from 'pino';
import type { Exchange } from './exchange.js';
import { BODY_TIMEOUT_MS, FRAME_BYTES, HEAD_TIMEOUT_MS, HEADER_BYTES, PING_MS, SOCKET_BUFFER_BYTES } from './limits.js';
import { openNodeTransport } from './node-transport.js';
import { openUwsTransport } from './uws-transport.js';

/** Carries requests, answers and WebSockets between the network and an `Exchange`; knows no routes. */
export interface HttpTransport {
  readonly name: 'uws' | 'node';
  /** May be called for several addresses. Port 0: any free one. Rejects with the code of the system (`EADDRINUSE`, `EACCES`, ...). */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new connection, closes sockets with 1001, lets requests under way end for at most `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

export interface TransportLimits {
  readonly headerBytes: number;
  readonly headTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly frameBytes: number;
  readonly socketBufferBytes: number;
  readonly pingMs: number;
}

export const transportLimits: TransportLimits = {
  headerBytes: HEADER_BYTES,
  headTimeoutMs: HEAD_TIMEOUT_MS,
  bodyTimeoutMs: BODY_TIMEOUT_MS,
  frameBytes: FRAME_BYTES,
  socketBufferBytes: SOCKET_BUFFER_BYTES,
  pingMs: PING_MS,
};

/** `auto`: uWebSockets.js where its binary loads, else node:http. */
export type TransportChoice = 'auto' | 'uws' | 'node';

export async function openTransport(choice: TransportChoice, exchange: Exchange, log: Logger, limits: TransportLimits = transportLimits): Promise<HttpTransport> {
  if (choice === 'node') return openNodeTransport(exchange, limits);
  try {
    return await openUwsTransport(exchange, limits);
  } catch (error) {
    if (choice === 'uws') throw error;
    const reason = (error as Error).message.split('\n')[0]!;
    log.info({ reason }, 'uWebSockets.js does not load here, serving with node:http');
    return openNodeTransport(exchange, limits);
  }
}
