import { about, findingId, severities, type Anomaly } from '../../engine/finding.js';
import type { Columns } from '../../engine/operator.js';
import type { Series } from '../../engine/series.js';

/**
 * How an anomaly of a series opens, grows and closes, for operators that say of each row how far out it is: 33 bytes.
 * "How far out" is a ratio: at 1 a row is at the edge of what is usual, at 2 twice as far out, and so on.
 */
export const episodeColumns = {
  /** Before it opens, evidence for it; while it is open, calm rows in succession. */
  run: 'u32',
  /** While it is open its severity, 1 (low) to 4 (critical); else 0. */
  severity: 'u8',
  openedAt: 'f64',
  revision: 'u32',
  /** The largest ratio since it began, and the value that had it. */
  peak: 'f64',
  furthest: 'f64',
} as const;

export type Episodes = Columns<typeof episodeColumns>;

export interface EpisodeRules {
  /** Evidence that opens one: a row outside counts 1, one twice as far out 2, and so on, up to `most`. */
  readonly opens: number;
  readonly most: number;
  /** It closes after `closes` rows in succession whose ratio is below `calm`. */
  readonly calm: number;
  readonly closes: number;
}

export const QUIET = 0;
export const OPENED = 1;
export const GREW = 2;
export const CLOSED = 3;
export type Change = typeof QUIET | typeof OPENED | typeof GREW | typeof CLOSED;

/** Ratios from which an anomaly is medium, high, critical. */
const MEDIUM = 1.5;
const HIGH = 2;
const CRITICAL = 4;

export function severityOf(ratio: number): number {
  return ratio >= CRITICAL ? 4 : ratio >= HIGH ? 3 : ratio >= MEDIUM ? 2 : 1;
}

/** One more row of a series, with hysteresis; `factor`: what feedback makes of the ratio that is at the edge. After CLOSED `peak` and `furthest` still tell of what has closed. */
export function follow(episodes: Episodes, slot: number, ratio: number, value: number, rules: EpisodeRules, factor = 1): Change {
  const { run, severity, peak, furthest } = episodes;
  const before = severity[slot]!;
  const counted = ratio / factor;
  if (before === 0 && counted < 1) {
    run[slot] = 0;
    return QUIET;
  }
  if ((before === 0 && run[slot] === 0) || ratio > peak[slot]!) {
    peak[slot] = ratio;
    furthest[slot] = value;
  }
  if (before === 0) {
    const evidence = run[slot]! + Math.min(rules.most, Math.floor(counted));
    if (evidence < rules.opens) {
      run[slot] = evidence;
      return QUIET;
    }
    run[slot] = 0;
    severity[slot] = severityOf(peak[slot]! / factor);
    return OPENED;
  }
  run[slot] = counted < rules.calm ? run[slot]! + 1 : 0;
  if (run[slot]! >= rules.closes) {
    end(episodes, slot);
    return CLOSED;
  }
  const now = severityOf(peak[slot]! / factor);
  if (now <= before) return QUIET;
  severity[slot] = now;
  return GREW;
}

/** It is over, whatever the rows say. */
export function end({ run, severity }: Episodes, slot: number): void {
  run[slot] = 0;
  severity[slot] = 0;
}

/** What its operator says of a change. */
export type Told = Pick<Anomaly, 'explanation' | 'value' | 'expected' | 'lower' | 'upper' | 'score' | 'confidence' | 'direction' | 'measure' | 'excess'>;

/** The finding of a change, with the next revision. `severity`: 1 to 4; `change` is not QUIET. */
export function findingOf(node: string, of: Series, episodes: Episodes, slot: number, change: Change, severity: number, time: number, told: Told): Anomaly {
  const { openedAt, revision } = episodes;
  // One that opens at the time at which the one before did has its id: it is that one, open again.
  if (change === OPENED && (revision[slot] === 0 || openedAt[slot] !== time)) {
    openedAt[slot] = time;
    revision[slot] = 0;
  }
  revision[slot] = revision[slot]! + 1;
  const subject = about(of);
  const opened = openedAt[slot]!;
  return {
    id: findingId(node, 'anomaly', subject.series, opened),
    kind: 'anomaly',
    revision: revision[slot],
    state: change === OPENED ? 'opened' : change === GREW ? 'grew' : 'closed',
    operator: node,
    ...subject,
    openedAt: opened,
    time,
    severity: severities[severity]!,
    ...told,
  };
}
