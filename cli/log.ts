import { pino, type Logger } from 'pino';

export function openLog(level: string): Logger {
  return pino({ level }, pino.destination({ fd: 2, sync: true }));
}
