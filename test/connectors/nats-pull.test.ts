import t from 'tap';
import { Connection, type Incoming } from '../../connectors/nats/client.js';
import { JetStream } from '../../connectors/nats/jetstream.js';
import { OrderedPull } from '../../connectors/nats/ordered-pull.js';
import { systemClock } from '../../engine/clock.js';
import { seeded } from '../../engine/random.js';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { client, makeStream } from './nats-rig.js';

const needed = await serversNeeded('nats');
const MESSAGES = 9;

t.test('a pull whose bytes a message takes to the last one is over, though the server does not say so', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const publisher = await client(t, server.url);
  await makeStream(publisher, { subjects: ['metrics.v1.>'] });
  // What is worth a pull is megabytes. The subject has a letter of two bytes.
  for (let i = 0; i < MESSAGES; i++) await publisher.jetstream().publish('metrics.v1.ä', new Uint8Array(500_000 + i));
  const connection = await Connection.open({ servers: [server.url], name: 'pull' }, seeded(1));
  t.teardown(() => connection.close());

  /** Reads all of them, the first pull of so many bytes; returns their sizes, or why there are no more. */
  const read = async (first?: number): Promise<number[] | string> => {
    const sizes: number[] = [];
    const rooms = first === undefined ? [] : [first];
    let all = (): void => {};
    const done = new Promise<number[]>((resolve) => (all = () => resolve(sizes)));
    const hear = ({ size }: Incoming): void => {
      if (sizes.push(size) === MESSAGES) all();
    };
    const listener = { room: () => rooms.shift() ?? 8 * 1024 * 1024, hear, idle: () => {} };
    const pull = await OrderedPull.start(connection, new JetStream(connection, undefined), { stream: 'METRICS', start: 'start', filter: [], headersOnly: false }, listener, systemClock);
    pull.ask();
    const outcome = await Promise.race([done, pull.over]);
    pull.stop();
    return outcome;
  };

  const sizes = (await read()) as number[];
  t.equal(sizes.length, MESSAGES);
  t.same(await read(sizes.slice(0, 5).reduce((sum, size) => sum + size)), sizes);
});
