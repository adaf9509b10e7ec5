import fc from 'fast-check';
import t from 'tap';
import { readGolden, readNab, setsMissing } from '../../bench/quality/sets.js';
import { spansOf, type Labelled } from '../../quality/labelled.js';
import { normalise, probation, profiles, scoreNab, tallyAt, weigh, type ProfileName } from '../../quality/nab.js';

const names = Object.keys(profiles) as ProfileName[];
const CLOSE = 1e-6;

await t.test('published detectors get the official result of every file in every profile', { skip: setsMissing() ?? false }, async (t) => {
  const files = readNab();
  const golden = readGolden();
  t.equal(files.length, 29);
  t.equal(golden.length, 5);
  for (const { detector, scores, expected } of golden) {
    const wrong: string[] = [];
    let checked = 0;
    for (const name of names) {
      const { threshold, files: official } = expected[name];
      for (const file of files) {
        const given = scores[file.name]!;
        const tally = tallyAt([file], [given], threshold);
        const detected = given.filter((score, row) => row >= probation(file.rows) && score >= threshold).length;
        const { score, tp, fp } = official[file.name]!;
        checked += 1;
        const got = weigh(tally, profiles[name]);
        if (!(Math.abs(got - score) < CLOSE) || tally.falseRows !== fp || detected - tally.falseRows !== tp) wrong.push(`${name} ${file.name}: ${got} of ${score}, ${tally.falseRows} of ${fp} false rows`);
      }
    }
    t.equal(checked, 3 * 29);
    t.strictSame(wrong, [], detector);
  }
});

await t.test('the threshold that is found is no worse than the official one, and gives the scores that are known', { skip: setsMissing() ?? false }, async (t) => {
  const files = readNab();
  const standard: Record<string, number> = {};
  for (const { detector, scores, expected } of readGolden()) {
    const given = files.map(({ name }) => scores[name]!);
    const results = scoreNab(files, given);
    for (const name of names) {
      const { threshold, score } = results[name];
      t.ok(Math.abs(score - normalise(tallyAt(files, given, threshold), profiles[name])) < 1e-9, `${detector}, ${name}: as counted anew`);
      t.ok(score >= normalise(tallyAt(files, given, expected[name].threshold), profiles[name]));
    }
    standard[detector] = results.standard.score;
  }
  t.comment(standard);
  t.match(standard['ARTime']?.toFixed(1), /^75\.[1-9]$/);
  t.match(standard['randomCutForest']?.toFixed(0), /^5[234]$/);
});

const windowed: Labelled = { rows: 100, spans: [{ first: 40, last: 49 }, { first: 80, last: 89 }] };
const marks = (...rows: number[]): number[] => Array.from({ length: 100 }, (_, i) => (rows.includes(i) ? 1 : 0));
const at = (...rows: number[]) => tallyAt([windowed], [marks(...rows)], 1);
const standard = (...rows: number[]): number => weigh(at(...rows), profiles.standard);

await t.test('rules, by hand', async (t) => {
  t.equal(standard(), -2, 'two windows missed');
  t.equal(standard(40, 80), 2, 'each found in its first row');
  t.equal(standard(40, 41, 48, 80), 2, 'once a window');
  t.ok(standard(49, 80) < standard(45, 80) && standard(49, 80) > 1, 'late in a window is worth less');
  t.equal(standard(14, 40, 80), 2, 'the first 15 % are not judged');
  t.equal(standard(15, 40, 80), 2 - 0.11, 'before any window a false row costs all it can');
  t.equal(standard(77, 40, 80), 2 - 0.11, 'as one far behind');
  t.ok(Math.abs(standard(52, 40, 80) - (2 + 0.11 * (2 / (1 + Math.exp((5 * 3) / 9)) - 1))) < 1e-12, 'shortly behind one, less');
  t.equal(normalise(at(), profiles.reward_low_FN_rate), 0);
  t.equal(normalise(at(40, 80), profiles.reward_low_FN_rate), 100);
  t.equal(probation(10_000), 750);
  t.strictSame(scoreNab([windowed], [new Array<number>(100).fill(NaN)]).standard, { threshold: Infinity, score: 0, tally: { found: 0, missed: 2, windows: 2, wrong: 0, falseRows: 0 } }, 'rows that are not judged are no detections');
});

await t.test('the search finds what trying every threshold finds', async (t) => {
  const file = fc.array(fc.record({ label: fc.boolean(), score: fc.integer({ min: 0, max: 6 }) }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 3 }), (given) => {
      const files = given.map((rows): Labelled => ({ rows: rows.length, spans: spansOf(rows.map(({ label }) => label)) }));
      const scores = given.map((rows) => rows.map(({ score }) => score / 6));
      const found = scoreNab(files, scores);
      for (const name of names) {
        const tried = [Infinity, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6, 0].map((threshold) => normalise(tallyAt(files, scores, threshold), profiles[name]));
        const best = Math.max(...tried);
        if (Number.isNaN(best) ? !Number.isNaN(found[name].score) : Math.abs(best - found[name].score) > 1e-9) return false;
      }
      return true;
    }),
  );
  t.pass();
});
