import fc from 'fast-check';
import t from 'tap';
import { seeded } from '../../engine/random.js';
import type { Anomaly } from '../../engine/finding.js';
import detect from '../../operators/detect/definition.js';
import { periodOf } from '../../operators/detect/period.js';
import { differs, modes } from '../kit/modes.js';
import { runReference } from '../kit/reference.js';
import type { Message } from '../kit/text.js';

const MINUTE = 60_000;

/** Sums of twelve: normal enough, with variance 1. */
function noise(seed: number): () => number {
  const random = seeded(seed);
  return () => Array.from({ length: 12 }, random).reduce((sum, u) => sum + u, -6);
}

const shapes: Readonly<Record<string, (share: number) => number>> = {
  sine: (share) => Math.sin(2 * Math.PI * share),
  saw: (share) => 2 * share - 1,
  square: (share) => (share < 0.5 ? 1 : -1),
  pulse: (share) => (share < 0.15 ? 3 : 0),
};

await t.test('a period is found, whatever the shape; with noise, a trend, uneven times and one sample in twenty missing', (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...Object.keys(shapes)), fc.double({ min: 20, max: 200, noNaN: true }), (seed, shape, period) => {
        const random = seeded(seed);
        const z = noise(seed + 1);
        const times: number[] = [];
        for (let i = 0; times.length < 1_024; i++) if (random() >= 0.05) times.push(i * MINUTE + 2_000 * random());
        const values = times.map((time, i) => 100 + 0.01 * i + 10 * shapes[shape]!((time / (period * MINUTE)) % 1) + 2 * z());
        const found = periodOf(Float64Array.from(times), Float64Array.from(values)).ms / MINUTE;
        if (!(Math.abs(found / period - 1) < 0.02)) throw new Error(`${found} for ${period} of a ${shape}`);
      }),
      // Between two lags a narrow peak is lower than a later one that lies on a lag.
      { numRuns: 60, examples: [[1175285995, 'pulse', 20.39526752894398]] },
    ),
  );
  t.end();
});

await t.test('none where there is none', (t) => {
  const kinds: Readonly<Record<string, (z: () => number) => (before: number) => number>> = {
    noise: (z) => () => z(),
    'correlated noise': (z) => (before) => 0.8 * before + z(),
    'a random walk': (z) => (before) => before + z(),
    bursts: (z) => () => (z() > 2.3 ? 20 : z()),
    constant: () => () => 5,
  };
  for (const [name, make] of Object.entries(kinds)) {
    let wrong = 0;
    for (let seed = 0; seed < 100; seed++) {
      const next = make(noise(seed));
      let value = 0;
      const values = Float64Array.from({ length: 1_024 }, () => (value = next(value)));
      if (periodOf(Float64Array.from(values.keys(), (i) => i * MINUTE), values).ms > 0) wrong += 1;
    }
    t.ok(wrong <= 4, `${name}: ${wrong} of 100`);
  }
  t.equal(periodOf(Float64Array.of(), Float64Array.of()).ms, 0);
  t.equal(periodOf(Float64Array.of(1, 1, 1), Float64Array.of(1, 2, 3)).ms, 0);
  t.end();
});

/** Every 37 minutes a job of five; that of the last but one time does not come. */
function jobs(length: number, missed: boolean): Message[] {
  const z = noise(3);
  const left = Math.floor(length / 37) - 2;
  return Array.from({ length }, (_, i): Message[] => {
    const on = i % 37 < 5 && !(missed && Math.floor(i / 37) === left);
    return [{ type: 'watermark', time: i * MINUTE }, { type: 'row', port: 0, row: { time: i * MINUTE, series: { name: 'm', labels: {} }, value: 50 + z() + (on ? 40 : 0), flags: 0, columns: {} } }];
  }).flat();
}

const found = detect.config.parse({ seasons: ['hour', 'day', 'week', 'found'] });
const lately = (config: unknown, messages: readonly Message[]): Anomaly[] => (runReference(detect, config, messages).findings as Anomaly[]).filter(({ time }) => time > 2_200 * MINUTE);

await t.test('detect expects what comes every 37 minutes, and misses it', (t) => {
  t.strictSame(lately(found, jobs(3_000, false)), []);
  const [opened, ...more] = lately(found, jobs(3_000, true));
  t.match(opened!.explanation, /^m was (4|5)\d\.?\d*; at this time of its 37m \d+\.?\d* to \d+\.?\d* is usual/);
  t.strictSame(more.map(({ state }) => state).filter((state) => state !== 'grew'), ['closed']);
  t.strictSame(lately(detect.config.parse({}), jobs(3_000, true)), [], 'by the clock alone nothing is missed');
  t.end();
});

await t.test('the same in batches, restored after every message, and on two shards', (t) => {
  t.equal(differs({ definition: detect, config: found, messages: jobs(330, true) }, modes), undefined);
  t.end();
});
