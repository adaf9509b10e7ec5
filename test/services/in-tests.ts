import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { natsService, type NatsOptions } from './nats-server.js';
import { questdbService, type QuestdbOptions } from './questdb-server.js';
import { Server } from './server.js';
import { Unavailable, type Service } from './service.js';

const services = { nats: natsService, questdb: questdbService } as const;

/**
 * Options of a test that needs real servers, installed now where they are missing: empty where all can be had, a skip
 * with the reason where not. In CI nothing is skipped: it rejects, and the file fails.
 */
export async function serversNeeded(...names: readonly (keyof typeof services)[]): Promise<{ skip?: string }> {
  for (const name of names) {
    try {
      await services[name].find();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      const reason = `${name} ${services[name].version} can't be had: ${error.message}`;
      if (process.env['CI'] === 'true') throw new Error(reason, { cause: error });
      return { skip: reason };
    }
  }
  return {};
}

/** A running NATS server with nothing in it, gone after the test. `url` is its address, such as `nats://127.0.0.1:14222`. */
export async function natsServer(t: Test, options: Partial<NatsOptions> = {}): Promise<Server<NatsOptions> & { readonly url: string }> {
  const server = await started(t, natsService, options);
  return Object.assign(server, { url: server.addresses['client']! });
}

/** A running QuestDB with nothing in it, gone after the test. `url` takes SQL and line protocol, `postgres` is its PGWire address. */
export async function questdb(t: Test, options: Partial<QuestdbOptions> = {}): Promise<Server<QuestdbOptions> & { readonly url: string; readonly postgres: string }> {
  const server = await started(t, questdbService, { brief: true, ...options });
  return Object.assign(server, { url: server.addresses['http']!, postgres: server.addresses['postgres']! });
}

async function started<Options extends object>(t: Test, service: Service<Options>, options: Partial<Options>): Promise<Server<Options>> {
  const folder = mkdtempSync(join(tmpdir(), `millrace-${service.name}-`));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const server = await Server.start(service, folder, options);
  t.teardown(async () => {
    if (!t.passing()) process.stderr.write(`The log of ${service.name} ends with:\n${server.log}\n`);
    await server.kill();
  });
  return server;
}
