import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { readConfig } from '../../config/load.js';
import { root } from '../config/root.js';
import { emptyFolder } from '../engine-process.js';
import { questdb, serversNeeded } from './in-tests.js';
import { natsService } from './nats-server.js';
import { questdbService } from './questdb-server.js';
import { runTool } from './run-tool.js';

const needed = await serversNeeded('nats', 'questdb');

interface Part {
  readonly image: string;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly healthcheck?: { readonly test: readonly [kind: string, ...command: string[]] };
}

const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
  readonly services: Readonly<Record<'millrace' | 'nats' | 'questdb', Part & { readonly read_only?: boolean; readonly command?: readonly string[]; readonly environment?: Readonly<Record<string, string>> }>>;
  readonly configs: { readonly nats: { readonly content: string } };
  readonly volumes: Readonly<Record<string, null>>;
};
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/\\\n/g, ' ').split('\n');

/** The arguments of the last instruction of a name. */
const instruction = (name: string): string => dockerfile.findLast((line) => line.startsWith(`${name} `))!.slice(name.length + 1).trim();

const composes = (await runTool('docker', ['compose', 'version'], 10_000)).ok;
t.test('docker compose takes the file', { skip: !composes && 'there is no docker compose here' }, async (t) => {
  const { ok, output } = await runTool('docker', ['compose', '--file', join(root, 'docker-compose.yml'), 'config', '--quiet'], 30_000);
  t.ok(ok, output);
});

t.test('the servers have the versions that are tested, keep their data in volumes, and are reached from this machine alone', async (t) => {
  const { millrace, nats, questdb: store } = compose.services;
  t.equal(nats.image, `nats:${natsService.version}-alpine`);
  t.equal(store.image, `questdb/questdb:${questdbService.version}`);
  t.equal(millrace.read_only, true);
  const mounted = Object.values(compose.services).flatMap(({ volumes }) => volumes.map((volume) => volume.split(':')[0]!));
  t.strictSame(mounted.sort(), Object.keys(compose.volumes).sort());
  for (const part of Object.values(compose.services)) for (const port of part.ports) t.match(port, /^127\.0\.0\.1:/);
});

t.test('Millrace reads and writes the servers beside it, and nothing outside of its volume', async (t) => {
  const { command, environment, volumes } = compose.services.millrace;
  const [verb, graph] = command!;
  t.equal(verb, 'run');
  const { config, diagnostics } = readConfig(join(root, graph!.replace('/app/', '')), environment!);
  t.strictSame(diagnostics, []);
  const node = (kind: 'sources' | 'sinks', type: string) => config!.graph[kind].find((of) => of.type === type)!.config;
  t.match(node('sources', 'nats'), { servers: ['nats://nats:4222'] });
  t.match(node('sinks', 'questdb'), { url: 'http://questdb:9000', postgres: 'postgresql://admin:quest@questdb:8812/qdb' });
  t.equal(config!.base, volumes[0]!.split(':')[1]);
});

t.test('NATS takes its configuration', needed, async (t) => {
  const file = join(emptyFolder(t), 'nats.conf');
  writeFileSync(file, compose.configs.nats.content);
  const { command } = await natsService.find();
  t.match(await runTool(command, ['-t', '-c', file], 10_000), { ok: true, output: /configuration file .* is valid/ });
});

t.test('QuestDB takes its settings, and its health check tells a living server from none', needed, async (t) => {
  const part = compose.services.questdb;
  const server = await questdb(t, { env: Object.fromEntries(Object.entries(part.environment!).filter(([name]) => name !== 'QDB_LINE_TCP_ENABLED')) });
  t.equal((await fetch(`${server.url}/write`, { method: 'POST', body: 'unknown value=1\n' })).status, 400, 'no line makes a table');

  const [kind, command, ...args] = part.healthcheck!.test;
  t.equal(kind, 'CMD');
  const check = () => spawnSync(command!, args.map((text) => text.replaceAll('$$', '$').replace('9003', String(server.ports['health']))), { timeout: 60_000 }).status;
  t.equal(check(), 0);
  await server.kill();
  t.not(check(), 0);
});

t.test('the image runs Millrace as a user without rights, from files that exist', async (t) => {
  t.equal(instruction('USER'), 'node');
  const sources = dockerfile.filter((line) => line.startsWith('COPY ') && !line.includes('--from')).flatMap((line) => line.split(/\s+/).slice(1, -1));
  const taken = dockerfile.filter((line) => line.startsWith('COPY --from=build')).map((line) => line.split(/\s+/)[2]!.replace('/app/', ''));
  const command = [...(JSON.parse(instruction('ENTRYPOINT')) as string[]), ...(JSON.parse(instruction('CMD')) as string[])];
  const used = command.filter((text) => text.startsWith('/app/')).map((text) => text.replace('/app/', ''));
  t.strictSame(used, ['bin/millrace.js', 'config/millrace.yml']);
  for (const path of [...sources, ...taken, ...used]) t.ok(existsSync(join(root, path)), path);
  for (const path of used) t.ok(taken.includes(path.split('/')[0]!), `${path} is in the image`);
  t.equal(new Set(dockerfile.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1])).size, 1, 'what is built runs on the same system');
});

t.test('the health check of the image tells a ready engine from one that is not', async (t) => {
  let status = 200;
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const [, command] = /CMD (\[.*\])$/.exec(instruction('HEALTHCHECK'))!;
  const [, ...args] = JSON.parse(command!) as string[];
  const { port } = server.address() as AddressInfo;
  // Not synchronously: the answer comes from this process.
  const check = () => runTool(process.execPath, args, 60_000, { MILLRACE_SERVER_PORT: String(port) });
  t.match(await check(), { ok: true });
  status = 503;
  t.match(await check(), { ok: false });
  t.strictSame(asked, ['/readyz', '/readyz']);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  t.match(await check(), { ok: false });
});
