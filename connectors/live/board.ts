import type { Board, LatestRow } from '../../engine/board.js';
import type { History, HistoryRow } from '../../engine/connector.js';
import type { Time } from '../../engine/clock.js';
import type { Finding, FindingKind } from '../../engine/finding.js';
import type { FindingRings } from './finding-rings.js';
import { channelOf, Filter, findingChannels } from './protocol.js';
import type { Ring, RowRings } from './row-rings.js';

/** The rings as the API reads them. */
export class LiveBoard implements Board, History {
  private readonly rowRings: RowRings;
  private readonly findingRings: FindingRings;

  constructor(rows: RowRings, findings: FindingRings) {
    this.rowRings = rows;
    this.findingRings = findings;
  }

  get history(): History {
    return this;
  }

  latest({ node, metric, limit }: { node?: string; metric?: string; limit: number }): readonly LatestRow[] {
    const found: LatestRow[] = [];
    for (let ring = this.rowRings.head; ring !== undefined && found.length < limit; ring = ring.older) {
      if (node !== undefined && ring.node !== node) continue;
      if (metric !== undefined && ring.series.name !== metric) continue;
      found.push({ node: ring.node, ...rowOf(ring, ring.length - 1) });
    }
    return found;
  }

  open(kind: FindingKind): readonly Finding[] {
    return this.findingRings.open(kind);
  }

  nodes(): Promise<readonly string[]> {
    return Promise.resolve(this.rowRings.nodes);
  }

  rows(query: Parameters<History['rows']>[0]): Promise<readonly HistoryRow[]> {
    const { metric: metric_name, labels, node, from, to, buckets, limit } = query;
    const filter = new Filter({ ...(metric_name === undefined ? {} : { metric_name }), ...(labels === undefined ? {} : { labels }) });
    const found: HistoryRow[] = [];
    for (const ring of this.rowRings.of(node)) {
      if (!filter.matches(ring.node, ring.series.name, ring.series.labels)) continue;
      const rows: HistoryRow[] = [];
      for (let i = 0; i < ring.length; i++) {
        const row = rowOf(ring, i);
        if (row.time >= from && row.time <= to) rows.push(row);
      }
      found.push(...(buckets === undefined ? rows : downsample(rows, from, (to - from) / buckets)));
    }
    found.sort((a, b) => a.time - b.time || (a.series < b.series ? -1 : a.series > b.series ? 1 : 0));
    return Promise.resolve(found.slice(0, limit));
  }

  findings(query: Parameters<History['findings']>[0]): Promise<readonly Finding[]> {
    const { kind, from, to, metric, id, limit } = query;
    const found: Finding[] = [];
    for (const channel of kind === undefined ? findingChannels : [channelOf[kind]]) {
      for (const finding of this.findingRings.latest(channel)) {
        if (finding.openedAt < from || finding.openedAt > to) continue;
        if ((metric === undefined || finding.metric === metric) && (id === undefined || finding.id === id)) found.push(finding);
      }
    }
    found.sort((a, b) => b.openedAt - a.openedAt || (a.id < b.id ? -1 : 1));
    return Promise.resolve(found.slice(0, limit));
  }
}

function rowOf(ring: Ring, i: number): HistoryRow {
  const at = ring.at(i);
  const columns: Record<string, number> = {};
  ring.columns.forEach((name, c) => (columns[name] = ring.data[at + 3 + c]!));
  return { time: ring.data[at + 1]!, series: ring.text, value: ring.data[at + 2]!, columns };
}

/** Means by bucket of `width` ms, at the bucket's begin, with `min` and `max` of the value or of the node's own such columns. */
function downsample(rows: readonly HistoryRow[], from: Time, width: number): HistoryRow[] {
  const buckets = new Map<number, HistoryRow[]>();
  for (const row of rows) {
    const at = Math.floor((row.time - from) / width);
    const bucket = buckets.get(at);
    if (bucket === undefined) buckets.set(at, [row]);
    else bucket.push(row);
  }
  return [...buckets].map(([at, bucket]) => {
    const values = bucket.map((row) => row.value);
    const columns: Record<string, number> = {};
    for (const name of [...Object.keys(bucket[0]!.columns), 'min', 'max']) {
      const own = bucket.map((row) => row.columns[name]);
      const of = own[0] === undefined ? values : (own as number[]);
      columns[name] = name === 'min' ? Math.min(...of) : name === 'max' ? Math.max(...of) : mean(of);
    }
    return { time: from + at * width, series: bucket[0]!.series, value: mean(values), columns };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
