import type { Loaded } from '../config/load.js';

/** Where the running engine of a config answers. */
export function engineAddress({ server: { host, port } }: Loaded): string {
  return `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}`;
}
