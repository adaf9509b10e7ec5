import fc from 'fast-check';
import t from 'tap';
import { BLOCK_SLOTS } from '../../engine/limits.js';
import { placeIn, type ColumnSpec, type ColumnType, type StateSchema } from '../../engine/operator.js';
import { bytesOf, State } from '../../engine/state.js';

const type = fc.constantFrom<ColumnType>('f64', 'u32', 'i32', 'u8');
const spec: fc.Arbitrary<ColumnSpec> = fc.oneof(type, fc.record({ type, per: fc.integer({ min: 1, max: 5 }) }));
const schema: fc.Arbitrary<StateSchema> = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), spec);
const widthOf = (column: ColumnSpec) => (typeof column === 'string' ? 1 : column.per);
const typeOf = (column: ColumnSpec) => (typeof column === 'string' ? column : column.type);

type Arrays = Record<string, Float64Array | Uint32Array | Int32Array | Uint8Array>;
const columnsOf = (state: State) => state.columns as Arrays;

/** A value that every type of column holds, and that tells slot, column and place apart. */
const valueOf = (slot: number, name: string, k: number): number => (slot * 7 + name.charCodeAt(0) * 3 + k) % 251;

function fill(state: State, shape: StateSchema, slots: readonly number[]): void {
  for (const slot of slots) for (const [name, column] of Object.entries(shape)) for (let k = 0; k < widthOf(column); k++) columnsOf(state)[name]![slot * widthOf(column) + k] = valueOf(slot, name, k);
}

/** Columns of these slots hold what `fill` wrote; those of the others nothing. */
function holds(state: State, shape: StateSchema, slots: ReadonlySet<number>): boolean {
  for (const [name, column] of Object.entries(shape)) {
    const per = widthOf(column);
    for (let i = 0; i < columnsOf(state)[name]!.length; i++) {
      const slot = Math.floor(i / per);
      if (columnsOf(state)[name]![i] !== (slots.has(slot) ? valueOf(slot, name, i % per) : 0)) return false;
    }
  }
  return true;
}

await t.test('growing keeps values and timers', (t) => {
  fc.assert(
    fc.property(schema, fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 5 }), (shape, sizes) => {
      const state = new State(shape);
      const slots = new Set<number>();
      let size = 0;
      for (const each of sizes) {
        size = Math.max(size, each);
        state.grow(each);
        if (state.blocks * BLOCK_SLOTS < size) return false;
        if (!holds(state, shape, slots)) return false;
        fill(state, shape, [each - 1]);
        state.wake(each - 1, each);
        slots.add(each - 1);
      }
      return [...slots].every((slot) => state.timers[slot] === slot + 1);
    }),
  );
  t.end();
});

await t.test('the bytes of a series are those of its columns and its timer', (t) => {
  fc.assert(
    fc.property(schema, (shape) => {
      const state = new State(shape);
      state.grow(1);
      const bytes = [...Object.values(columnsOf(state)), state.timers].reduce((sum, column) => sum + column.byteLength, 0);
      return bytesOf(shape) === bytes / (state.blocks * BLOCK_SLOTS);
    }),
  );
  t.equal(bytesOf({}), 8);
  t.equal(bytesOf({ mean: 'f64', seen: 'u32', panes: { type: 'u8', per: 3 } }), 8 + 8 + 4 + 3);
  t.end();
});

/** All that is due, block by block, as a stage takes it. */
function takeAll(state: State, watermark: number): [number, number][] {
  const slots = new Uint32Array(BLOCK_SLOTS);
  const times = new Float64Array(BLOCK_SLOTS);
  const taken: [number, number][] = [];
  for (let block = state.dueBlock(watermark); block >= 0; block = state.dueBlock(watermark)) {
    const count = state.takeDue(block, watermark, slots, times);
    for (let i = 0; i < count; i++) taken.push([slots[i]!, times[i]!]);
  }
  return taken;
}

const byNumber = ([a]: [number, number], [b]: [number, number]) => a - b;

await t.test('timers fire when the watermark reaches them: none missed, none early, none twice', (t) => {
  const slot = fc.nat(5 * BLOCK_SLOTS - 1);
  const time = fc.oneof(fc.integer({ min: -5, max: 40 }), fc.constantFrom(0, -0, Infinity));
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ wake: slot, time }) },
    { weight: 2, arbitrary: fc.record({ watermark: fc.oneof(fc.integer({ min: -5, max: 45 }), fc.constant(0)) }) },
    { weight: 1, arbitrary: fc.record({ clear: slot }) },
    { weight: 1, arbitrary: fc.constant('restore' as const) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let state = new State({});
      state.grow(5 * BLOCK_SLOTS);
      const timers = new Map<number, number>();
      for (const each of [...steps, { watermark: Infinity }]) {
        if (each === 'restore') {
          const saved = state.save(Array.from({ length: state.blocks }, (_, block) => block));
          state = new State({});
          state.restore(saved, () => true);
          state.grow(5 * BLOCK_SLOTS);
        } else if ('wake' in each) {
          state.wake(each.wake, each.time);
          if (each.time === Infinity) timers.delete(each.wake);
          else timers.set(each.wake, each.time + 0);
        } else if ('clear' in each) {
          state.clear(each.clear);
          timers.delete(each.clear);
        } else {
          const due = [...timers].filter(([, at]) => at <= each.watermark).sort(byNumber);
          for (const [fired] of due) timers.delete(fired);
          const taken = takeAll(state, each.watermark).sort(byNumber);
          if (JSON.stringify(taken) !== JSON.stringify(due)) return false;
        }
      }
      return timers.size === 0;
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

await t.test('a timer set while the due ones fire is fired in the same go, wherever it lies', (t) => {
  const state = new State({});
  state.grow(4 * BLOCK_SLOTS);
  const slots = new Uint32Array(BLOCK_SLOTS);
  const times = new Float64Array(BLOCK_SLOTS);
  state.wake(2 * BLOCK_SLOTS, 10);
  t.equal(state.dueBlock(10), 2);
  state.takeDue(2, 10, slots, times);
  state.wake(0, 9);
  state.wake(3 * BLOCK_SLOTS, 10);
  state.wake(2 * BLOCK_SLOTS + 1, 11);
  t.same(takeAll(state, 10), [[0, 9], [3 * BLOCK_SLOTS, 10]]);
  t.same(takeAll(state, 11), [[2 * BLOCK_SLOTS + 1, 11]]);
  t.end();
});

await t.test('saved by blocks, restored to any placement, and untouched by what is written after', (t) => {
  const BLOCKS = 8;
  fc.assert(
    fc.property(schema, fc.array(fc.nat(2), { minLength: BLOCKS, maxLength: BLOCKS }), fc.array(fc.nat(3), { minLength: BLOCKS, maxLength: BLOCKS }), fc.uniqueArray(fc.nat(BLOCKS * BLOCK_SLOTS - 1), { maxLength: 40 }), (shape, before, after, slots) => {
      const shards = [0, 1, 2].map((shard) => {
        const state = new State(shape);
        state.grow(BLOCKS * BLOCK_SLOTS);
        const own = slots.filter((slot) => before[Math.floor(slot / BLOCK_SLOTS)] === shard);
        fill(state, shape, own);
        for (const slot of own) state.wake(slot, slot + 1);
        const saved = state.save([...before.keys()].filter((block) => before[block] === shard));
        // What runs on after the barrier.
        for (const column of Object.values(columnsOf(state))) column.fill(99);
        for (const slot of own) state.wake(slot, 1e9);
        // As it lies in a file: at any place of a larger buffer.
        const bytes = saved.bytes.map((part) => {
          const buffer = new Uint8Array(part.length + 8);
          buffer.set(part, 8);
          return buffer.subarray(8);
        });
        return { ...saved, bytes };
      });
      for (const shard of [0, 1, 2, 3]) {
        const state = new State(shape);
        for (const saved of shards) state.restore(saved, (block) => after[block] === shard);
        const own = new Set(slots.filter((slot) => after[Math.floor(slot / BLOCK_SLOTS)] === shard));
        if (!holds(state, shape, own)) return false;
        if (![...own].every((slot) => state.timers[slot] === slot + 1)) return false;
        const fired = takeAll(state, Infinity).map(([slot]) => slot);
        if (fired.length !== own.size || !fired.every((slot) => own.has(slot))) return false;
      }
      return true;
    }),
  );
  t.end();
});

await t.test('blocks that are not there yet are not saved', (t) => {
  const state = new State({ a: 'f64' });
  state.grow(BLOCK_SLOTS);
  t.same(state.save([0, 1, 1_000]).blocks, [0, 1]);
  t.end();
});

await t.test('of each block what is used is saved, and the rest is zero again where it is restored', (t) => {
  const shape = { a: 'f64', b: { type: 'u32', per: 3 }, c: 'u8' } as const;
  const state = new State(shape);
  state.grow(6 * BLOCK_SLOTS);
  const { a, b, c } = columnsOf(state) as Record<'a' | 'b' | 'c', Float64Array>;
  a[0] = -0;
  b[(BLOCK_SLOTS + 2) * 3 + 1] = 7;
  c[2 * BLOCK_SLOTS - 60] = 1;
  a.fill(1.5, 2 * BLOCK_SLOTS, 4 * BLOCK_SLOTS);
  state.wake(4 * BLOCK_SLOTS + 9, 5);
  const saved = state.save([0, 1, 2, 3, 4, 5]);
  t.same(saved.used, [1, 5, BLOCK_SLOTS, BLOCK_SLOTS, 10, 0]);
  // Of the two full blocks each column has the same everywhere.
  const slots = 1 + 5 + 10;
  t.same(saved.alike, [[2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2]]);
  t.same(saved.bytes.map((bytes) => bytes.length), [slots * 8 + 16, slots * 12 + 16, slots + 16, slots * 8 + 16]);

  // One that had these blocks before, and got them back.
  const other = new State(shape);
  other.grow(6 * BLOCK_SLOTS);
  for (const column of Object.values(columnsOf(other))) column.fill(3);
  other.restore(saved, (block) => block !== 3);
  for (const [name, column] of Object.entries(columnsOf(other))) {
    const per = name === 'b' ? 3 : 1;
    const expected = (i: number) => (Math.floor(i / per / BLOCK_SLOTS) === 3 ? 3 : columnsOf(state)[name]![i]);
    t.ok(column.subarray(0, 6 * BLOCK_SLOTS * per).every((value, i) => Object.is(value, expected(i))), name);
  }
  t.same(takeAll(other, 10), [[4 * BLOCK_SLOTS + 9, 5]]);
  t.end();
});

await t.test('of a full block in which 8 bytes repeat these are saved, whatever the column, and every bit comes back', (t) => {
  const BLOCKS = 6;
  const odd = fc.constantFrom(0, -0, NaN, 1.5, 200);
  // What all slots have, and one that may differ by one value.
  const block = fc.record({ all: fc.array(odd, { minLength: 5, maxLength: 5 }), but: fc.option(fc.record({ slot: fc.nat(BLOCK_SLOTS - 1), value: odd }), { nil: undefined, freq: 2 }) });
  fc.assert(
    fc.property(schema, fc.array(block, { minLength: BLOCKS, maxLength: BLOCKS }), fc.boolean(), fc.nat(BLOCKS), (shape, blocks, reuses, gone) => {
      const state = new State(shape);
      state.reusesMemory = reuses;
      state.grow(BLOCKS * BLOCK_SLOTS);
      for (const [name, column] of Object.entries(shape)) {
        const per = widthOf(column);
        const values = columnsOf(state)[name]!;
        for (const [b, { all, but }] of blocks.entries()) {
          for (let i = 0; i < BLOCK_SLOTS * per; i++) values[b * BLOCK_SLOTS * per + i] = all[i % per]!;
          if (but !== undefined) values[(b * BLOCK_SLOTS + but.slot) * per] = but.value;
        }
      }
      for (let slot = 0; slot < BLOCKS * BLOCK_SLOTS; slot++) state.wake(slot, 1e12);
      const saved = state.save([0, 1, 2, 3, 4, 5].filter((b) => b !== gone));
      // Timers are all the same.
      if (saved.bytes.at(-1)!.length !== 8 * saved.blocks.length) return false;
      const other = new State(shape);
      other.restore(saved, () => true);
      other.grow(BLOCKS * BLOCK_SLOTS);
      const expected = new State(shape);
      expected.grow(BLOCKS * BLOCK_SLOTS);
      for (const [name, column] of Object.entries(columnsOf(expected))) {
        column.set(columnsOf(state)[name] as Float64Array);
        const per = widthOf(shape[name]!);
        if (gone < BLOCKS) column.fill(0, gone * BLOCK_SLOTS * per, (gone + 1) * BLOCK_SLOTS * per);
        const got = columnsOf(other)[name]!;
        const bytes = (of: typeof got) => Buffer.from(of.buffer, of.byteOffset, BLOCKS * BLOCK_SLOTS * per * of.BYTES_PER_ELEMENT);
        if (!bytes(got).equals(bytes(column))) return false;
      }
      return other.timers.subarray(0, BLOCKS * BLOCK_SLOTS).every((time, slot) => time === (Math.floor(slot / BLOCK_SLOTS) === gone ? 0 : 1e12));
    }),
  );
  t.end();
});

await t.test('what was saved when all blocks were there in full is restored', (t) => {
  const of = (name: string) => ({ name, type: 'f64', per: 1, planes: 1 }) as const;
  const bytes = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
  const state = new State({ a: 'f64' });
  state.restore({ columns: [of('a'), of('')], blocks: [0, 2], used: [2, 1], runs: [[], []], bytes: [bytes(1, 2, 3), bytes(0, 9, 8)] }, () => true);
  t.same([0, 1, 2 * BLOCK_SLOTS].map((slot) => [state.columns['a']![slot], state.timers[slot]]), [[1, 0], [2, 9], [3, 8]]);
  t.end();
});

await t.test('of a column with planes, those are saved that some series of the block uses, and the others are zero again', (t) => {
  const planes = { type: 'f64', per: 2, planes: 3 } as const;
  const state = new State({ panes: planes, a: 'u8' });
  state.grow(4 * BLOCK_SLOTS);
  const size = 2 * BLOCK_SLOTS;
  const { panes } = columnsOf(state) as { panes: Float64Array };
  panes[2 * placeIn(3, 1, 3)] = -0;
  panes[2 * placeIn(BLOCK_SLOTS + 63, 0, 3) + 1] = 5;
  panes[2 * placeIn(3 * BLOCK_SLOTS, 2, 3)] = 7;
  const fresh = state.save([0, 1, 3]);
  state.reusesMemory = true;
  const before = panes.slice();
  panes.fill(2);
  const memory = state.save([0, 1, 3]).bytes[0]!.buffer;
  panes.set(before);
  const saved = state.save([0, 1, 3]);
  t.same(saved, fresh, 'also where it is in memory that has been used');
  t.equal(saved.bytes[0]!.buffer, memory);
  t.same(saved.runs, [[1, 1, 1, 1, 4, 1], [], []]);
  t.equal(saved.bytes[0]!.length, 3 * size * 8);
  t.same(saved.used, [0, 0, 0]);

  const other = new State({ panes: planes, a: 'u8' });
  other.grow(4 * BLOCK_SLOTS);
  for (const column of Object.values(columnsOf(other))) column.fill(3);
  other.restore(saved, (block) => block !== 3);
  const restored = columnsOf(other)['panes']!.subarray(0, 4 * 3 * size);
  t.ok(restored.every((value, i) => Object.is(value, Math.floor(i / size / 3) < 2 ? panes[i] : 3)));
  t.end();
});

await t.test('a column that is new begins at zero, one that is gone is left out, one that is another is an error', (t) => {
  const before = new State({ a: 'f64', gone: 'u8' });
  before.grow(BLOCK_SLOTS);
  before.columns['a']![5] = 1.5;
  before.columns['gone']![5] = 7;
  const saved = before.save([0]);
  const after = new State({ a: 'f64', fresh: { type: 'u32', per: 2 } });
  after.restore(saved, () => true);
  t.equal(after.columns['a']![5], 1.5);
  t.ok(after.columns['fresh']!.every((value) => value === 0));
  t.same(Object.keys(after.columns), ['a', 'fresh']);
  t.throws(() => new State({ a: 'u32' }).restore(saved, () => true), { message: 'column a was saved as 1 x f64 and is now 1 x u32' });
  t.throws(() => new State({ a: { type: 'f64', per: 4 } }).restore(saved, () => true), { message: 'column a was saved as 1 x f64 and is now 4 x f64' });
  t.end();
});

await t.test('a series that is cleared leaves nothing, and its neighbours alone', (t) => {
  fc.assert(
    fc.property(schema, fc.nat(99), (shape, slot) => {
      const state = new State(shape);
      state.grow(100);
      const all = Array.from({ length: 100 }, (_, each) => each);
      fill(state, shape, all);
      for (const each of all) state.wake(each, 10);
      state.clear(slot);
      state.clear(1e6);
      const others = new Set(all.filter((each) => each !== slot));
      return holds(state, shape, others) && takeAll(state, 10).length === 99;
    }),
  );
  // So that none of the types is left untried.
  t.same(new Set(fc.sample(spec, { numRuns: 200, seed: 1 }).map(typeOf)), new Set(['f64', 'u32', 'i32', 'u8']));
  t.end();
});

await t.test('saves that use the memory of the one before are the same as fresh ones, as series come and go', (t) => {
  fc.assert(
    fc.property(schema, fc.array(fc.array(fc.nat(3 * BLOCK_SLOTS - 1), { maxLength: 40 }), { maxLength: 6 }), (shape, steps) => {
      const states = [new State(shape), new State(shape)] as const;
      states[1].reusesMemory = true;
      for (const slots of steps) {
        for (const state of states) {
          state.grow(3 * BLOCK_SLOTS);
          for (let slot = 0; slot < 3 * BLOCK_SLOTS; slot++) if (!slots.includes(slot)) state.clear(slot);
          fill(state, shape, slots);
        }
        const [fresh, again] = states.map((state) => state.save([0, 1, 2]));
        if (JSON.stringify([fresh!.used, fresh!.runs, fresh!.alike]) !== JSON.stringify([again!.used, again!.runs, again!.alike])) return false;
        if (fresh!.bytes.some((bytes, c) => Buffer.compare(bytes, again!.bytes[c]!) !== 0)) return false;
        const restored = new State(shape);
        restored.restore(again!, () => true);
        if (!holds(restored, shape, new Set(slots))) return false;
      }
      return true;
    }),
  );
  const state = new State({ a: 'f64' });
  state.reusesMemory = true;
  state.grow(BLOCK_SLOTS);
  state.columns['a']!.fill(1);
  t.equal(state.save([0]).bytes[0]!.buffer, state.save([0]).bytes[0]!.buffer, 'it is the same memory');
  t.end();
});
