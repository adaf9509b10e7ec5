import { z } from 'zod';
import { defineOperator } from '../../engine/operator.js';
import { compileMatchers, selector } from '../../engine/selector.js';
import { seriesProblem } from '../../engine/series.js';
import { relabel } from './relabel.js';

const config = z.strictObject({
  where: selector().optional().describe('Which series pass: a selector of Prometheus, such as `cpu_usage{mode!="idle"}`. Default: all.'),
  rename: z
    .string()
    .superRefine((name, context) => refuse(seriesProblem(name, {}), context))
    .optional()
    .describe('New metric name.'),
  labels: z
    .record(z.string(), z.string())
    .superRefine((labels, context) => refuse(seriesProblem('x', labels), context))
    .default({})
    .describe('Labels to add or replace; an empty value removes the label.'),
});

function refuse(problem: string | undefined, context: z.RefinementCtx): void {
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
}

/**
 * What is selected, and under which name it goes on, is decided once a series: the engine runs `series`
 * at its announcement, drops the rows of series that become nothing, and hands over the others with the
 * slot of what they became. So nothing is left to do for a row: `push` hands the batch on, uncopied, with all
 * its columns.
 */
export default defineOperator({
  name: 'select',
  version: 1,
  summary: 'Passes chosen series on, under other names or labels.',
  description: `
Keeps the series that a selector of Prometheus chooses, and gives them another metric name or other labels.
Regular expressions match whole values, and a label that a series lacks equals \`""\`, as in Prometheus. It
costs nothing per sample: a series is judged once, when it is first seen.

Two series that would become one (by a name or labels that both get) can't: the second is refused with a warning.
Names with other characters than letters, digits, \`_\` and \`:\` are written in quotes: \`{"http.requests",code="500"}\`.`,
  config,
  examples: [
    {
      title: 'Busy time of all processors, without the idle mode',
      config: { where: 'cpu_usage{mode!="idle"}' },
      input: ['10s cpu_usage{mode="user"} 12', '10s cpu_usage{mode="idle"} 80', '10s memory_used 1e9', '11s cpu_usage{mode="user"} 15'],
      output: ['10s cpu_usage{mode="user"} 12', '11s cpu_usage{mode="user"} 15'],
    },
    {
      title: 'A series of another system under a name and labels of one’s own',
      config: { where: '{"legacy.requests",host=~"web-.*"}', rename: 'http_requests_total', labels: { team: 'shop', host: '' } },
      input: ['10s legacy.requests{host="web-1",zone="a"} 5', '10s legacy.requests{host="db-1",zone="a"} 7'],
      output: ['10s http_requests_total{team="shop",zone="a"} 5'],
    },
  ],
  ports: () => ({ input: { rows: [] }, output: { rows: [], passes: true } }),
  series: ({ where, rename, labels }) => {
    const selects = where === undefined ? () => true : compileMatchers(where);
    return (of) => (selects(of) ? [{ series: relabel(of, rename, labels) }] : []);
  },
  create: () => ({
    push: (batch, _state, out) => void out.extend(batch),
  }),
});
