import t from 'tap';
import type { AnySink, AnySource } from '../../engine/connector.js';
import type { Registry } from '../../engine/graph.js';
import { IdleSources } from '../../engine/idle.js';
import { IDLE_AFTER_MS } from '../../engine/limits.js';
import type { AnyOperator } from '../../engine/operator.js';
import { makePlan } from '../../engine/plan.js';
import type { Staging } from '../../engine/staging.js';
import { SourceWatermark } from '../../engine/watermark.js';

const DISORDER = 2_000;

const registry: Registry = {
  operators: [{ name: 'pass', ports: () => ({ input: { rows: [] }, output: { rows: [] } }) } as Partial<AnyOperator> as AnyOperator],
  sources: [{ name: 'src', live: () => true, disorder: () => DISORDER } as Partial<AnySource> as AnySource],
  sinks: [{ name: 'in-order', ordered: () => true } as Partial<AnySink> as AnySink, { name: 'any', ordered: () => false } as Partial<AnySink> as AnySink],
};

/** Sources `a` to `d`: `a` and `b` meet at an operator, `c` and `b` in a sink that puts rows in order, `d` and all others in one that does not. */
const plan = makePlan(
  {
    sources: ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'src', from: [], config: {} })),
    operators: [{ name: 'both', type: 'pass', from: ['a', 'b'], config: {} }],
    sinks: [
      { name: 'ordered', type: 'in-order', from: ['both', 'c'], config: {} },
      { name: 'all', type: 'any', from: ['a', 'b', 'c', 'd'], config: {} },
    ],
    partitions: 4,
    maxSeries: 10,
    seed: 1,
  },
  registry,
  1,
);

function fixture() {
  const clock = { time: 1_000_000, passed: 0, now: () => clock.time, elapsed: () => clock.passed };
  const hears = { a: true, b: true, c: true, d: true };
  const all = plan.sources.map((planned, index) => {
    const watermark = new SourceWatermark(DISORDER);
    watermark.advance(500_000);
    const name = planned.spec.name as keyof typeof hears;
    return { index, name, planned, watermark, live: true, idle: false, ended: false, heard: 0, source: { hears: () => hears[name] } } as unknown as Staging;
  });
  const idle = new IdleSources(plan, all, clock);
  const moves = (): string[] => idle.moves().map(({ staging, watermark }) => `${staging.name} ${watermark}`);
  /** So much time passes; whoever is named speaks. */
  const pass = (ms: number, ...speaks: readonly Staging[]): void => {
    clock.time += ms;
    clock.passed += ms;
    for (const staging of speaks) staging.heard = clock.passed;
    idle.look();
  };
  return { clock, hears, all: all as [Staging, Staging, Staging, Staging], idle, moves, pass };
}

await t.test('where all are silent, each goes on with the clock', (t) => {
  const { idle, moves, pass } = fixture();
  pass(IDLE_AFTER_MS - 1);
  t.equal(idle.some, false);
  t.same(moves(), []);
  pass(1);
  t.equal(idle.some, true);
  t.same(moves(), ['a', 'b', 'c', 'd'].map((name) => `${name} ${1_000_000 - DISORDER}`));
  t.end();
});

await t.test('a silent one goes with those that it meets, and holds none of them back', (t) => {
  const { all, moves, pass } = fixture();
  const [a, b, c, d] = all;
  b.watermark.advance(1_003_000);
  c.watermark.advance(1_009_000);
  d.watermark.advance(1_009_000);
  pass(IDLE_AFTER_MS, b, c, d);
  t.same(moves(), ['a 1003000'], 'b at the operator; c only by the sink, and d does not count: no order is made there');
  a.watermark.advance(1_003_000);
  c.watermark.advance(1_001_000);
  pass(10, b, d);
  t.same(moves(), [], 'c is not yet silent and behind');
  b.watermark.advance(Infinity);
  c.watermark.advance(Infinity);
  pass(10_000, d);
  t.same(moves(), [`a ${1_015_000 + 10 - IDLE_AFTER_MS - DISORDER - 10}`], 'those that have ended are not met any more');
  t.end();
});

await t.test('one that is behind what is read is moved on seldom, as each move waits for the journal', (t) => {
  const { clock, all, moves, pass } = fixture();
  const [a, b, c] = all;
  pass(IDLE_AFTER_MS, b, c, all[3]);
  t.same(moves(), ['a 998000']);
  a.watermark.advance(998_000);
  c.watermark.advance(2_000_000);
  b.watermark.advance(1_000_000);
  t.same(moves(), [], 'it was moved just now');
  b.watermark.advance(1_008_000);
  t.same(moves(), ['a 1008000'], 'but not this far behind');
  a.watermark.advance(1_008_000);
  b.watermark.advance(1_009_000);
  t.same(moves(), []);
  clock.passed += 20;
  t.same(moves(), ['a 1009000']);
  t.end();
});

await t.test('who can not hear is not silent, also not when he was', (t) => {
  const { hears, idle, pass } = fixture();
  pass(IDLE_AFTER_MS);
  t.equal(idle.some, true);
  for (const name of ['a', 'b', 'c', 'd'] as const) hears[name] = false;
  pass(1_000);
  t.equal(idle.some, false);
  t.end();
});
