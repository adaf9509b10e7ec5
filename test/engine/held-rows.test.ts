import fc from 'fast-check';
import t from 'tap';
import { allocateBatch, type Batch } from '../../engine/batch.js';
import { HeldRows } from '../../engine/held-rows.js';

interface Row {
  readonly time: number;
  readonly slot: number;
  readonly value: number;
}

function batchOf(rows: readonly Row[]): Batch<'more'> {
  const batch = allocateBatch(['more'], Math.max(1, rows.length));
  batch.length = rows.length;
  for (const [i, { time, slot, value }] of rows.entries()) [batch.time[i], batch.slot[i], batch.value[i], batch.flags[i], batch.columns.more[i]] = [time, slot, value, 1, -value];
  return batch;
}

const text = (batch: Batch<string>, i: number): string => [batch.time[i], batch.slot[i], batch.value[i], batch.flags[i], batch.columns['more']![i]].join(' ');

/** What one input tells, one after the other: a promise, or a row. */
type Told = { readonly promise: number } | Row;

const LEAD = 10;
/** A source with promises, rows that keep them, some that do not, and some that its promise is far behind. */
const input = fc.array(fc.oneof({ weight: 1, arbitrary: fc.record({ by: fc.nat(15) }) }, { weight: 3, arbitrary: fc.record({ off: fc.integer({ min: -6, max: 5 }), slot: fc.nat(2) }) }), { maxLength: 40 }).map((all): Told[] => {
  let promise = 0;
  return all.map((each, value): Told => ('by' in each ? { promise: (promise += each.by) } : { time: promise + each.off, slot: each.slot, value }));
});

/** The inputs of a node in some order, with saves between: each row with the watermark that it is taken at, by input and series. */
function taken(inputs: readonly (readonly Told[])[], order: readonly number[], saves: boolean): Map<string, string[]> {
  let held = new HeldRows(inputs.map(() => ['more']), LEAD);
  const promises = inputs.map(() => 0);
  const at = inputs.map(() => 0);
  const out = new Map<string, string[]>();
  let watermark = 0;
  const take = (port: number, batch: Batch<string>): void => {
    for (let i = 0; i < batch.length; i++) {
      const state = batch.time[i]! < watermark ? `late at ${watermark}` : batch.time[i]! > watermark + LEAD ? 'no room' : 'taken';
      const key = `${port} ${batch.slot[i]}`;
      out.set(key, [...(out.get(key) ?? []), `${text(batch, i)} ${state}`]);
    }
  };
  const settle = (): void => {
    for (;;) {
      for (let some = held.take(watermark); some !== undefined; some = held.take(watermark)) take(some.port, some.batch);
      const to = Math.min(...promises, held.until);
      if (to === watermark) return;
      watermark = to;
    }
  };
  const tell = (port: number): void => {
    const told = inputs[port]![at[port]!++];
    if (told === undefined) return;
    if (saves) {
      const again = new HeldRows(inputs.map(() => ['more']), LEAD);
      again.restore(JSON.parse(JSON.stringify(held.save())) as ReturnType<HeldRows['save']>, () => true);
      held = again;
    }
    if ('promise' in told) {
      promises[port] = told.promise;
      settle();
    } else {
      const batch = batchOf([told]);
      take(port, held.lets(batch, promises[port]!, watermark) ? batch : held.sift(batch, port, promises[port]!, watermark));
    }
  };
  for (const port of order) tell(port);
  for (const [port, all] of inputs.entries()) for (let i = at[port]!; i < all.length; i++) tell(port);
  for (const port of inputs.keys()) {
    promises[port] = Infinity;
    settle();
  }
  return out;
}

/** The oracle: each input by itself. */
function byOwnPromise(inputs: readonly (readonly Told[])[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const [port, all] of inputs.entries()) {
    let promise = 0;
    for (const told of all) {
      if ('promise' in told) ({ promise } = told);
      else out.set(`${port} ${told.slot}`, [...(out.get(`${port} ${told.slot}`) ?? []), `${text(batchOf([told]), 0)} ${told.time < promise ? `late at ${promise}` : 'taken'}`]);
    }
  }
  return out;
}

await t.test('what is late, and what there is room for, does not depend on which input is ahead', (t) => {
  fc.assert(
    fc.property(fc.tuple(input, input), fc.array(fc.nat(1), { maxLength: 80 }), fc.boolean(), (inputs, order, saves) => {
      t.strictSame(Object.fromEntries(taken(inputs, order, saves)), Object.fromEntries(byOwnPromise(inputs)));
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

await t.test('a batch that need not wait is not copied', (t) => {
  const held = new HeldRows([['more']], LEAD);
  const batch = batchOf([{ time: 5, slot: 0, value: 1 }]);
  t.ok(held.lets(batch, 5, 5));
  t.equal(held.sift(batch, 0, 5, 5), batch);
  t.notOk(held.lets(batch, 6, 5), 'older than promised');
  t.notOk(held.lets(batchOf([{ time: 16, slot: 0, value: 1 }]), 5, 5), 'too far ahead');
  t.end();
});

await t.test('rows go in whole batches, by input, and only those of slots that are here are restored', (t) => {
  const held = new HeldRows([['more'], ['more']], LEAD);
  const many = Array.from({ length: 1_500 }, (_, value) => ({ time: 1, slot: value % 7, value }));
  for (const port of [1, 0]) held.sift(batchOf(many), port, 20, 0);
  const again = new HeldRows([['more'], ['more']], LEAD);
  again.restore(held.save(), (slot) => slot !== 3);
  const sizes: string[] = [];
  for (let some = again.take(20); some !== undefined; some = again.take(20)) sizes.push(`${some.port}: ${some.batch.length}`);
  const kept = many.filter(({ slot }) => slot !== 3).length;
  t.strictSame(sizes, ['0: 1024', `0: ${kept - 1024}`, '1: 1024', `1: ${kept - 1024}`]);
  t.equal(again.until, Infinity);
  t.end();
});
