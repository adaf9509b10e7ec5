import type { ProfileName } from '../../quality/nab.js';
import type { Expectation } from '../expectations.js';
import type { Quality } from './figures.js';
import { OUR_FOREST, THEIR_FOREST, type ForestFigures, type ForestTime } from './forest.js';

export const OURS = 'millrace detect';

const nab = (profile: ProfileName) => (of: Quality) => of.nab.find(({ detector }) => detector === OURS)?.profiles[profile];

/** Ours in percent of theirs. */
function ratioOf({ times }: ForestFigures, choose: (time: ForestTime) => number): number | undefined {
  const [ours, theirs] = [OUR_FOREST, THEIR_FOREST].map((name) => times.find(({ engine }) => engine === name));
  return ours === undefined || theirs === undefined ? undefined : (100 * choose(ours)) / choose(theirs);
}

export const expectations: readonly Expectation<Quality>[] = [
  { name: 'nab-standard', says: 'NAB, standard profile', unit: 'points', bound: 'at least', expected: 66, longRun: 75.1, figure: nab('standard') },
  { name: 'nab-low-fp', says: 'NAB, few false positives', unit: 'points', bound: 'at least', expected: 60, figure: nab('reward_low_FP_rate') },
  { name: 'nab-low-fn', says: 'NAB, few false negatives', unit: 'points', bound: 'at least', expected: 72, figure: nab('reward_low_FN_rate') },
  { name: 'events', says: 'Cloud monitoring, F1 of events, one threshold', unit: '', bound: 'at least', expected: 0.65, longRun: 0.75, figure: (of) => of.events.find(({ detector }) => detector === OURS)?.f1 },
  { name: 'clean', says: 'False alarms on clean seasonal series', unit: 'a series and month', bound: 'at most', expected: 1, figure: (of) => (of.clean.length === 0 ? undefined : Math.max(...of.clean.map(({ alarms, seriesMonths }) => alarms / seriesMonths))) },
  { name: 'calibration', says: 'Clean series on which scores above 1 - p come on a share p of rows', unit: '% of them', bound: 'at least', expected: 100, figure: ({ calibration }) => (calibration.length === 0 ? undefined : (100 * calibration.filter(({ tails }) => tails.every(({ held }) => held)).length) / calibration.length) },
  { name: 'bytes', says: 'State of a series, by default', unit: 'bytes', bound: 'at most', expected: 2048, figure: (of) => of.costs.find(({ detector }) => detector === OURS)?.bytes },
  { name: 'cost-of-one', says: 'Processor time of one view, `methods: [deviation]`', unit: 'µs a sample', bound: 'at most', expected: 1, figure: (of) => of.costs.find(({ detector }) => detector === `${OURS}, deviation alone`)?.us },
  { name: 'cost', says: 'Processor time of the default', unit: 'µs a sample', bound: 'at most', expected: 20, figure: (of) => of.costs.find(({ detector }) => detector === OURS)?.us },
  { name: 'forest-tables', says: 'Tables with outliers on which the isolation forest ranks as well as that of scikit-learn, less one standard deviation', unit: '% of them', bound: 'at least', expected: 100, figure: ({ forest: { tables } }) => (tables.length === 0 ? undefined : (100 * tables.filter(({ auc, reference, deviation }) => auc >= reference - deviation).length) / tables.length) },
  { name: 'forest-scoring', says: "Scoring 10,000 × 4 by 100 trees, of scikit-learn's time in the same run", unit: '%', bound: 'at most', expected: 100, figure: ({ forest }) => ratioOf(forest, ({ scoreMs }) => scoreMs) },
  { name: 'forest-fitting', says: "Fitting them, of scikit-learn's time", unit: '%', bound: 'at most', expected: 100, figure: ({ forest }) => ratioOf(forest, ({ fitMs }) => fitMs) },
];

/** Why an expectation is not met, by its name: a sentence for QUALITY.md, written by hand. */
export const explanations: Readonly<Record<string, string>> = {};
