import { withoutUnit } from './units.js';

const words: Readonly<Record<string, string>> = { cpu: 'CPU', io: 'I/O', http: 'HTTP', api: 'API', db: 'DB', sql: 'SQL', gc: 'GC', id: 'ID', slo: 'SLO', sli: 'SLI', tcp: 'TCP', udp: 'UDP', rss: 'RSS', os: 'OS', dns: 'DNS' };

/** `http_request_duration_seconds` → `HTTP request duration`: the raw name is shown where it matters. */
export function titleOf(metric: string): string {
  const text = withoutUnit(metric)
    .split(/[_.:/-]+/)
    .filter((word) => word !== '')
    .map((word) => words[word.toLowerCase()] ?? word)
    .join(' ');
  return text === '' ? metric : text[0]!.toUpperCase() + text.slice(1);
}

type Labels = Readonly<Record<string, string>>;

/** Names of labels in which the series differ. */
export function differing(all: readonly Labels[]): string[] {
  const names = new Set(all.flatMap((labels) => Object.keys(labels)));
  return [...names].filter((name) => all.some((labels) => labels[name] !== all[0]![name])).toSorted();
}

/** The values of these labels: `user`, `eth0 · a`. */
export function labelsText(labels: Labels, names: readonly string[]): string {
  return names.map((name) => labels[name] ?? `no ${name}`).join(' · ');
}

/** A metric with its labels for a list: `CPU busy · web-1`. */
export function seriesTitle(metric: string, labels: Labels, hidden: readonly string[] = []): string {
  const values = Object.entries(labels).filter(([name]) => !hidden.includes(name)).map(([, value]) => value);
  return [titleOf(metric), ...values].join(' · ');
}
