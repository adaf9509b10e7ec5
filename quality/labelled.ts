/** Rows `first` to `last`, both of them, in which something is known to be unusual. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** What is known of the rows of one series, in their order. */
export interface Labelled {
  readonly rows: number;
  /** In order, apart from each other. */
  readonly spans: readonly Span[];
}

/** Scores of the rows of one series; NaN: not judged. */
export type Scores = ArrayLike<number>;

/** The spans of rows in succession that are labelled. */
export function spansOf(labels: ArrayLike<boolean>): Span[] {
  const spans: Span[] = [];
  let first = -1;
  for (let i = 0; i <= labels.length; i++) {
    const labelled = i < labels.length && labels[i] === true;
    if (labelled && first < 0) first = i;
    if (!labelled && first >= 0) {
      spans.push({ first, last: i - 1 });
      first = -1;
    }
  }
  return spans;
}

/**
 * Lowers a threshold from above all scores to the lowest: rows become detections, highest score first, then
 * what the threshold gives is asked for. Rows of equal score become detections at once; those before row
 * `from` of their series, and those that were not judged, never do.
 */
export function lowerThreshold(scores: readonly Scores[], from: (series: number) => number, detect: (series: number, row: number) => void, reached: (threshold: number) => void): void {
  const series = scores.flatMap((of, at) => new Array<number>(of.length).fill(at));
  const row = scores.flatMap((of) => Array.from({ length: of.length }, (_, at) => at));
  const score = Float64Array.from(series, (of, i) => scores[of]![row[i]!]!);
  const ranked = Uint32Array.from(series.keys())
    .filter((i) => row[i]! >= from(series[i]!) && !Number.isNaN(score[i]!))
    .sort((a, b) => score[b]! - score[a]!);
  reached(Infinity);
  for (let at = 0; at < ranked.length; ) {
    const threshold = score[ranked[at]!]!;
    for (; at < ranked.length && score[ranked[at]!] === threshold; at++) detect(series[ranked[at]!]!, row[ranked[at]!]!);
    reached(threshold);
  }
}
