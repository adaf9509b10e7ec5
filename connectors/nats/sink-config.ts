import { z } from 'zod';
import { size } from '../../engine/scalars.js';
import { connectionFields, connectionProblem } from './connection-config.js';
import { SPOOL_LEAST } from './limits.js';

const prefix = (fallback: string) =>
  z
    .string()
    .regex(/^[^\s.*>]+(?:\.[^\s.*>]+)*$/, 'is the beginning of a subject: names between dots, without * and >')
    .default(fallback);

const rows = z
  .strictObject({
    subject: prefix('rows.v1').describe('rows of node NODE are published to SUBJECT.NODE'),
    form: z.enum(['frame', 'influx']).default('frame').describe('columnar frames (docs/columnar-frame.md), or InfluxDB line protocol'),
  })
  .describe('publishes rows too; without it findings alone');

const jetstream = z
  .strictObject({ stream: z.string().min(1).optional().describe('stream that must keep them: else they wait') })
  .describe('waits until a stream has what was published; without it until the server has taken it');

export const sinkConfig = z
  .strictObject({
    ...connectionFields,
    findings: prefix('findings.v1').describe('a finding of node NODE is published to FINDINGS.KIND.NODE'),
    rows: rows.optional(),
    jetstream: jetstream.optional(),
    spool: size()
      .refine((bytes) => bytes >= SPOOL_LEAST, { error: 'must be at least 64MiB' })
      .default(2 * 1024 ** 3)
      .describe('bound on what waits on disk while the server or its stream is away; past it the graph waits'),
  })
  .superRefine((value, context) => {
    const wrong = connectionProblem(value);
    if (wrong !== undefined) context.addIssue({ code: 'custom', path: [wrong.path], message: wrong.message });
  });
export type SinkConfig = z.output<typeof sinkConfig>;
