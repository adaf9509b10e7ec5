import { connect, StorageType, type NatsConnection } from 'nats';
import { natsService, type NatsOptions } from '../../test/services/nats-server.js';
import { Server } from '../../test/services/server.js';
import { messages, type Form } from './messages.js';

export const STREAM = 'METRICS';
const SUBJECT = 'metrics.v1.bench';

/** Bytes on their way to the server at most. */
const FLUSH_BYTES = 4 * 1024 * 1024;

/** A stream of a real nats-server that holds the samples of a job. */
export interface FilledStream {
  /** `nats://127.0.0.1:14222`. */
  readonly url: string;
  readonly messages: number;
  readonly bytes: number;
  close(): Promise<void>;
}

/** Starts a server in a folder that exists, and publishes all messages into a stream on its disk. */
export async function fillStream(folder: string, form: Form, samples: number, series: number): Promise<FilledStream> {
  const server = await Server.start<NatsOptions>(natsService, folder, { jetstream: true });
  try {
    const url = server.addresses['client']!;
    const connection = await connect({ servers: url });
    const filled = await publish(connection, form, samples, series);
    await connection.close();
    return { url, ...filled, close: () => server.kill() };
  } catch (error) {
    await server.kill();
    throw error;
  }
}

async function publish(connection: NatsConnection, form: Form, samples: number, series: number): Promise<{ messages: number; bytes: number }> {
  const manager = await connection.jetstreamManager();
  await manager.streams.add({ name: STREAM, subjects: ['metrics.v1.>'], storage: StorageType.File });
  let count = 0;
  let bytes = 0;
  let unflushed = 0;
  for (const payload of messages(form, samples, series)) {
    connection.publish(SUBJECT, payload);
    count += 1;
    bytes += payload.length;
    unflushed += payload.length;
    if (unflushed < FLUSH_BYTES) continue;
    await connection.flush();
    unflushed = 0;
  }
  await connection.flush();
  // Published without acknowledgement, which is ten times as fast; so the stream itself must tell that it has them all.
  for (let tries = 0; ; tries++) {
    const { state } = await manager.streams.info(STREAM);
    if (state.messages === count) return { messages: count, bytes };
    if (tries === 5_000) throw new Error(`the stream took ${state.messages} of ${count} messages`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
