/**
 * F1 of events: a labelled segment is found once, however many of its rows are detections, and a run of
 * false rows is one false alarm. Nothing is adjusted by points, which would reward noise (Kim et al.,
 * Towards a rigorous evaluation of time-series anomaly detection, AAAI 2022).
 */
import { lowerThreshold, type Labelled, type Scores } from './labelled.js';

/** Rows at the beginning that are left out. */
const LEFT_OUT = 0.15;
/** False rows no further apart than this are one alarm; rows no further behind a segment are not judged. */
export const APART = 7;
/**
 * A threshold at which a larger share of the rows are detections is none. Who detects every row finds every
 * segment, and has but one false alarm between two of them: where segments are many, that is a good score.
 */
const MOST_DETECTED = 0.1;

export interface Events {
  readonly hits: number;
  readonly missed: number;
  readonly falseAlarms: number;
}

export interface EventF1 extends Events {
  readonly threshold: number;
  readonly f1: number;
}

export function leftOut(rows: number): number {
  return Math.floor(LEFT_OUT * rows);
}

/** 1 where there is nothing to find and nothing was said. */
export function f1Of({ hits, missed, falseAlarms }: Events): number {
  const all = 2 * hits + missed + falseAlarms;
  return all === 0 ? 1 : (2 * hits) / all;
}

/** What a row is, other than a row of a segment, whose number it has. */
const OUTSIDE = -1;
const UNJUDGED = -2;

/** For each row its segment, or that it lies outside of all, or that it is not judged. */
function places({ rows, spans }: Labelled): Int32Array {
  const place = new Int32Array(rows).fill(OUTSIDE);
  for (const { last } of spans) place.fill(UNJUDGED, last + 1, Math.min(rows, last + 1 + APART));
  spans.forEach(({ first, last }, segment) => place.fill(segment, first, last + 1));
  return place.fill(UNJUDGED, 0, leftOut(rows));
}

/** Detections so far: hits and false alarms change with each, by what lies near it. */
class Detections implements Events {
  hits = 0;
  missed: number;
  falseAlarms = 0;
  readonly #places: readonly Int32Array[];
  readonly #found: readonly Uint8Array[];
  readonly #false: readonly Uint8Array[];

  constructor(files: readonly Labelled[]) {
    this.#places = files.map(places);
    this.#found = files.map(({ spans }) => new Uint8Array(spans.length));
    this.#false = files.map(({ rows }) => new Uint8Array(rows));
    this.missed = files.reduce((sum, { rows, spans }) => sum + spans.filter(({ last }) => last >= leftOut(rows)).length, 0);
  }

  add(file: number, row: number): void {
    const place = this.#places[file]![row]!;
    if (place >= 0) this.#hit(this.#found[file]!, place);
    else if (place === OUTSIDE) this.#alarm(this.#false[file]!, row);
  }

  #hit(found: Uint8Array, segment: number): void {
    if (found[segment] === 1) return;
    found[segment] = 1;
    this.hits += 1;
    this.missed -= 1;
  }

  /** A row alone is an alarm more; between two that were apart it makes one of them. */
  #alarm(rows: Uint8Array, row: number): void {
    let before = row - 1;
    while (before >= row - APART && rows[before] !== 1) before -= 1;
    let after = row + 1;
    while (after <= row + APART && rows[after] !== 1) after += 1;
    const nearBefore = before >= row - APART;
    const nearAfter = after <= row + APART;
    if (!nearBefore && !nearAfter) this.falseAlarms += 1;
    else if (nearBefore && nearAfter && after - before > APART) this.falseAlarms -= 1;
    rows[row] = 1;
  }
}

/** The threshold that is best for all files together, the highest of equal ones, and what it gives. */
export function eventF1(files: readonly Labelled[], scores: readonly Scores[]): EventF1 {
  const detections = new Detections(files);
  const most = MOST_DETECTED * files.reduce((sum, { rows }) => sum + rows - leftOut(rows), 0);
  let detected = 0;
  let best: EventF1 | undefined;
  lowerThreshold(
    scores,
    (file) => leftOut(files[file]!.rows),
    (file, row) => {
      detections.add(file, row);
      detected += 1;
    },
    (threshold) => {
      if (best === undefined || (detected <= most && f1Of(detections) > best.f1)) best = resultOf(detections, threshold);
    },
  );
  return best!;
}

/** What all files give at one threshold, chosen elsewhere. */
export function eventF1At(files: readonly Labelled[], scores: readonly Scores[], threshold: number): EventF1 {
  const detections = new Detections(files);
  files.forEach(({ rows }, file) => {
    for (let row = leftOut(rows); row < rows; row++) if (scores[file]![row]! >= threshold) detections.add(file, row);
  });
  return resultOf(detections, threshold);
}

function resultOf(events: Events, threshold: number): EventF1 {
  const { hits, missed, falseAlarms } = events;
  return { threshold, f1: f1Of(events), hits, missed, falseAlarms };
}
