import fc from 'fast-check';
import t from 'tap';
import { Drift } from '../../engine/drift.js';
import { DRIFT_MS } from '../../engine/limits.js';
import type { Plan } from '../../engine/plan.js';
import type { Staging } from '../../engine/staging.js';

interface Like {
  readonly next: number;
  readonly time?: number;
  readonly idle?: boolean;
  readonly waits?: boolean;
  readonly quiet?: boolean;
  readonly hears?: boolean;
}

/** Sources as they stand, and the operators that they meet at. */
function held(sources: readonly Like[], operators: readonly { readonly origins: readonly number[]; readonly bounded: boolean }[]): boolean[] {
  const all = sources.map(({ next, time = 0, idle = false, waits = false, quiet = false, hears }, index) => ({ index, next, idle, waits, staged: true, planned: { quiet }, watermark: { time }, source: hears === undefined ? {} : { hears: () => hears } })) as unknown as Staging[];
  const drift = new Drift({ operators } as unknown as Plan, all);
  return all.map((staging) => drift.holds(staging));
}

const far = DRIFT_MS + 1;
const window = [{ origins: [0, 1], bounded: true }];

await t.test('a source waits for another that it meets where room is bounded', (t) => {
  t.same(held([{ next: far }, { next: 0 }], window), [true, false]);
  t.same(held([{ next: DRIFT_MS }, { next: 0 }], window), [false, false], 'not within the drift');
  t.same(held([{ next: far }, { next: -Infinity }], window), [true, false], 'also for one that has said nothing yet');
  t.same(held([{ next: far }, { next: 0 }], [{ origins: [0, 1], bounded: false }]), [false, false], 'not where an operator takes all');
  t.same(held([{ next: far }, { next: 0 }, { next: 0 }], [{ origins: [0], bounded: true }, { origins: [1, 2], bounded: true }]), [false, false, false], 'nor for those that it never meets');
  t.end();
});

await t.test('but for nobody of whom nothing is to be expected', (t) => {
  for (const like of [{ idle: true }, { waits: true }, { quiet: true }, { hears: false }, { time: Infinity }]) t.same(held([{ next: far }, { next: 0, ...like }], window)[0], false, JSON.stringify(like));
  t.same(held([{ next: far }, { next: 0, hears: true }], window)[0], true);
  t.end();
});

await t.test('some source can always go on', (t) => {
  const like = fc.record({ next: fc.oneof(fc.constant(-Infinity), fc.nat(5 * DRIFT_MS)), idle: fc.boolean(), hears: fc.boolean() });
  const operator = fc.record({ origins: fc.uniqueArray(fc.nat(3), { minLength: 1 }), bounded: fc.boolean() });
  fc.assert(fc.property(fc.array(like, { minLength: 4, maxLength: 4 }), fc.array(operator, { maxLength: 4 }), (sources, operators) => held(sources, operators).includes(false)));
  t.end();
});
