import type { JetStreamClient } from 'nats';
import t from 'tap';
import type { Position } from '../../engine/connector.js';
import { seeded, systemRandom, type Random } from '../../engine/random.js';
import { Publisher } from '../../publish/index.js';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { client, json, makeStream, Reader, sleep, THEN, until } from './nats-rig.js';

const needed = await serversNeeded('nats');
const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(systemRandom() * 2 ** 31));
t.comment(`seed ${seed}: MILLRACE_TEST_SEED=${seed} takes the same again`);

const stream = { stream: 'METRICS' };

/**
 * Publishes messages of every kind in a random order: single samples and arrays, with ids and without, bad ones, and frames of two publishers that
 * refer to dictionaries of earlier frames. Times are in the samples, so whoever reads them reads the same.
 */
class Mixture {
  readonly #to: JetStreamClient;
  readonly #random: Random;
  readonly #publishers: readonly Publisher[];
  #value = 0;

  constructor(to: JetStreamClient, random: Random) {
    this.#to = to;
    this.#random = random;
    const send = (subject: string) => (frame: Uint8Array, id: string) => to.publish(subject, frame, { msgID: id });
    this.#publishers = [1, 2].map((which) => new Publisher({ send: send(`metrics.v1.frames.${which}`), framesPerDictionary: 5, id: new Uint8Array(8).fill(which), maxDelay: 2 ** 30 }));
  }

  async publish(messages: number): Promise<void> {
    for (let i = 0; i < messages; i++) {
      const what = this.#random();
      const value = (this.#value += 1);
      if (what < 0.3) await this.#to.publish('metrics.v1.single', json('single', value));
      else if (what < 0.4) await this.#to.publish('metrics.v1.array', `[${json('array', value)},${json('array', value + 0.5)}]`, { msgID: `array-${value}` });
      else if (what < 0.5) await this.#to.publish('metrics.v1.bad', `[{"metric_name":"bad"},${json('good', value)}]`);
      else {
        const publisher = this.#publishers[Math.floor(this.#random() * 2)]!;
        for (let row = 0; row < 3; row++) publisher.add('frame', { n: String(Math.floor(this.#random() * 20)) }, THEN + value, value + row / 10);
        await publisher.flush();
      }
    }
  }
}

t.test('read from any message on, it gives what it gives undisturbed: frames know the dictionaries sent before, ids that came before are repeats', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  // The server itself drops repeats for two minutes unless told otherwise: here it forgets an id soon.
  await makeStream(connection, { duplicate_window: 100e6 });
  const random = seeded(seed);
  const to = connection.jetstream();
  const mixture = new Mixture(to, random);
  for (const [id, value] of [['one', 1], ['other', 2], ['one', 3], ['one', 4]] as const) {
    await mixture.publish(12);
    // Again until the server has forgotten the one before.
    while ((await to.publish('metrics.v1.repeat', json('repeat', value), { msgID: id })).duplicate) await sleep(20);
  }
  await mixture.publish(5);
  await to.publish('metrics.v1.last', json('last', 1));

  const config = { servers: server.url, jetstream: stream, dead_letters: false };
  const positions: { readonly position: Position; readonly samples: number; readonly letters: number }[] = [];
  const whole = await Reader.open(t, config, undefined, { limit: 1, each: ({ position, samples, stage }) => positions.push({ position, samples: samples.length, letters: stage.letters.length }) });
  await until(() => whole.samples.at(-1)?.[1] === 'last');
  await whole.close();
  t.strictSame(whole.samples.filter(([, series]) => series === 'repeat').map(([, , value]) => value), [1, 2], 'the repeats are left out');
  t.equal(whole.stage.counts.get('repeated'), 2);
  t.equal(whole.stage.counts.get('missing'), undefined, 'every series is known');

  // Readings without samples may follow the last one.
  const within = positions.filter(({ samples }) => samples < whole.samples.length);
  let rewound = 0;
  for (let n = 0; n < 12; n++) {
    const { position, samples, letters } = within[Math.floor(random() * within.length)]!;
    const { dictionaries, sequence } = position as { dictionaries?: number; sequence: number };
    if (dictionaries !== undefined && dictionaries < sequence) rewound += 1;
    const again = await Reader.open(t, config, position);
    await until(() => again.samples.at(-1)?.[1] === 'last');
    await again.close();
    t.strictSame(again.samples, whole.samples.slice(samples), `after ${samples} samples, at sequence ${sequence}`);
    t.equal(again.stage.letters.length, whole.stage.letters.length - letters, 'and as many dead letters');
    t.equal(again.stage.counts.get('missing'), undefined);
  }
  t.ok(rewound > 0, 'some had to read dictionaries again');
});

t.test('a server that is killed, stopped and started again loses nothing and brings nothing twice; every change is told once', needed, async (t) => {
  const server = await natsServer(t, { jetstream: true });
  const connection = await client(t, server.url);
  await makeStream(connection);
  const to = connection.jetstream();
  const reader = await Reader.open(t, { servers: server.url, jetstream: stream });
  let published = 0;
  let publishing = true;
  const publisher = (async () => {
    for (; publishing; published++) {
      // Until it is acknowledged, under the same id.
      while (!(await to.publish('metrics.v1.a', json('m', published), { msgID: String(published), timeout: 500 }).then(() => true, () => false))) await sleep(20);
    }
  })();
  for (const end of ['kill', 'stop', 'kill'] as const) {
    await reader.until(reader.samples.length + 50);
    t.match(reader.source.health!(), { status: 'ok' });
    await server[end]();
    await until(() => reader.source.health!().status === 'down');
    t.match(reader.source.health!().detail, /^NATS is away: /);
    t.notOk(reader.source.hears!(), 'silence says nothing now');
    await server.restart();
    await until(() => reader.source.health!().status === 'ok');
  }
  await reader.until(reader.samples.length + 50);
  publishing = false;
  await publisher;
  await reader.until(published);
  t.strictSame(reader.values, Array.from({ length: published }, (_, i) => i));
  await until(() => reader.source.hears!());
  const told = reader.stage.logged.map(({ msg }) => msg.replace(/:.*/, ''));
  const changes = told.filter((msg, i) => msg !== told[i - 1]);
  t.strictSame(changes, ['connected to NATS', ...['NATS is away', 'connected to NATS', 'NATS is away', 'connected to NATS', 'NATS is away', 'connected to NATS']]);
  t.ok(told.length < 20, 'attempts are not told');
  await reader.source.close();
  t.equal(reader.stage.logged.length, told.length, 'a goodbye is not told');
});
