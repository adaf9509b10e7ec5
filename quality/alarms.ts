import type { Labelled, Scores, Span } from './labelled.js';
import { leftOut } from './event-f1.js';

/** What was told of what is known, where somebody is told once that something is unusual. */
export interface Alarms {
  readonly found: number;
  readonly missed: number;
  /** Alarms that overlap nothing that is known. */
  readonly elsewhere: number;
  /** Of what was found: rows from its first to the one at which it was told. */
  readonly delays: readonly number[];
}

/** Alarms by series, as the rows in which each was open. The first rows are left out as for the F1 of events. */
export function alarmsOf(files: readonly Labelled[], alarms: readonly (readonly Span[])[]): Alarms {
  let missed = 0;
  let elsewhere = 0;
  const delays: number[] = [];
  files.forEach(({ rows, spans }, file) => {
    const from = leftOut(rows);
    const told = alarms[file]!.filter(({ last }) => last >= from);
    for (const span of spans) {
      if (span.last < from) continue;
      const first = told.find((alarm) => overlap(alarm, span));
      if (first === undefined) missed += 1;
      else delays.push(Math.max(0, first.first - span.first));
    }
    elsewhere += told.filter((alarm) => alarm.first >= from && !spans.some((span) => overlap(alarm, span))).length;
  });
  return { found: delays.length, missed, elsewhere, delays };
}

/** Rows from the first of each labelled span to its first detection, where it has one. */
export function delaysOf(files: readonly Labelled[], scores: readonly Scores[], threshold: number): number[] {
  return files.flatMap(({ spans }, file) =>
    spans.flatMap(({ first, last }) => {
      for (let row = first; row <= last; row++) if (scores[file]![row]! >= threshold) return [row - first];
      return [];
    }),
  );
}

function overlap(a: Span, b: Span): boolean {
  return a.first <= b.last && b.first <= a.last;
}
