import t from 'tap';
import { judge as judged } from '../../bench/expectations.js';
import { expectations, OURS } from '../../bench/quality/expectations.js';
import { alarmFigure, eventFigure, nabFigure, type Quality } from '../../bench/quality/figures.js';
import { OUR_FOREST } from '../../bench/quality/forest.js';
import { qualityMarkdown, qualityText } from '../../bench/quality/report.js';
import type { Series } from '../../bench/quality/sets.js';
import { mayTune } from '../../bench/quality/split.js';
import { alarmsOf, delaysOf } from '../../quality/alarms.js';

const ROWS = 100;
/** A series with something unusual in rows 60 to 69. */
const series = (name: string): Series => ({ name, times: Float64Array.from({ length: ROWS }, (_, i) => i * 60_000), values: new Float64Array(ROWS), rows: ROWS, spans: [{ first: 60, last: 69 }] });
const scores = (...high: number[]): number[] => Array.from({ length: ROWS }, (_, i) => (high.includes(i) ? 0.9 : 0.1));

// By their names one is of `dev`, the other is not.
const names = ['a.csv', 'b.csv', 'c.csv', 'd.csv', 'e.csv'];
const dev = series(names.find(mayTune)!);
const confirm = series(names.find((name) => !mayTune(name))!);

await t.test('what was chosen on some files is confirmed on the others', async (t) => {
  const good = nabFigure('x', [dev, confirm], [scores(60), scores(60)]);
  t.match(good, { detector: 'x', profiles: { standard: 100, reward_low_FP_rate: 100, reward_low_FN_rate: 100 }, dev: 100, confirm: 100 });
  t.match(nabFigure('x', [dev, confirm], [scores(60), scores()]), { dev: 100, confirm: 0 }, 'nothing reaches the threshold of dev');
  t.match(eventFigure('x', [dev, confirm], [scores(63, 20), scores(65)]), { f1: 0.8, hits: 2, missed: 0, falseAlarms: 1, dev: 2 / 3, confirm: 1, delay: 4 });
});

await t.test('alarms: what they overlap, when, and those that overlap nothing', (t) => {
  const alarms = [{ first: 3, last: 8 }, { first: 40, last: 41 }, { first: 64, last: 80 }, { first: 81, last: 99 }];
  t.strictSame(alarmsOf([dev], [alarms]), { found: 1, missed: 0, elsewhere: 2, delays: [4] });
  t.strictSame(alarmsOf([dev], [[{ first: 50, last: 60 }]]), { found: 1, missed: 0, elsewhere: 0, delays: [0] }, 'one that was open already tells it at once');
  t.strictSame(alarmsOf([dev], [[]]), { found: 0, missed: 1, elsewhere: 0, delays: [] });
  t.strictSame(delaysOf([dev, confirm], [scores(63), scores()], 0.9), [3]);
  t.end();
});

const quality: Quality = {
  measuredAt: '2026-01-02T03:04:05Z',
  machine: 'one',
  nab: [nabFigure('other', [dev, confirm], [scores(60, 20), scores(60)]), nabFigure(OURS, [dev, confirm], [scores(60), scores(60)])],
  events: [eventFigure(OURS, [dev, confirm], [scores(63, 20), scores()])],
  eventsForNothing: 2 / 3,
  perturbed: [{ change: 'upside down', nab: 74.96, events: 0.6 }],
  alarms: [alarmFigure('generated', [dev], [[{ first: 64, last: 80 }]])],
  clean: [{ set: 'hourly', alarms: 6, seriesMonths: 4 }],
  calibration: [{ shape: 'flat', tails: [{ p: 0.1, share: 0.0912, held: true }, { p: 0.01, share: 0.00049, held: false }] }],
  costs: [{ detector: OURS, us: 0.42, on: 'series', bytes: 118 }],
  forest: {
    tables: [{ name: 'glass', rows: 2140, features: 9, auc: 0.7, reference: 0.72, deviation: 0.03 }, { name: 'wbc', rows: 378, features: 30, auc: 0.9, reference: 0.94, deviation: 0.01 }],
    times: [{ engine: 'scikit-learn', fitMs: 100, scoreMs: 40 }, { engine: OUR_FOREST, fitMs: 5, scoreMs: 50 }],
  },
  absent: [{ engine: 'river', reason: 'no Python' }],
};

await t.test('tables and verdicts', (t) => {
  const text = qualityText(quality);
  t.match(text, /millrace detect +100\.0 +100\.0 +100\.0 +100\.0 +100\.0\nother +97\.\d/, 'the best first');
  t.match(text, /millrace detect +0\.500 +1 +1 +1 +3\.00 +0\.667 +0\.000/);
  t.match(text, /would have 0\.667/);
  t.match(text, /upside down +75\.0 +0\.600/);
  t.match(text, /hourly +4\.00 +6 +1\.50/);
  t.match(text, /clean series +above 0\.9 +above 0\.99 +calibrated\n[- ]+\nflat +9\.1 % +0\.049 % +no/);
  t.match(text, /glass +2,140 × 9 +0\.700 +0\.720 +0\.030/);
  t.match(text, /scikit-learn +100 +40\.0\nmillrace isolation-forest +5\.00 +50\.0/);
  t.match(text, /Not measured: river: no Python/);
  t.strictSame(judged(quality, expectations).map(({ expectation, verdict }) => [expectation.name, verdict]), [['nab-standard', 'met'], ['nab-low-fp', 'met'], ['nab-low-fn', 'met'], ['events', 'not met'], ['clean', 'not met'], ['calibration', 'not met'],
      ['bytes', 'met'],
      ['cost-of-one', 'not measured'], ['cost', 'met'], ['forest-tables', 'not met'], ['forest-scoring', 'not met'], ['forest-fitting', 'met']]);
  const page = qualityMarkdown(quality, [dev.name, confirm.name].map((name) => `folder/${name}`));
  t.match(page, /\| millrace detect \| 100\.0 \|/);
  t.match(page, /\*\*not met\*\*/);
  t.match(page, /They confirm: [a-e]/);
  t.end();
});
