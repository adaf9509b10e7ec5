import { seeded, type Random } from '../../engine/random.js';
import { judgeByDetect } from './detectors.js';
import { eventFigure, nabFigure } from './figures.js';
import type { Series } from './sets.js';

/** Scores of `detect` on the recorded series, changed a little: who has learnt the files by heart does worse. */
export interface PerturbedFigure {
  readonly change: string;
  readonly nab: number;
  readonly events: number;
}

type Change = (of: Series, random: Random) => Series;

const changes: readonly (readonly [name: string, change: Change])[] = [
  ['none', (of) => of],
  ['noise of 1 % of its standard deviation', noise(0.01)],
  ['noise of 5 % of its standard deviation', noise(0.05)],
  ['without the first 5 % of its rows', withoutStart(0.05)],
  ['upside down', (of) => ({ ...of, values: of.values.map((value) => -value) })],
];

export async function perturbedFigures(nab: readonly Series[], cloud: readonly Series[]): Promise<PerturbedFigure[]> {
  const figures: PerturbedFigure[] = [];
  for (const [change, apply] of changes) {
    const random = seeded(1);
    const [a, b] = [nab, cloud].map((set) => set.map((of) => apply(of, random))) as [Series[], Series[]];
    figures.push({ change, nab: nabFigure(change, a, (await judgeByDetect(a)).scores).profiles.standard, events: eventFigure(change, b, (await judgeByDetect(b)).scores).f1 });
  }
  return figures;
}

function noise(share: number): Change {
  return (of, random) => {
    const mean = of.values.reduce((sum, value) => sum + value, 0) / of.rows;
    const deviation = Math.sqrt(of.values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / of.rows);
    // Of four uniform numbers: near enough to normal, and of variance 1.
    const draw = (): number => Math.sqrt(3) * (random() + random() + random() + random() - 2);
    return { ...of, values: of.values.map((value) => value + share * deviation * draw()) };
  };
}

function withoutStart(share: number): Change {
  return (of) => {
    const cut = Math.floor(share * of.rows);
    const spans = of.spans.filter(({ last }) => last >= cut).map(({ first, last }) => ({ first: Math.max(0, first - cut), last: last - cut }));
    return { ...of, times: of.times.slice(cut), values: of.values.slice(cut), rows: of.rows - cut, spans };
  };
}
