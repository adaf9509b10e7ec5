import { AckPolicy, connect } from 'nats';
import { inScratchFolder } from '../../millrace/scratch-folder.js';
import { fillStream, STREAM } from '../../nats/filled-stream.js';
import { runJobs, type Job, type Told } from '../job.js';
import { Totals } from '../totals.js';
import { decoders } from './decoders.js';
import { Windows } from './windows.js';

const form = process.argv[2] as keyof typeof decoders;

/** Messages that the server sends ahead. */
const AHEAD = 1_000;

await runJobs(
  `nats-client-${form}`,
  (job) =>
    inScratchFolder(async (folder) => {
      const stream = await fillStream(folder, form, job.samples, job.series);
      try {
        return await consumeAll(stream.url, stream.messages, job);
      } finally {
        await stream.close();
      }
    }),
  ['nats'],
);

async function consumeAll(url: string, messages: number, { samples }: Job): Promise<Told> {
  const before = process.cpuUsage();
  const totals = new Totals();
  const windows = new Windows(totals);
  const decode = decoders[form];
  const take = windows.add.bind(windows);
  const connection = await connect({ servers: url });
  const { name } = await (await connection.jetstreamManager()).consumers.add(STREAM, { ack_policy: AckPolicy.None });
  const consumer = await connection.jetstream().consumers.get(STREAM, name);
  let taken = 0;
  for await (const message of await consumer.consume({ max_messages: AHEAD })) {
    decode(message.data, take);
    if (++taken === messages) break;
  }
  const told = totals.told('W1');
  const { user, system } = process.cpuUsage(before);
  await connection.close();
  return { ...told, further: { samples_per_core_second: samples / ((user + system) / 1e6), messages_per_second: messages / told.seconds } };
}
