import { createServer } from 'node:net';
import type { Ports } from './service.js';

// Below what the system hands out for outgoing connections (from 32768 on Linux), so that none of those sits on a port
// while a server that will want it back is down.
const LOWEST = 12_000;
const HIGHEST = 32_000;

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** A free port for each name. Another process can take one before it is listened on: whoever starts a server tries again with others. */
export async function freePorts(names: readonly string[]): Promise<Ports> {
  const ports = new Map<string, number>();
  while (ports.size < names.length) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (![...ports.values()].includes(port) && (await isFree(port))) ports.set(names[ports.size]!, port);
  }
  return Object.fromEntries(ports);
}
