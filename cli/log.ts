import { pino, type DestinationStream, type Logger } from 'pino';
import type { Loaded } from '../config/load.js';

/**
 * The engine's log: JSON lines, or for a terminal a readable form. To `fd` (1 stdout, 2 stderr).
 * Written at once, so that nothing is lost when the process ends.
 */
export async function openLog({ logging, global }: Pick<Loaded, 'logging' | 'global'>, fd: 1 | 2, json: boolean): Promise<Logger> {
  const terminal = (fd === 1 ? process.stdout : process.stderr).isTTY;
  const pretty = !json && (logging.format === 'pretty' || (logging.format === 'auto' && terminal));
  const base = { service: global.service_name, ...(global.environment === undefined ? {} : { environment: global.environment }) };
  if (!pretty) return pino({ level: logging.level, base: { pid: process.pid, ...base } }, pino.destination({ dest: fd, sync: true }));
  // As a stream: as a transport it would be a thread of 13 MB.
  const { PinoPretty } = await import('pino-pretty');
  const stream = PinoPretty({ destination: fd, sync: true, colorize: terminal && process.env['NO_COLOR'] === undefined, translateTime: 'HH:MM:ss', ignore: 'pid,hostname,service,environment,node', messageFormat: '{if node}{node}: {end}{msg}' }) as DestinationStream;
  return pino({ level: logging.level, base }, stream);
}
