import { differing, labelsText, titleOf } from '../format/names.js';
import { unitOf, type Unit } from '../format/units.js';
import type { Series } from '../store/series-store.js';
import { details, machine, type Family } from './catalogue.js';

export interface Member {
  readonly series: Series;
  /** The node that tells where it is expected; it may judge a mean of the series, or be the series' own. */
  readonly band: Series | undefined;
  /** What tells it from the others of its chart. */
  readonly label: string;
  /** Listed, but not drawn at first. */
  readonly aside: boolean;
}

/** One chart: series of the same kind. */
export interface Group {
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  /** By label. */
  readonly members: readonly Member[];
  /** Names the metrics as publishers do. */
  readonly metrics: readonly string[];
}

export interface Groups {
  readonly machine: readonly Group[];
  /** What no catalogue knows: a person's own metrics, by name. */
  readonly own: readonly Group[];
  readonly details: readonly Group[];
}

/** A series, once of all nodes that send it. */
interface Found {
  line: Series;
  band: Series | undefined;
}

/** Sorts series into charts. Of a series at several nodes the rows that are nearest to its source are drawn, and the band of the node that judges it. */
export function groupSeries(all: Iterable<Series>): Groups {
  const byKey = new Map<string, Found>();
  for (const series of all) {
    if (series.columns.includes('budget_remaining') || series.columns.includes('predicted')) continue;
    const band = series.lower > 0 && series.upper > 0 ? series : undefined;
    const found = byKey.get(series.key);
    if (found === undefined) byKey.set(series.key, { line: series, band });
    else {
      if (series.columns.length < found.line.columns.length) found.line = series;
      found.band ??= band;
    }
  }
  const byMetric = new Map<string, Found[]>();
  for (const found of byKey.values()) {
    const others = byMetric.get(found.line.metric);
    if (others === undefined) byMetric.set(found.line.metric, [found]);
    else others.push(found);
  }
  const take = (family: Family): Group[] => {
    const found = Object.keys(family.metrics).flatMap((metric) => {
      const members = byMetric.get(metric) ?? [];
      byMetric.delete(metric);
      return members;
    });
    return found.length === 0 ? [] : [groupOf(family.title, family.unit, found, family)];
  };
  const groups = { machine: machine.flatMap(take), details: details.flatMap(take) };
  const own = [...byMetric].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([metric, found]) => groupOf(titleOf(metric), unitOf(metric), found));
  return { ...groups, own };
}

function groupOf(title: string, unit: Unit, all: readonly Found[], family?: Family): Group {
  const names = differing(all.map(({ line }) => line.labels));
  const metrics = [...new Set(all.map(({ line }) => line.metric))];
  const members = all.map(({ line, band }): Member => {
    const kind = family?.metrics[line.metric] ?? '';
    const parts = [metrics.length > 1 ? kind : '', labelsText(line.labels, names)].filter((part) => part !== '');
    const aside = family?.aside?.some((value) => Object.values(line.labels).includes(value)) === true;
    return { series: line, band, label: parts.join(' · ') || kind || title, aside };
  });
  if (metrics.length === 1) members.sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }));
  return { key: `${title}\0${metrics.join()}`, title, unit, members, metrics };
}
