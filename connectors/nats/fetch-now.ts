import type { Connection } from './client.js';
import { placeOf, type JetStream } from './jetstream.js';
import { ANSWER_MS } from './limits.js';

/** Messages fetched at once, by their headers. */
export const FETCH = 1_000;

export interface Fetched {
  readonly sequence: number;
  /** Where its acknowledgement goes to. */
  readonly reply: string;
  /** `Nats-Msg-Id`. */
  readonly id: string | undefined;
}

/** The next messages of a consumer, as many as are there, up to `count`. */
export function fetchNow(connection: Connection, jetstream: JetStream, stream: string, consumer: string, count: number): Promise<Fetched[]> {
  const inbox = connection.inbox();
  const fetched: Fetched[] = [];
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(late);
      unsubscribe();
      settle();
    };
    const late = setTimeout(() => end(() => reject(new Error('JetStream does not answer'))), ANSWER_MS);
    const unsubscribe = connection.subscribe(
      inbox,
      (message) => {
        const place = placeOf(message.reply);
        if (place !== undefined) fetched.push({ sequence: place.sequence, reply: message.reply, id: message.header('nats-msg-id') });
        if (place === undefined || fetched.length === count) end(() => resolve(fetched));
      },
      (reason) => end(() => reject(new Error(reason))),
    );
    jetstream.fetch(stream, consumer, inbox, count);
  });
}

/** Whether the stream has a message of this subject and id after a sequence, however long ago it came. */
export async function streamHas(connection: Connection, jetstream: JetStream, { stream, subject, after, id }: { readonly stream: string; readonly subject: string; readonly after: number; readonly id: string }): Promise<boolean> {
  const { name, pending } = await jetstream.consumer(stream, { after }, [subject], true);
  try {
    for (let left = pending; left > 0; ) {
      const fetched = await fetchNow(connection, jetstream, stream, name, FETCH);
      if (fetched.some((message) => message.id === id)) return true;
      if (fetched.length === 0) break;
      left -= fetched.length;
    }
    return false;
  } finally {
    await jetstream.deleteConsumer(stream, name).catch(() => {});
  }
}
