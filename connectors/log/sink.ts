import { z } from 'zod';
import { defineSink, type ConnectorContext, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';

const config = z.strictObject({
  rows: z.boolean().default(false).describe('log every row too: for looking at a graph, not for production'),
});

class LogSink implements Sink {
  readonly #context: ConnectorContext;
  readonly #rows: boolean;

  constructor(options: z.output<typeof config>, context: ConnectorContext) {
    this.#context = context;
    this.#rows = options.rows;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  write(...[node, batch, names]: Parameters<Sink['write']>): Promise<void> {
    if (this.#rows) {
      for (let i = 0; i < batch.length; i++) {
        const columns = Object.fromEntries(Object.entries(batch.columns).map(([name, column]) => [name, column[i]]));
        this.#context.log.info({ node, time: new Date(batch.time[i]!).toISOString(), series: names.text(batch.slot[i]!), value: batch.value[i], ...columns }, 'row');
      }
    }
    return Promise.resolve();
  }

  receive(node: string, finding: Finding): Promise<void> {
    const { kind, state, severity, series, id, revision, explanation } = finding;
    const urgent = state !== 'closed' && (severity === 'high' || severity === 'critical');
    this.#context.log[urgent ? 'warn' : 'info']({ node, kind, state, severity, series, id, revision, time: new Date(finding.time).toISOString() }, explanation);
    return Promise.resolve();
  }

  flush(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const logSink = defineSink({
  name: 'log',
  summary: 'Writes findings, and rows where asked, to the log.',
  description: `One line a finding: its explanation, with kind, state, severity, series, id and revision as fields. Findings of severity \`high\` and
\`critical\` that are not closed are warnings, the others information. After a crash the findings since the last checkpoint are logged again.`,
  config,
  examples: [{ title: 'Anomalies in the log', yaml: 'sinks:\n  told: { type: log, from: odd }' }],
  create: (options, context) => new LogSink(options, context),
});
