import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import t from 'tap';
import { disagreements, oracle, rememberedOracle } from '../../bench/oracle.js';

const T0 = 1_700_000_000_000;

/** The sample of the specification, in whole numbers of any length. */
function sample(i: number, series: number): { series: number; time: number; value: number } {
  const h = Number((BigInt(i) * 2654435761n) % 2n ** 32n);
  const late = h % 20 === 0 ? 1000 * (1 + ((i >>> 3) % 5)) : 0;
  return { series: i % series, time: T0 + Math.floor(i / series) * 1000 - late, value: (h % 1000) / 10 };
}

await t.test('windows of one series, counted by hand', (t) => {
  // Values of the first three samples: h = 0, 2654435761, 1013904226; the first is due a second earlier.
  const values = [0, 76.1, 22.6];
  t.strictSame([0, 1, 2].map((i) => sample(i, 1).value), values);
  t.strictSame([0, 1, 2].map((i) => sample(i, 1).time - T0), [-1000, 1000, 2000]);
  const mean = (76.1 + 22.6) / 2;
  const wanted = { results: 2, counts: 3, means: mean, deviations: (76.1 - 22.6) / 2 };
  t.strictSame(disagreements(oracle('W1', 3, 1), wanted), []);
  // A sample is in 60 windows: from -60 s before the first to those that only the last is in, 62 seconds of starts.
  const sliding = oracle('W2', 3, 1);
  t.equal(sliding.counts, 180);
  t.equal(sliding.results, 63);
  // Starts at -60 and -59 s have the first alone, which is 0; at -58 with the second, -57 to -1 all, 0 and 1 without the first, 2 the last alone.
  const means = 76.1 / 2 + 57 * ((76.1 + 22.6) / 3) + 2 * mean + 22.6;
  t.ok(Math.abs(sliding.means! - means) < 1e-9, `${sliding.means} for ${means}`);
  t.end();
});

await t.test('sums over many series agree with a second way to them', (t) => {
  const [samples, series] = [30_000, 7];
  const windows = new Map<string, { n: number; sum: number; square: number }>();
  for (let i = 0; i < samples; i++) {
    const s = sample(i, series);
    const key = `${s.series} ${Math.floor(s.time / 10_000)}`;
    const w = windows.get(key) ?? { n: 0, sum: 0, square: 0 };
    windows.set(key, { n: w.n + 1, sum: w.sum + s.value, square: w.square + s.value * s.value });
  }
  const all = [...windows.values()];
  const add = (of: (w: { n: number; sum: number; square: number }) => number): number => all.reduce((total, w) => total + of(w), 0);
  const wanted = { results: all.length, counts: samples, means: add((w) => w.sum / w.n), deviations: add((w) => Math.sqrt(Math.max(0, w.square / w.n - (w.sum / w.n) ** 2))) };
  t.strictSame(disagreements(oracle('W1', samples, series), wanted), []);

  // A mean is the sum of what each value adds to it, however long ago.
  const means = Array.from({ length: series }, () => 0);
  for (let i = 0; i < samples; i++) {
    const s = sample(i, series);
    means[s.series] = 0.95 * means[s.series]! + 0.05 * s.value;
  }
  const keyed = oracle('W3', samples, series);
  t.strictSame(disagreements({ means: keyed.means! }, { means: means.reduce((a, b) => a + b) }), []);
  t.ok(keyed.z! >= 3 * keyed.results!, 'every result is beyond three deviations');
  t.end();
});

await t.test('a check disagrees beyond a millionth, and where a figure is missing or no number', (t) => {
  t.strictSame(disagreements({ counts: 1_000_001 }, { counts: 1_000_000 }), []);
  t.strictSame(disagreements({ counts: 1_000_002 }, { counts: 1_000_000 }), ['counts: 1000002, expected 1000000']);
  t.strictSame(disagreements({ means: 3 }, { counts: 3, means: 3 }), ['counts: not told, expected 3']);
  t.strictSame(disagreements({ z: NaN }, { z: 0 }), ['z: NaN, expected 0']);
  t.strictSame(disagreements({ z: 0, counts: 5 }, { z: 0 }), []);
  t.end();
});

await t.test('what was worked out once is remembered', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'oracle-'));
  const first = rememberedOracle('W1', 500, 5, folder);
  t.strictSame(first, oracle('W1', 500, 5));
  const [file] = readdirSync(folder);
  writeFileSync(join(folder, file!), JSON.stringify({ counts: 1 }));
  t.strictSame(rememberedOracle('W1', 500, 5, folder), { counts: 1 });
  t.strictSame(rememberedOracle('W1', 500, 4, folder), oracle('W1', 500, 4));
  t.end();
});
