import { z } from 'zod';
import type { HistoryRow } from '../engine/connector.js';
import type { Plan } from '../engine/plan.js';
import { HttpError, type Routes } from '../engine/routes.js';
import { parseSeries } from '../engine/series.js';
import { addEndpoint } from './endpoint.js';
import { iso, type Reader } from './reader.js';
import { graphBody, historyBody, historyQuery } from './schemas.js';

const HOUR_MS = 3_600_000;

/** What was: rows of the past, and the graph that made them. */
export function addHistoryRoutes(routes: Routes, reader: Reader): void {
  addEndpoint(routes, {
    path: '/api/history',
    summary: 'Rows of a node: of a store, else the recent ones of a live sink',
    query: historyQuery,
    body: historyBody,
    answer: async ({ node, metric_name, labels, from: asked, to = reader.clock.now(), buckets, limit }) => {
      const from = asked ?? to - HOUR_MS;
      if (from > to) throw new HttpError(400, 'Bad Request', `from ${iso(from)} is after to ${iso(to)}.`);
      const known = graphNodes(reader.view.plan);
      if (!known.some(({ name }) => name === node.replace(/\.late$/, ''))) {
        throw new HttpError(404, 'Not Found', `There is no node ${JSON.stringify(node)}; there are ${known.map(({ name }) => name).join(', ')}.`);
      }
      const rows = await reader.rows({
        node,
        from,
        to,
        // One more tells whether there are more.
        limit: limit + 1,
        ...(metric_name === undefined ? {} : { metric: metric_name }),
        ...(labels === undefined ? {} : { labels }),
        ...(buckets === undefined ? {} : { buckets }),
      });
      return { node, from: iso(from), to: iso(to), series: bySeries(rows.slice(0, limit)), truncated: rows.length > limit };
    },
  });

  addEndpoint(routes, {
    path: '/api/graph',
    summary: 'The graph that runs, as planned',
    body: graphBody,
    answer: () => {
      const { plan } = reader.view;
      return { partitions: plan.partitions, shards: plan.shards, nodes: graphNodes(plan) };
    },
  });
}

function bySeries(rows: readonly HistoryRow[]): z.input<typeof historyBody>['series'] {
  const series = new Map<string, { columns: string[]; rows: (number | null)[][] }>();
  for (const { time, series: text, value, columns } of rows) {
    let found = series.get(text);
    if (found === undefined) {
      found = { columns: Object.keys(columns), rows: [] };
      series.set(text, found);
    }
    found.rows.push([time, finite(value), ...found.columns.map((name) => finite(columns[name] ?? NaN))]);
  }
  return [...series].map(([text, found]) => {
    const { name, labels } = parseSeries(text);
    return { metric_name: name, labels: { ...labels }, ...found };
  });
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Without the configs: they may hold secrets. */
function graphNodes(plan: Plan): z.input<typeof graphBody>['nodes'] {
  return [
    ...plan.sources.map(({ spec }) => ({ name: spec.name, type: spec.type, kind: 'source' as const, from: [] })),
    ...plan.operators.map(({ spec, actor, columns }) => ({ name: spec.name, type: spec.type, kind: 'operator' as const, from: [...spec.from], actor, ...(columns === undefined ? {} : { columns: [...columns] }) })),
    ...plan.sinks.map(({ spec }) => ({ name: spec.name, type: spec.type, kind: 'sink' as const, from: [...spec.from] })),
  ];
}
