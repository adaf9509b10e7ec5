import fc from 'fast-check';
import t from 'tap';
import { allocateBatch } from '../../engine/batch.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { Aligner } from '../../engine/ordered.js';

const names = { text: (slot: number) => `s${slot}` } as Partial<Names> as Names;

type Thing = { readonly kind: 'row' | 'finding'; readonly time: number; readonly after: number; readonly input: number; readonly slot: number };

const thing: fc.Arbitrary<Thing> = fc.record({ kind: fc.constantFrom('row', 'row', 'finding'), time: fc.nat(20), after: fc.nat(20), input: fc.nat(1), slot: fc.nat(2) });

/** What comes out, when the watermark goes on by these steps. */
function order(things: readonly Thing[], steps: readonly number[], saved = false): string[] {
  let aligner = new Aligner([[], []], names);
  for (const [i, { kind, time, after, input, slot }] of things.entries()) {
    if (kind === 'finding') {
      aligner.hold(input, { id: `f${i}`, time, revision: 1 } as Partial<Finding> as Finding, after);
      continue;
    }
    const batch = allocateBatch([], 1);
    batch.length = 1;
    batch.time[0] = time;
    batch.slot[0] = slot;
    batch.value[0] = i;
    aligner.add(input, batch, after);
  }
  const out: string[] = [];
  for (const watermark of [...steps, Infinity]) {
    if (saved) {
      const again = new Aligner([[], []], names);
      again.restore(aligner.save());
      aligner = again;
    }
    for (const aligned of aligner.release(watermark)) {
      if ('finding' in aligned) out.push(`finding ${aligned.finding.time} ${aligned.finding.id} of ${aligned.input}`);
      else for (let i = 0; i < aligned.batch.length; i++) out.push(`row ${aligned.batch.time[i]} ${aligned.batch.slot[i]} ${aligned.batch.value[i]} of ${aligned.input}`);
    }
  }
  return out;
}

await t.test('the order does not depend on how far the watermark moves at once, nor on saves between', (t) => {
  const steps = fc.array(fc.nat(22), { maxLength: 8 }).map((all) => all.sort((a, b) => a - b));
  fc.assert(
    fc.property(fc.array(thing, { maxLength: 30 }), steps, fc.boolean(), (things, all, saved) => {
      const once = order(things, []);
      return once.length === things.length && JSON.stringify(order(things, all, saved)) === JSON.stringify(once);
    }),
    { numRuns: 500 },
  );
  t.end();
});

await t.test('by time and series; findings after the rows of their time; what is late stands where the watermark was that it came after', (t) => {
  const row = (time: number, after: number, slot: number, input = 0): Thing => ({ kind: 'row', time, after, slot, input });
  const finding = (time: number, after: number): Thing => ({ kind: 'finding', time, after, slot: 0, input: 1 });
  t.same(order([row(5, 0, 1), finding(5, 0), row(7, 5, 0), row(5, 0, 0), row(2, 6, 0), finding(1, 6)], []), ['row 5 0 3 of 0', 'row 5 1 0 of 0', 'finding 5 f1 of 1', 'row 2 0 4 of 0', 'finding 1 f5 of 1', 'row 7 0 2 of 0']);
  t.end();
});
