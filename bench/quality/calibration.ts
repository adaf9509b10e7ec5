import { judge } from '../../cli/judge.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { LEARNING, shapes, STEP_MS } from './shapes.js';

const ROWS = 60_000;
const SEED = 1;

/** How often scores lie above 1 - p on series in which nothing is unusual. */
export interface CalibrationFigure {
  readonly shape: string;
  readonly tails: readonly { readonly p: number; readonly share: number; readonly held: boolean }[];
}

export async function calibrationFigures(): Promise<CalibrationFigure[]> {
  const times = Float64Array.from({ length: LEARNING + ROWS }, (_, row) => row * STEP_MS);
  const judged = await judge(shapes.map((shape, i) => ({ series: `clean_${i}`, times, values: shape.values(LEARNING + ROWS, SEED) })));
  return shapes.map(({ name }, i) => {
    const scores = judged[i]!.columns.score.subarray(LEARNING);
    return {
      shape: name,
      tails: tails.map((p) => {
        const share = shareAbove(scores, p);
        const { least, most } = bounds(p, ROWS);
        return { p, share, held: share >= least && share <= most };
      }),
    };
  });
}
