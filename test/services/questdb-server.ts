import { join } from 'node:path';
import { cached } from './cache.js';
import { dockerFiles } from './docker-files.js';
import { runTool } from './run-tool.js';
import { Unavailable, type Program, type Service } from './service.js';

const VERSION = '9.3.4';
/** What its classes are compiled for. */
const OLDEST_JAVA = 17;
const MODULE = ['-m', 'io.questdb/io.questdb.ServerMain'];

export interface QuestdbOptions {
  /** Its settings, as variables: `QDB_LINE_AUTO_CREATE_NEW_TABLES: 'false'`. */
  readonly env: Readonly<Record<string, string>>;
  /** It lives for a test: Java compiles as little as it can, which takes a third off the processor time of its start. */
  readonly brief: boolean;
}

export const questdbService: Service<QuestdbOptions> = {
  name: 'questdb',
  version: VERSION,
  usualPorts: { http: 9000, postgres: 8812, line: 9009, health: 9003 },
  readyLine: /server-main enjoy/,
  portTaken: /could not bind socket/,

  async find() {
    try {
      return await ofJar();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return await ofImage(error.message);
    }
  },

  launch({ command, args }, folder, ports, { env = {}, brief = false }) {
    const at = (name: string) => `127.0.0.1:${ports[name]}`;
    // Its tests share a machine: a quarter of the memory is what Java takes otherwise.
    const java = ['-Xmx1g', ...(brief ? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] : ['-XX:+UseParallelGC']), `-XX:ErrorFile=${join(folder, 'hs_err_%p.log')}`];
    return {
      command,
      args: [...java, ...args, ...MODULE, '-d', folder],
      env: {
        QDB_HTTP_BIND_TO: at('http'),
        QDB_PG_NET_BIND_TO: at('postgres'),
        QDB_LINE_TCP_NET_BIND_TO: at('line'),
        QDB_HTTP_MIN_NET_BIND_TO: at('health'),
        QDB_TELEMETRY_ENABLED: 'false',
        QDB_METRICS_ENABLED: 'true',
        // Without it, several lines for each request; what it says of its start comes all the same.
        QDB_LOG_W_STDOUT_LEVEL: 'ERROR',
        ...env,
      },
    };
  },

  addresses: (ports) => ({ http: `http://127.0.0.1:${ports['http']}`, postgres: `postgresql://admin:quest@127.0.0.1:${ports['postgres']}/qdb`, line: `tcp://127.0.0.1:${ports['line']}` }),
};

async function ofJar(): Promise<Program> {
  const { ok, output } = await runTool('java', ['-version'], 120_000);
  const found = /version "(?<major>\d+)/.exec(output)?.groups?.['major'];
  if (!ok || Number(found) < OLDEST_JAVA) throw new Unavailable(`Java ${OLDEST_JAVA} or later: ${ok ? `java is ${found}` : 'no java on the PATH'}`);
  const install = async (folder: string) => {
    const args = ['-q', '-B', 'dependency:copy', `-Dartifact=org.questdb:questdb:${VERSION}`, `-DoutputDirectory=${folder}`, '-Dmdep.stripVersion=true'];
    return { ...(await runTool('mvn', args, 300_000)), made: join(folder, 'questdb.jar') };
  };
  return { command: 'java', args: ['-p', await cached(`questdb-${VERSION}.jar`, [{ name: 'mvn', install }])] };
}

/** The image brings a Java of its own, with the server in it. */
async function ofImage(withoutJar: string): Promise<Program> {
  try {
    const folder = await cached(`questdb-${VERSION}-image`, [{ name: 'docker', install: (into) => dockerFiles(`questdb/questdb:${VERSION}`, '/app', into) }]);
    return { command: join(folder, 'bin/java'), args: [] };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    throw new Unavailable(`${withoutJar}; ${error.message}`, { cause: error });
  }
}
