import fc from 'fast-check';
import t from 'tap';
import { MOST_OPEN } from '../../operators/window/sessions.js';
import { CAPACITY, differs, every, LEAD, naive, numbers, Rig, START, steps, type Row, type Step } from './window-rig.js';

interface Session {
  readonly rows: readonly Row[];
  readonly start: number;
  readonly last: number;
  readonly end: number;
}

/** The sessions of one series, anew from all of its rows, in order of arrival. */
function sessionsOf(rows: readonly Row[], gap: number, max: number): Session[] {
  const sessions: Row[][] = [];
  const cutOf = (start: number): number => Math.floor((start + max) / (max / 2)) * (max / 2);
  for (const row of rows.toSorted((a, b) => a.time - b.time)) {
    const session = sessions.at(-1);
    if (session === undefined || row.time - session.at(-1)!.time >= gap || row.time >= cutOf(session[0]!.time)) sessions.push([row]);
    else session.push(row);
  }
  return sessions.map((of) => {
    const start = of[0]!.time;
    const last = of.at(-1)!.time;
    // In order of arrival again.
    return { rows: rows.filter((row) => of.includes(row)), start, last, end: Math.min(last + gap, cutOf(start)) };
  });
}

interface Run {
  readonly gap: number;
  /** Of `gap`. */
  readonly longest: number;
  readonly lateness: number;
  readonly steps: readonly Step[];
}

const runs = fc.record({
  gap: fc.constantFrom(1_000, 2_000, 5_000, 20_000),
  longest: fc.constantFrom(2, 3, 5, 1_000),
  lateness: fc.constantFrom(0, 700, 4_000, 11_000),
  steps,
});

/** Runs the operator beside the naive oracle; gives what went wrong. */
function compare({ gap, longest, lateness, steps: all }: Run, aggregates: readonly string[], ordered: boolean): string | undefined {
  const max = longest * gap;
  const rig = new Rig({ gap: `${gap}ms`, max: `${max}ms`, lateness: `${lateness}ms`, aggregates }, LEAD);
  const taken: Row[] = [];
  const late: Row[] = [];
  const of = (slot: number): Session[] => sessionsOf(taken.filter((row) => row.slot === slot), gap, max);
  let watermark = START;
  rig.advance(watermark);
  const advance = (to: number): string | undefined => {
    rig.advance(to);
    watermark = to;
    const expected = [0, 1, 2].flatMap((slot) => of(slot).filter(({ end }) => end + lateness <= watermark).map((session) => ({ slot, ...session })));
    if (rig.results.length !== expected.length) return `${rig.results.length} results instead of ${expected.length} at watermark ${watermark}`;
    for (const { slot, end, aggregates: got } of rig.results) {
      const session = expected.find((one) => one.slot === slot && one.end === end);
      if (session === undefined) return `no session of ${slot} ends at ${end}`;
      const wanted: Record<string, number> = { ...naive(session.rows), start: session.start, duration: (session.last - session.start) / 1_000 };
      for (const name of [...aggregates, 'start', 'duration']) if (differs(name, got[name]!, wanted[name]!)) return `session of ${slot} until ${end}: ${name} is ${got[name]} instead of ${wanted[name]}`;
    }
    return undefined;
  };
  for (const step of all) {
    if ('move' in step) rig.move();
    else if ('watermark' in step) {
      const wrong = advance(watermark + step.watermark);
      if (wrong !== undefined) return wrong;
    } else {
      const row = { time: watermark - step.row.ago, slot: step.row.slot, value: step.row.value };
      const settled = watermark - lateness;
      const isLate = row.time < settled && (ordered || !of(row.slot).some(({ start, end }) => end > settled && start <= row.time && row.time < end));
      (isLate ? late : taken).push(row);
      rig.push([row]);
    }
  }
  const wrong = advance(Infinity);
  if (wrong !== undefined) return wrong;
  if (rig.timers.size > 0) return 'a timer is left though no session is open';
  if (JSON.stringify(rig.late) !== JSON.stringify(late.map((row) => ({ ...row, reason: 'late' })))) return `late rows ${JSON.stringify(rig.late)} instead of ${JSON.stringify(late)}`;
  for (let slot = 0; slot < CAPACITY; slot++) if (rig.saved(slot) > 0) return `slot ${slot} keeps something`;
  return undefined;
}

await t.test('out of order, late, cut, moved: the same as all sessions computed anew', async (t) => {
  for (const [aggregates, ordered, runsOfIt] of [
    [every, true, 400],
    [numbers, false, 600],
    [['count'], false, 300],
    [['p50', 'mean'], false, 100],
  ] as const) {
    fc.assert(
      fc.property(runs, (run) => {
        const wrong = compare(run, aggregates, ordered);
        if (wrong !== undefined) throw new Error(wrong);
      }),
      { numRuns: runsOfIt },
    );
    t.pass(aggregates.join());
  }
});

await t.test('rows of one batch that are put in order give what rows in order give', async () => {
  const row = fc.record({ time: fc.integer({ min: 0, max: 40 }).map((seconds) => START + 1_000 * seconds), slot: fc.integer({ min: 0, max: 1 }), value: fc.integer({ min: 0, max: 100 }) });
  fc.assert(
    fc.property(fc.uniqueArray(row, { maxLength: 60, selector: ({ time, slot }) => `${time} ${slot}` }), (rows) => {
      const [shuffled, sorted] = [rows, rows.toSorted((a, b) => a.time - b.time)].map((pushed) => {
        const rig = new Rig({ gap: '3s', max: '16s', aggregates: ['count', 'sum', 'min', 'first', 'last', 'p50', 'increase'] }, 60_000);
        rig.advance(START);
        rig.push(pushed);
        rig.advance(Infinity);
        return rig.results.map((result) => JSON.stringify(result)).toSorted();
      });
      return JSON.stringify(shuffled) === JSON.stringify(sorted);
    }),
  );
});

const at = (seconds: number, value = 1): Row => ({ time: START + 1_000 * seconds, slot: 0, value });

await t.test('a silence as long as the gap ends a session', async (t) => {
  const rig = new Rig({ gap: '10s', aggregates: ['count'] }, 60_000);
  rig.advance(START);
  rig.push([at(0), at(9.999), at(19.999), at(30)]);
  rig.advance(START + 29_998);
  t.strictSame(rig.results, [{ slot: 0, end: START + 19_999, aggregates: { count: 2, start: START, duration: 9.999 } }]);
  rig.advance(START + 29_999);
  t.equal(rig.results.length, 2, 'it closes when the watermark reaches its end');
  t.equal(rig.results[1]!.end, START + 29_999);
  rig.push([at(29.9995)]);
  rig.advance(START + 39_999);
  t.equal(rig.results.length, 2, 'a row that the watermark has not passed extends the session before it');
  rig.advance(START + 40_000);
  t.strictSame(rig.results[2]?.aggregates, { count: 2, start: START + 29_999.5, duration: 0.0005 });
});

await t.test('a row between two sessions makes them one', async (t) => {
  const rig = new Rig({ gap: '10s', aggregates: ['count', 'first', 'last', 'increase', 'p50'] }, 60_000);
  rig.advance(START);
  rig.push([at(0, 3), at(15, 5), at(16, 6), at(40, 1)]);
  rig.push([at(8, 4)]);
  rig.advance(START + 26_000);
  t.strictSame(rig.results, [{ slot: 0, end: START + 26_000, aggregates: { count: 4, first: 3, last: 6, increase: 3, p50: 4, start: START, duration: 16 } }]);
});

await t.test('rows that come when the sessions around them are there already', async (t) => {
  const only = (aggregates: readonly string[], before: readonly Row[], watermark: number, after: readonly Row[]): unknown => {
    const rig = new Rig({ gap: '10s', aggregates }, 60_000);
    rig.advance(START);
    for (const row of before) rig.push([row]);
    rig.advance(START + 1_000 * watermark);
    rig.push(after);
    rig.advance(Infinity);
    return rig.results.length === 1 ? rig.results[0]!.aggregates : rig.results;
  };
  const five = { count: 5, last: 6, start: START, duration: 17 };
  t.strictSame(only(['count', 'last'], [at(0, 1), at(15, 3), at(8, 2)], 5, [at(16, 4), at(17, 6)]), five, 'after the second one began');
  t.strictSame(only(['count', 'last'], [at(15, 3), at(0, 1), at(8, 2)], 5, [at(16, 4), at(17, 6)]), five, 'after the first one began');
  t.strictSame(only(['count', 'last'], [at(0, 1), at(1, 1), at(15, 3)], 10, [at(10.5, 2), at(17, 6)]), five, 'after the first one was nearly over');
  const growing = Array.from({ length: 8 }, (_, i) => at(i, i));
  t.strictSame(
    only(['count', 'increase'], growing, 5, [at(8, 8), at(6.5, 6.5), at(20, 12), at(21, 13), at(14, 10)]),
    { count: 13, increase: 13, start: START, duration: 21 },
    'some rows of the first are settled',
  );
});

await t.test('a row that is late is taken where its session is still open, and where it is not comes out as late', async (t) => {
  const rig = new Rig({ gap: '10s', aggregates: ['count'] }, 60_000);
  rig.advance(START);
  rig.push([at(20), at(28), at(36)]);
  rig.advance(START + 40_000);
  rig.push([at(25), at(39), at(15)]);
  t.strictSame(rig.late, [{ ...at(15), reason: 'late' }]);
  rig.advance(START + 49_000);
  t.strictSame(rig.results, [{ slot: 0, end: START + 49_000, aggregates: { count: 5, start: START + 20_000, duration: 19 } }]);
  rig.push([at(48)]);
  t.strictSame(rig.late[1], { ...at(48), reason: 'late' }, 'a closed session stays closed');
});

await t.test('a session that does not end is cut', async (t) => {
  const rig = new Rig({ gap: '10s', max: '1m', aggregates: ['count'] }, 60_000);
  const begin = Math.ceil(START / 60_000) * 60_000 + 20_000;
  for (let seconds = 0; seconds < 200; seconds += 5) {
    rig.push([{ time: begin + 1_000 * seconds, slot: 0, value: 1 }]);
    rig.advance(begin + 1_000 * seconds);
  }
  rig.advance(Infinity);
  t.strictSame(
    rig.results.map(({ end, aggregates }) => [(end - begin) / 1_000, aggregates['count'], (aggregates['start']! - begin) / 1_000]),
    [
      [40, 8, 0],
      [100, 12, 40],
      [160, 12, 100],
      [205, 8, 160],
    ],
    'at a multiple of half of `max`, between half of it and all of it after its start',
  );
});

await t.test('a sum is the same to the last bit however far the watermark moves at once', async (t) => {
  const rows = Array.from({ length: 100 }, (_, i) => at(i, 0.1 + i * 0.7));
  const sums = [1, 7, 100].map((step) => {
    const rig = new Rig({ gap: '4s', max: '30s', aggregates: ['sum', 'mean'] }, 60_000);
    for (let from = 0; from < rows.length; from += step) {
      rig.push(rows.slice(from, from + step));
      rig.advance(START + 1_000 * from);
    }
    rig.advance(Infinity);
    return rig.results.map(({ end, aggregates }) => [end, aggregates]);
  });
  t.ok(sums[0]!.length > 2, `${sums[0]!.length} sessions`);
  t.strictSame(sums[1], sums[0]);
  t.strictSame(sums[2], sums[0]);
});

await t.test('numbers that are none begin no session and extend none', async (t) => {
  const rig = new Rig({ gap: '10s', aggregates: ['count', 'sum', 'increase'] }, 60_000);
  rig.advance(START);
  rig.push([at(0, NaN), at(5, 2), at(14, NaN), at(15.001, 3)]);
  rig.advance(Infinity);
  t.strictSame(rig.results.map(({ aggregates }) => [aggregates['count'], aggregates['sum']]), [[1, 2], [1, 3]]);
});

await t.test('before 1970, and at its first moment', async (t) => {
  const rig = new Rig({ gap: '10s', aggregates: ['sum'] }, 60_000);
  rig.push([-25_000, -16_000, -5_000, 0, 9_000].map((time) => ({ time, slot: 0, value: 1 })));
  rig.advance(100_000);
  t.strictSame(
    rig.results.map(({ end, aggregates }) => [end, aggregates['sum'], aggregates['start']]),
    [
      [-6_000, 2, -25_000],
      // Cut by the multiple of half a day that 1970 begins with? No: it is shorter than that.
      [19_000, 3, -5_000],
    ],
  );
});

await t.test('what is kept is bounded', async (t) => {
  const rig = new Rig({ gap: '100ms', aggregates: ['count'] }, 60_000);
  t.equal(rig.bytesPerSeries, 10 + MOST_OPEN * (24 + 24), 'as its page says');
  t.equal(new Rig({ gap: '1m', lateness: '30s', aggregates: every }, 60_000).bytesPerSeries, 10 + 6 * (24 + 24 + 8 + 16 + 32 + 40));
  rig.advance(START);
  for (let i = 0; i < MOST_OPEN + 3; i++) rig.push([at(i)]);
  t.equal(rig.late.length, 3, 'one more session than may be open');
  t.equal(rig.late[0]!.reason, 'ahead');
  rig.push([at(0.05), at(MOST_OPEN - 1 + 0.05)]);
  t.equal(rig.late.length, 3, 'those that are open go on');
  rig.advance(START + 2_000);
  rig.push([at(MOST_OPEN)]);
  t.equal(rig.late.length, 3, 'the watermark makes room');
  rig.advance(Infinity);
  t.equal(rig.results.reduce((sum, { aggregates }) => sum + aggregates['count']!, 0), MOST_OPEN + 3);
});
