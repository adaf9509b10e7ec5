import { randomInt } from 'node:crypto';
import t, { type Test } from 'tap';
import { describeFailure, simulate } from './simulate.js';

/** Always the same, and others each time. */
const FIXED = 100;
const RANDOM = 30;
/** A sum over a session, anomalies of one time, series that came while a barrier was sent, how far a run had come that is two crashes ago, a source that was being opened when the graph crashed, one that waited for two of which one had ended before. */
const FOUND = [81, 30702, 41539, 104328, 404007, 103212];

async function check(t: Test, seeds: readonly number[]): Promise<void> {
  let steps = 0;
  for (const seed of seeds) {
    const { failure, steps: more } = await simulate(seed);
    steps += more;
    if (failure === undefined) continue;
    t.fail(describeFailure(failure));
    return;
  }
  t.ok(steps > seeds.length * 100, `${seeds.length} seeds, ${steps} steps`);
}

await t.test('what is stored does not depend on what goes wrong, nor on when', (t) => check(t, Array.from({ length: FIXED }, (_, seed) => seed)));

await t.test('nor with seeds that have found something', (t) => check(t, FOUND));

await t.test('nor with other seeds', (t) => {
  const first = randomInt(1_000_000_000);
  t.comment(`seeds from ${first} on`);
  return check(t, Array.from({ length: RANDOM }, (_, i) => first + i));
});

await t.test('a seed is the same run each time', async (t) => {
  for (const seed of [3, 17, 42]) t.same(await simulate(seed), await simulate(seed));
});
