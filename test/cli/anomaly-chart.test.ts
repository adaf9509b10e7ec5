import t, { type Test } from 'tap';
import { anomalyChart, type ChartRow } from '../../cli/anomaly-chart.js';

const START = Date.UTC(2024, 0, 15, 10);
const row = (i: number, value: number, more: Partial<ChartRow> = {}): ChartRow => ({ time: START + i * 60_000, value, score: 0.5, expected: 50, lower: 40, upper: 60, ...more });
const calm = (rows: number): ChartRow[] => Array.from({ length: rows }, (_, i) => row(i, 50 + Math.sin(i)));

/** Elements that close as they open, by name. */
function elements(t: Test, svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  for (const [, closing, name, alone] of svg.matchAll(/<(\/?)([a-z]+)(?:\s+[a-zA-Z0-9:-]+="[^"<&]*(?:&[a-z]+;[^"<&]*)*")*\s*(\/?)>/g)) {
    if (closing === '/') t.equal(open.pop(), name, `</${name}>`);
    else {
      names.push(name!);
      if (alone !== '/') open.push(name!);
    }
  }
  t.strictSame(open, [], 'all are closed');
  t.equal((svg.match(/</g) ?? []).length, names.length + (svg.match(/<\//g) ?? []).length, 'nothing but elements begins with <');
  return names;
}

const path = (svg: string, name: string): string => new RegExp(`<path class="${name}" d="([^"]*)"`).exec(svg)![1]!;
const points = (d: string): [number, number][] => [...d.matchAll(/[ML]([\d.-]+) ([\d.-]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);

await t.test('value, band, expectation and score are drawn, and an anomaly over its time', (t) => {
  const rows = calm(100).map((each, i) => (i >= 60 && i < 70 ? row(i, 95, { score: 0.99999 }) : each));
  const svg = anomalyChart('m{a="<&>"}', 'why', rows, [{ from: rows[60]!.time, to: rows[69]!.time, severity: 'high' }]);
  const names = elements(t, svg);
  t.equal(names[0], 'svg');
  t.equal(names.filter((name) => name === 'path').length, 4);
  t.equal((svg.match(/class="outside"/g) ?? []).length, 10, 'a dot for each row outside');
  t.match(svg, /m\{a="&lt;&amp;&gt;"\}/);
  t.match(svg, />why</);
  t.match(svg, />10:15<[\s\S]*>11:30</, 'round times');
  t.match(svg, />40<[\s\S]*>100</, 'round values');

  const value = points(path(svg, 'value'));
  t.equal(value.length, 100);
  const [, x, width] = /class="anomaly high" x="([\d.]+)" y="\d+" width="([\d.]+)"/.exec(svg)!.map(Number) as [number, number, number];
  t.ok(Math.abs(value[60]![0] - x) < 0.1 && Math.abs(value[69]![0] - x - width) < 0.1, 'from its first row to its last');
  t.ok(value[65]![1] < value[5]![1], 'high values are above');
  const score = points(path(svg, 'score'));
  t.ok(score[65]![1] < score[5]![1] && score.every(([, y]) => y > Math.max(...value.map(([, at]) => at))), 'the score lies below, high ones above');
  const band = points(path(svg, 'band'));
  t.equal(band.length, 200);
  t.ok(value.slice(0, 60).every(([, y]) => y > band[0]![1] && y < band[199]![1]), 'calm values lie in the band');
  for (const [at, y] of [...value, ...score, ...band]) t.ok(at >= 100 && at <= 940 && y >= 64 && y <= 448, `${at} ${y} lies in the picture`);
  t.end();
});

await t.test('of many rows no spike is lost', (t) => {
  const rows = calm(100_000).map((each, i) => (i === 70_001 ? row(i, 500, { score: 1 }) : each));
  const svg = anomalyChart('m', '', rows, []);
  elements(t, svg);
  t.ok(svg.length < 200_000, `${svg.length} bytes`);
  t.equal((svg.match(/class="outside"/g) ?? []).length, 1);
  const ys = points(path(svg, 'value')).map(([, y]) => y);
  t.ok(Math.min(...ys) < Math.max(...ys) - 200, 'it is as high as it was');
  t.end();
});

await t.test('what is not there leaves a gap; nothing at all is an empty picture', (t) => {
  const rows = calm(50).map((each, i) => (i >= 20 && i < 30 ? row(i, NaN, { score: NaN, expected: NaN, lower: NaN, upper: NaN }) : each));
  const missing = calm(50).filter((_, i) => i < 20 || i >= 30);
  for (const svg of [anomalyChart('m', '', rows, []), anomalyChart('m', '', missing, [])]) {
    for (const name of ['value', 'expected', 'score', 'band']) t.equal((path(svg, name).match(/M/g) ?? []).length, 2, name);
    t.notMatch(svg, /NaN|Infinity/);
  }
  const constant = anomalyChart('m', '', [row(0, 5, { expected: 5, lower: 5, upper: 5 })], []);
  for (const picture of [anomalyChart('m', '', [], []), constant]) {
    elements(t, picture);
    t.notMatch(picture, /NaN|Infinity/);
  }
  t.end();
});
