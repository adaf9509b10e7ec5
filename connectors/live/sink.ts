import { z } from 'zod';
import { defineSink } from '../../engine/connector.js';
import { duration, size } from '../../engine/scalars.js';
import { LiveSink } from './live-sink.js';

const config = z.strictObject({
  path: z.string().regex(/^\/[\w\-./]*$/, 'must be a path such as /live').default('/live').describe('path of the WebSocket; two live sinks need two paths'),
  history: duration({ min: '1s', max: '1h' }).default(300_000).describe('length of the past that a new subscriber of rows is sent'),
  max_series: z.number().int().min(1).max(1_000_000).default(10_000).describe('series whose recent rows are kept; the one silent the longest makes room for a new one'),
  memory: size().default(32 * 1024 * 1024).describe('bound on the memory for recent rows'),
  retain: z.number().int().min(1_000).max(1_000_000).default(10_000).describe('findings of each channel that a subscriber can resume from; kept on disk'),
});
export type LiveConfig = z.infer<typeof config>;

export const liveSink = defineSink({
  name: 'live',
  summary: 'Serves rows and findings to dashboards and other subscribers over a WebSocket, as they come.',
  description: `Subscribers speak \`millrace.v1\`, described in [the live protocol](../live-protocol.md). The API answers from what this
sink keeps in memory: the newest row of each series, the recent past, and which findings are open.

Findings are written to disk before they are sent, so that a subscriber goes on where it stopped without a gap and without a
duplicate, also after a crash. Rows are kept in memory only: after a restart a subscriber gets a fresh snapshot.

A subscriber that is too slow harms nobody: its rows are thinned out to the newest of each series; findings are never skipped, but its
connection is closed and it may come back and go on.`,
  config,
  examples: [
    {
      title: 'The machine, live',
      yaml: `sources:
  host: { type: host }
operators:
  odd: { type: detect, from: host }
sinks:
  live: { type: live, from: [host, odd] }
`,
    },
    {
      title: 'A longer past on fewer series',
      yaml: `sources:
  host: { type: host }
sinks:
  live: { type: live, from: host, history: 15m, max_series: 500, memory: 16MiB }
`,
    },
  ],
  create: (settings, context) => new LiveSink(settings, context),
});
