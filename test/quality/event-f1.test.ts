import fc from 'fast-check';
import t from 'tap';
import { readCloudMonitoring, setsMissing } from '../../bench/quality/sets.js';
import { eventF1, eventF1At, f1Of } from '../../quality/event-f1.js';
import { spansOf, type Labelled, type Scores } from '../../quality/labelled.js';

const ROWS = 100;
const labelled: Labelled = { rows: ROWS, spans: [{ first: 40, last: 44 }, { first: 70, last: 70 }] };

function at(...rows: number[]) {
  const { hits, missed, falseAlarms } = eventF1At([labelled], [Array.from({ length: ROWS }, (_, i) => (rows.includes(i) ? 1 : 0))], 1);
  return [hits, missed, falseAlarms];
}

await t.test('rules, by hand', async (t) => {
  t.strictSame(at(), [0, 2, 0]);
  t.strictSame(at(40, 42, 44), [1, 1, 0], 'a segment is found once');
  t.strictSame(at(39), [0, 2, 1], 'before it is outside');
  t.strictSame(at(45, 51), [0, 2, 0], 'seven rows after it are not judged');
  t.strictSame(at(52), [0, 2, 1], 'the eighth is');
  t.strictSame(at(20, 27, 34), [0, 2, 1], 'seven rows apart are one alarm, and so on');
  t.strictSame(at(20, 28), [0, 2, 2], 'eight are two');
  t.strictSame(at(14), [0, 2, 0], 'the first 15 % are left out');
  t.strictSame(at(15), [0, 2, 1]);
  t.equal(f1Of({ hits: 0, missed: 0, falseAlarms: 0 }), 1);
  t.equal(f1Of({ hits: 3, missed: 1, falseAlarms: 2 }), 6 / 9);
  const early: Labelled = { rows: ROWS, spans: [{ first: 5, last: 9 }, { first: 12, last: 16 }] };
  t.match(eventF1At([early], [new Array<number>(ROWS).fill(0)], 1), { missed: 1 }, 'of a segment in the beginning nothing is asked');
  t.match(eventF1At([early], [Array.from({ length: ROWS }, (_, i) => (i === 13 ? 1 : 0))], 1), { hits: 0, missed: 1 }, 'its rows there find nothing');
});

/** As the rules say it, from nothing at each threshold; undefined: more than a tenth of all rows would be detections. */
function naive(files: readonly Labelled[], scores: readonly Scores[], threshold: number): number | undefined {
  const judged = scores.flatMap((of, file) => Array.from(of).slice(Math.floor(0.15 * files[file]!.rows)));
  if (judged.filter((score) => score >= threshold).length > 0.1 * judged.length) return undefined;
  let hits = 0;
  let missed = 0;
  let alarms = 0;
  files.forEach(({ rows, spans }, file) => {
    const from = Math.floor(0.15 * rows);
    const detected = Array.from({ length: rows }, (_, row) => row).filter((row) => row >= from && scores[file]![row]! >= threshold);
    for (const { first, last } of spans) {
      if (last < from) continue;
      if (detected.some((row) => row >= first && row <= last)) hits += 1;
      else missed += 1;
    }
    const wrong = detected.filter((row) => !spans.some(({ first, last }) => row >= first && row <= last + 7));
    alarms += wrong.filter((row, i) => i === 0 || row - wrong[i - 1]! > 7).length;
  });
  return hits + missed + alarms === 0 ? 1 : (2 * hits) / (2 * hits + missed + alarms);
}

await t.test('one threshold for all files: what is found is what trying every threshold finds', async (t) => {
  const file = fc.array(fc.record({ label: fc.integer({ min: 0, max: 9 }).map((n) => n === 0), score: fc.oneof({ arbitrary: fc.integer({ min: 0, max: 8 }), weight: 1 }, { arbitrary: fc.constant(NaN), weight: 9 }) }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(fc.array(file, { minLength: 1, maxLength: 3 }), (given) => {
      const files = given.map((rows): Labelled => ({ rows: rows.length, spans: spansOf(rows.map(({ label }) => label)) }));
      const scores = given.map((rows) => rows.map(({ score }) => score));
      const tried = [Infinity, 8, 7, 6, 5, 4, 3, 2, 1, 0].map((threshold) => naive(files, scores, threshold));
      const found = eventF1(files, scores);
      return Math.abs(found.f1 - Math.max(...tried.filter((f1) => f1 !== undefined))) < 1e-12 && Math.abs(eventF1At(files, scores, found.threshold).f1 - found.f1) < 1e-12;
    }),
    { numRuns: 300 },
  );
  t.pass();
});

await t.test('the set of recorded series is read whole', { skip: setsMissing() ?? false }, async (t) => {
  const files = readCloudMonitoring();
  t.equal(files.length, 30);
  for (const { name, times, values, spans } of files) t.ok(times.every(Number.isFinite) && values.every(Number.isFinite) && times[1]! > times[0]! && spans.every(({ first, last }) => first <= last), name);
  t.ok(files.some(({ spans }) => spans.length > 1));
  const everything = eventF1At(files, files.map(({ rows }) => new Float64Array(rows)), 0);
  t.ok(everything.missed === 0 && everything.f1 > 0.6, 'who detects every row would have a good score');
  t.match(eventF1(files, files.map(({ rows }) => new Float64Array(rows))), { threshold: Infinity, f1: 0 }, 'but that is no threshold');
  const oracles = files.map(({ rows, spans }) => Float64Array.from({ length: rows }, (_, row) => (spans.some(({ first, last }) => row >= first && row <= last) ? 1 : 0)));
  t.match(eventF1(files, oracles), { threshold: 1, f1: 1, missed: 0, falseAlarms: 0 }, 'who knows the labels finds all');
});
