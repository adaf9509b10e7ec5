import { z } from 'zod';
import { duration, size } from '../../engine/scalars.js';
import { isoTime } from '../payload/iso-time.js';
import { connectionFields, connectionProblem } from './connection-config.js';
import { overlap, subject } from './subjects.js';

/** Refused messages are told on subjects below it. */
export const DEAD_LETTERS = 'deadletters.v1';

const NAME = /^[^\s.*>/\\]+$/;
const name = (what: string) => z.string().regex(NAME, `the name of a ${what} has no spaces, dots, slashes, * or >`);

const create = z
  .strictObject({
    max_bytes: size().default(10 * 1024 ** 3).describe('bytes of the stream at most; past it the oldest messages are dropped'),
    max_age: duration({ min: '1m' }).default(86_400_000).describe('messages older than this are dropped'),
    replicas: z.int().min(1).max(5).default(1).describe('servers that keep each message'),
    storage: z.enum(['file', 'memory']).default('file').describe('where the servers keep it'),
  })
  .describe('creates the stream where it is missing, with these limits; without it a missing stream is waited for');

const jetstream = z
  .strictObject({
    stream: name('stream').default('METRICS').describe('stream to read; its retention must be `limits`'),
    create: create.optional(),
    from: z
      .string()
      .default('start')
      .refine((text) => text === 'start' || text === 'new' || Number.isFinite(isoTime(text)), { error: ({ input }) => `${JSON.stringify(input)} is none of start, new and a time such as 2024-01-15T10:30:00Z` })
      .describe('where a graph without checkpoints begins: `start`, `new` or a time (ISO 8601)'),
    durable: name('consumer').optional().describe('durable consumer that marks for people and monitoring how far the oldest checkpoint has come; made where it is missing, and nothing depends on it'),
    domain: name('domain').optional().describe('domain of the JetStream, where it is not that of the server we connect to'),
    dedup_window: duration().default(600_000).describe('a message with the `Nats-Msg-Id` of one that came to the stream within this time before it is left out (up to twice the time; at least among the last 2,097,152 messages); 0s: none is'),
  })
  .describe('reads a stream, exactly once over crashes; without it core subscriptions, at most once');

export const sourceConfig = z
  .strictObject({
    ...connectionFields,
    subjects: z.array(subject()).min(1).default(['metrics.v1.>']).describe('subjects to read, with wildcards'),
    queue: z.string().regex(/^\S+$/, 'the name of a queue group has no spaces').optional().describe('core NATS: the queue group, whose members share the messages'),
    jetstream: jetstream.optional(),
    precision: z.enum(['ns', 'us', 'ms', 's', 'm', 'h']).default('ns').describe('of the timestamps of InfluxDB line protocol'),
    disorder: duration().default(5_000).describe('how much out of order samples of different publishers may arrive before they are late for windows'),
    dead_letters: z.boolean().default(true).describe(`publishes refused messages to ${DEAD_LETTERS}.NODE too`),
  })
  .superRefine((value, context) => {
    const problem = (path: (string | number)[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const wrong = connectionProblem(value);
    if (wrong !== undefined) problem([wrong.path], wrong.message);
    const { subjects, queue } = value;
    for (const [i, one] of subjects.entries()) {
      const other = subjects.slice(0, i).find((before) => overlap(before, one));
      if (other !== undefined) problem(['subjects', i], `${one} and ${other} have subjects in common: their messages would come twice`);
      if (overlap(one, `${DEAD_LETTERS}.*`)) problem(['subjects', i], `${one} takes in ${DEAD_LETTERS}.*, where refused messages are told: they would go round in a circle`);
    }
    if (queue !== undefined && value.jetstream !== undefined) problem(['queue'], 'a queue group is for core subscriptions: a stream is read whole, in order');
  });
export type SourceConfig = z.output<typeof sourceConfig>;
