import fc from 'fast-check';
import t from 'tap';
import { MAX_WAITING } from '../../operators/window/waiting.js';
import { differs, every, LEAD, naive, numbers, Rig, START, steps, type Row, type Step } from './window-rig.js';

interface Run {
  readonly every: number;
  /** How many times as many rows a window has. */
  readonly panes: number;
  readonly lateness: number;
  readonly steps: readonly Step[];
}

const runs = fc.record({
  every: fc.constantFrom(1, 2, 3, 7),
  panes: fc.constantFrom(1, 1, 2, 3, 5),
  lateness: fc.constantFrom(0, 700, 4_000, 11_000),
  steps,
});

/** The windows of one series at a watermark, anew from all of its rows, in order of arrival. */
function windowsOf(all: readonly Row[], { every: each, panes }: Run, settled: number): Row[][] {
  const size = each * panes;
  const rows = all.toSorted((a, b) => a.time - b.time).filter(({ time }) => time <= settled);
  const windows: Row[][] = [];
  for (let from = 0; from + size <= rows.length; from += each) windows.push(rows.slice(from, from + size));
  return windows;
}

/** Runs the operator beside the naive oracle; gives what went wrong. */
function compare(run: Run, aggregates: readonly string[]): string | undefined {
  const { every: each, panes, lateness } = run;
  const rig = new Rig({ rows: each * panes, every: each, lateness: `${lateness}ms`, aggregates }, LEAD);
  const taken: Row[] = [];
  const late: Row[] = [];
  let watermark = START;
  rig.advance(watermark);
  const advance = (to: number): string | undefined => {
    rig.advance(to);
    watermark = to;
    for (const slot of [0, 1, 2]) {
      const found = rig.results.filter((result) => result.slot === slot);
      const wanted = windowsOf(taken.filter((row) => row.slot === slot), run, watermark - lateness);
      if (found.length !== wanted.length) return `${found.length} results of ${slot} instead of ${wanted.length} at watermark ${watermark}`;
      for (const [i, rows] of wanted.entries()) {
        const { end, aggregates: got } = found[i]!;
        const start = rows[0]!.time;
        const last = rows.at(-1)!.time;
        if (end !== last) return `window ${i} of ${slot} has time ${end} instead of ${last}`;
        const expected: Record<string, number> = { ...naive(rows), start, duration: (last - start) / 1_000 };
        for (const name of [...aggregates, 'start', 'duration']) if (differs(name, got[name]!, expected[name]!)) return `window ${i} of ${slot}: ${name} is ${got[name]} instead of ${expected[name]}`;
      }
    }
    return undefined;
  };
  for (const step of run.steps) {
    if ('move' in step) rig.move();
    else if ('watermark' in step) {
      const wrong = advance(watermark + step.watermark);
      if (wrong !== undefined) return wrong;
    } else {
      const row = { time: watermark - step.row.ago, slot: step.row.slot, value: step.row.value };
      (row.time < watermark - lateness ? late : taken).push(row);
      rig.push([row]);
    }
  }
  const wrong = advance(Infinity);
  if (wrong !== undefined) return wrong;
  if (rig.timers.size > 0) return 'a timer is left at the end';
  if (JSON.stringify(rig.late) !== JSON.stringify(late.map((row) => ({ ...row, reason: 'late' })))) return `late rows ${JSON.stringify(rig.late)} instead of ${JSON.stringify(late)}`;
  return undefined;
}

await t.test('out of order, late, sliding, moved: the same as all windows computed anew', async (t) => {
  for (const [aggregates, runsOfIt] of [
    [every, 400],
    [numbers, 300],
    [['count'], 200],
    [['p50', 'mean'], 100],
  ] as const) {
    fc.assert(
      fc.property(runs, (run) => {
        const wrong = compare(run, aggregates);
        if (wrong !== undefined) throw new Error(wrong);
      }),
      { numRuns: runsOfIt },
    );
    t.pass(aggregates.join());
  }
});

const at = (seconds: number, value = 1): Row => ({ time: START + 1_000 * seconds, slot: 0, value });

await t.test('rows of equal time count in order of arrival, whatever came between', async (t) => {
  const rig = new Rig({ rows: 2, aggregates: ['sum', 'first', 'last', 'increase'] }, 60_000);
  rig.advance(START);
  rig.push([at(1, 10), at(1, 11), at(0, 1), at(1, 12)]);
  t.strictSame(rig.results, [], 'an earlier one may come still');
  rig.advance(START + 1_000);
  rig.push([at(1, 13)]);
  rig.advance(START + 2_000);
  rig.advance(Infinity);
  t.strictSame(
    rig.results.map(({ end, aggregates }) => [(end - START) / 1_000, ...Object.values(aggregates)]),
    [
      [1, 11, 1, 10, 9, START, 1],
      [1, 23, 11, 12, NaN, START + 1_000, 0],
    ],
  );
});

await t.test('at the end rows that do not fill a window give no row', async (t) => {
  const counts = (config: Record<string, unknown>, rows: number): number[] => {
    const rig = new Rig({ ...config, aggregates: ['count'] }, 600_000);
    rig.push(Array.from({ length: rows }, (_, i) => at(i)));
    rig.advance(Infinity);
    return rig.results.map(({ aggregates }) => aggregates['count']!);
  };
  t.strictSame(counts({ rows: 4 }, 11), [4, 4]);
  t.strictSame(counts({ rows: 4 }, 3), []);
  t.strictSame(counts({ rows: 4, every: 2 }, 7), [4, 4]);
  t.strictSame(counts({ rows: 6, every: 2 }, 5), []);
  t.strictSame(counts({ rows: 1 }, 2), [1, 1]);
});

await t.test('numbers that are none are no rows', async (t) => {
  const rig = new Rig({ rows: 2, aggregates: ['sum'] }, 60_000);
  rig.push([at(0, 1), at(1, NaN), at(2, 2)]);
  rig.advance(Infinity);
  t.strictSame(rig.results.map(({ aggregates }) => aggregates['sum']), [3]);
});

await t.test('what is kept is bounded', async (t) => {
  t.equal(new Rig({ rows: 100, aggregates: ['count'] }, 60_000).bytesPerSeries, 8 + 16 + 24, 'as its page says');
  t.equal(new Rig({ rows: 100, every: 10, aggregates: every }, 60_000).bytesPerSeries, 8 + 11 * (16 + 24 + 8 + 16 + 32 + 40));

  const rows = MAX_WAITING + 50;
  const rig = new Rig({ rows, aggregates: ['count', 'increase'] }, 60_000);
  rig.advance(START);
  rig.push(Array.from({ length: MAX_WAITING + 10 }, (_, i) => at(i / 1_000, i)));
  t.equal(rig.late.length, 10, 'rows that wait for the watermark');
  t.equal(rig.late[0]!.reason, 'ahead');
  rig.advance(START + MAX_WAITING - 100);
  rig.push(Array.from({ length: 50 }, (_, i) => at((MAX_WAITING + i) / 1_000, MAX_WAITING + i)));
  t.equal(rig.late.length, 10, 'the watermark makes room');
  t.ok(rig.saved(0) <= 16 * 160, 'those that it has passed wait no more');
  rig.advance(Infinity);
  t.strictSame(rig.results.map(({ aggregates }) => [aggregates['count'], aggregates['increase']]), [[rows, rows - 1]]);
  t.equal(rig.saved(0), 0);
});
