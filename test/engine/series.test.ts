import assert from 'node:assert/strict';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { MAX_LABELS, MAX_SERIES_TEXT, PARTITIONS } from '../../engine/limits.js';
import { makeSeries, parseSeries, partitionOf, seriesProblem, seriesText } from '../../engine/series.js';

const name = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:.\-/]{0,20}$/);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.\-/]{0,20}$/);
/** Any text, with the characters that must be escaped more often than by chance. */
const labelValue = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('\\', '"', '\n', ',', '=', '{', '}', 'n', ' ', 'é') }));
const labels = fc.dictionary(labelName, labelValue, { maxKeys: 6, noNullPrototype: true });

function holds(t: Test, property: fc.IRawProperty<unknown>): void {
  t.doesNotThrow(() => fc.assert(property));
}

await t.test('the canonical text is read back as the series it was made of', async (t) => {
  holds(
    t,
    fc.property(name, labels, (name, labels) => {
      assert.equal(seriesProblem(name, labels), undefined);
      const text = seriesText(name, labels);
      const series = parseSeries(text);
      assert.deepEqual(series, makeSeries(name, labels));
      assert.equal(seriesText(series.name, series.labels), text, 'and has the same text again');
      assert.doesNotMatch(text, /\n/, 'on one line');
    }),
  );
});

await t.test('the text does not depend on the order of labels, and tells different series apart', async (t) => {
  holds(
    t,
    fc.property(name, labels, (name, labels) => {
      const reversed = Object.fromEntries(Object.entries(labels).reverse());
      assert.equal(seriesText(name, reversed), seriesText(name, labels));
      assert.deepEqual(Object.keys(makeSeries(name, reversed).labels), Object.keys(makeSeries(name, labels).labels));
    }),
  );
  holds(
    t,
    fc.property(name, labels, name, labels, (nameA, labelsA, nameB, labelsB) => {
      const same = JSON.stringify(makeSeries(nameA, labelsA)) === JSON.stringify(makeSeries(nameB, labelsB));
      assert.equal(seriesText(nameA, labelsA) === seriesText(nameB, labelsB), same);
    }),
  );
});

await t.test('texts as they look', async (t) => {
  t.equal(seriesText('up', {}), 'up');
  t.equal(seriesText('up', { b: '2', a: '1', none: '' }), 'up{a="1",b="2"}');
  t.equal(seriesText('up', { none: '' }), 'up');
  t.equal(seriesText('up', { a: 'x\\y"z\n' }), 'up{a="x\\\\y\\"z\\n"}');
});

await t.test('a text that is not canonical is refused with its offset', async (t) => {
  for (const [text, message] of [
    ['up{', /expected label="value" at offset 3/],
    ['up{a}', /expected label="value" at offset 3/],
    ['up{a="1"', /expected , or } at offset 8/],
    ['up{a="1" b="2"}', /expected , or } at offset 8/],
    ['up{a="1', /value of a is not closed/],
    ['up{a="1\\', /value of a is not closed/],
    ['up{a="1"} ', /text after } at offset 9/],
  ] as const) {
    t.throws(() => parseSeries(text), { name: 'SyntaxError', message }, text);
  }
});

await t.test('what cannot be a series is told to the publisher', async (t) => {
  const many = Object.fromEntries(Array.from({ length: MAX_LABELS + 1 }, (_, i) => [`l${i}`, 'x']));
  for (const [metric, labels, problem] of [
    ['', {}, /metric name "" does not match/],
    ['7up', {}, /metric name "7up" does not match/],
    ['a b', {}, /metric name "a b" does not match/],
    ['up', { 'a b': 'x' }, /label name "a b" does not match/],
    ['up', { a: 1 }, /label a must be a string, not number/],
    ['up', { a: null }, /label a must be a string, not null/],
    ['up', many, new RegExp(`${MAX_LABELS + 1} labels, at most ${MAX_LABELS}`)],
    ['up', { a: 'x'.repeat(MAX_SERIES_TEXT) }, new RegExp(`at most ${MAX_SERIES_TEXT} are allowed`)],
    ['x'.repeat(500), { [`${'y'.repeat(500)} `]: '' }, /label name "y{80}" does not match/],
  ] as const) {
    t.match(seriesProblem(metric, labels), problem);
  }
  t.equal(seriesProblem('http.server/duration-ms:p99', { 'service.name': 'a', 'k8s/pod-name': 'b' }), undefined, 'names of StatsD and OTLP');
});

await t.test('partitions are even', async (t) => {
  const shapes: readonly (readonly [string, (i: number) => string])[] = [
    ['counted hosts', (i) => seriesText('cpu_usage', { host: `web-${i}` })],
    ['two labels', (i) => seriesText('http_requests_total', { instance: `10.0.${i >> 8}.${i & 255}:9090`, status: String(200 + (i % 7)) })],
    ['many metrics', (i) => `metric_${i.toString(36)}`],
  ];
  const texts = 100_000;
  // The statistic has PARTITIONS - 1 degrees of freedom; its normal approximation, five deviations up: a fair hash goes past it in about one of a million.
  const bound = PARTITIONS - 1 + 5 * Math.sqrt(2 * (PARTITIONS - 1));
  for (const [title, text] of shapes) {
    const counts = new Uint32Array(PARTITIONS);
    for (let i = 0; i < texts; i++) counts[partitionOf(text(i), PARTITIONS)]! += 1;
    const expected = texts / PARTITIONS;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    t.ok(chiSquare < bound, `${title}: chi-square ${chiSquare.toFixed(1)}, at most ${bound.toFixed(1)}`);
  }
});
