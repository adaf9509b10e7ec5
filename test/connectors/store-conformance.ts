import fc from 'fast-check';
import type { Test } from 'tap';
import { allocateBatch, STALE, type Batch } from '../../engine/batch.js';
import { Pages, type Mark } from '../../connectors/history/pages.js';
import type { HistoryRow, Position, Sink } from '../../engine/connector.js';
import { about, findingId, type Anomaly, type Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { makeSeries, parseSeries, seriesText } from '../../engine/series.js';

/** A row as tests write it: time, series, value, further columns. */
export type Row = readonly [time: number, series: string, value: number, columns?: Readonly<Record<string, number>>];

/** Names whose slots are in order of first use. */
class TestNames implements Names {
  readonly texts: string[] = [];
  slot(text: string): number {
    const found = this.texts.indexOf(text);
    return found >= 0 ? found : this.texts.push(text) - 1;
  }
  text(slot: number) {
    return this.texts[slot]!;
  }
  series(slot: number) {
    return parseSeries(this.text(slot));
  }
  group(): number {
    throw new Error('stores know no groups');
  }
  member(): string {
    throw new Error('stores know no groups');
  }
  members(): readonly number[] {
    throw new Error('stores know no groups');
  }
}

/** Writes rows as one batch. */
export async function writeRows(sink: Sink, node: string, rows: readonly Row[]): Promise<void> {
  const names = new TestNames();
  const batch: Batch = allocateBatch(Object.keys(rows[0]?.[3] ?? {}), rows.length);
  for (const [time, series, value, columns = {}] of rows) {
    const i = batch.length++;
    batch.time[i] = time;
    batch.slot[i] = names.slot(series);
    batch.value[i] = value;
    for (const [name, of] of Object.entries(columns)) batch.columns[name]![i] = of;
  }
  await sink.write(node, batch, names);
  // Borrowed: what comes later in this memory is not the store's.
  for (const array of [batch.time, batch.value, batch.slot, ...Object.values(batch.columns)]) array.fill(77);
}

export function anomaly(openedAt: number, revision: number, change: Partial<Anomaly> = {}): Anomaly {
  const series = makeSeries('cpu', { host: 'a' });
  return {
    kind: 'anomaly',
    id: findingId('odd', 'anomaly', seriesText(series.name, series.labels), openedAt),
    revision,
    state: revision === 1 ? 'opened' : 'grew',
    operator: 'odd',
    ...about(series),
    openedAt,
    time: openedAt + revision * 10,
    severity: 'high',
    explanation: 'cpu is 97.2, expected "45.1"',
    value: 97.2,
    expected: 45.1,
    lower: 38,
    upper: 52.3,
    score: 0.99,
    confidence: 0.97,
    direction: 'up',
    ...change,
  };
}

const ALL = { from: -Infinity, to: Infinity, limit: 100_000 };

/** In what stores differ. */
export interface StoreTraits {
  /** Resolves when all that was written can be read. */
  readonly settled: (sink: Sink) => Promise<void>;
  /** Opened at a position it has forgotten what was written after it; else that stays until the same is written again. */
  readonly forgets: boolean;
  /** The name that it gives to a column. */
  readonly column: (name: string) => string;
  /** The first time that it knows. */
  readonly firstTime: number;
  /** Runs with crashes. */
  readonly runs: number;
}

/** Nodes of the tests. */
export const NODES = ['Disk', 'a', 'again', 'b', 'cpu', 'cpu-%', 'n', 'odd', 'slo', 'w'];

/**
 * What every store with a history must do. `make` gives a function that makes a new sink on the same
 * store, which is empty at first: calling it again is a restart.
 */
export async function storeConformance(t: Test, { settled, forgets, column, firstTime, runs }: StoreTraits, make: (t: Test) => Promise<() => Sink>): Promise<void> {
  const historyOf = async (sink: Sink) => {
    await settled(sink);
    return sink.history!;
  };
  const readAll = async (sink: Sink, node: string) => (await (await historyOf(sink)).rows({ node, ...ALL })).map(({ time, series, value, columns }) => [time, series, value, columns] as const);

  await t.test('rows are read back by time, with their columns', async (t) => {
    const sink = (await make(t))();
    await sink.open(undefined);
    await writeRows(sink, 'odd', [
      [2000, 'cpu{host="b"}', -0.1, { score: 0.25, mean: Number.NaN }],
      [1000.5, 'cpu{host="a"}', 1e300, { score: 0, mean: 5 }],
      [2000, 'cpu{host="a"}', Number.MIN_VALUE, { score: 1, mean: 2 }],
      [firstTime, 'up', 7, { score: 0.5, mean: 1e-9 }],
    ]);
    t.same(
      await readAll(sink, 'odd'),
      [
        [firstTime, 'up', 7, { score: 0.5, mean: 1e-9 }],
        [1000.5, 'cpu{host="a"}', 1e300, { score: 0, mean: 5 }],
        [2000, 'cpu{host="a"}', Number.MIN_VALUE, { score: 1, mean: 2 }],
        [2000, 'cpu{host="b"}', -0.1, { score: 0.25 }],
      ],
      'those of one time by series; a column that is NaN has no value',
    );
    t.same(await readAll(sink, 'nothing'), []);
    t.same(await sink.history!.nodes(), ['odd']);
    const some = await sink.history!.rows({ node: 'odd', from: 1000.5, to: 2000, limit: 2 });
    t.same(
      some.map(({ time }) => time),
      [1000.5, 2000],
      'from the first time to the last, at most as many as asked for',
    );
    await sink.close();
  });

  await t.test('a history is read page by page, each row once and in order, wherever a page ends', async (t) => {
    const sink = (await make(t))();
    await sink.open(undefined);
    const row = fc.tuple(fc.nat(20).map((minutes) => minutes * 45_000 + 0.5), fc.constantFrom('a', 'b{x="1"}', 'b{x="2"}', 'é'), fc.nat(100));
    let node = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 9 }), fc.nat(3), async (rows, length, gap) => {
        const name = NODES[node++]!;
        await writeRows(sink, name, rows.map(([time, series, value]): Row => [time + (time > 400_000 ? gap * 86_400_000 : 0), series, value]));
        const history = await historyOf(sink);
        const pages: HistoryRow[] = [];
        // Each page by a reader that begins where the one before was.
        for (let mark: Mark = { time: 0 }, last = false; !last; ) {
          const page = await new Pages(history, name, mark, 4 * 86_400_000, length).next();
          if (page.rows.length > length) throw new Error(`${page.rows.length} rows in a page of ${length}`);
          pages.push(...page.rows);
          ({ mark, last } = page);
        }
        t.same(pages, await history.rows({ node: name, ...ALL }));
      }),
      { numRuns: Math.min(runs, NODES.length) },
    );
    await sink.close();
  });

  await t.test('rows are found by metric and labels, whatever is in these', async (t) => {
    const sink = (await make(t))();
    await sink.open(undefined);
    const labels = { plain: 'x', quote: 'a",plain="y', slash: 'c:\\new\\', line: '1\n2', unicode: 'é€😀', 'dotted.name': '{}' };
    const odd = seriesText('m', labels);
    await writeRows(sink, 'n', [
      [1, odd, 1],
      [2, 'm{plain="y"}', 2],
      [3, 'm{xplain="x"}', 3],
      [4, 'mm{plain="x"}', 4],
      [5, 'm', 5],
    ]);
    const find = async (metric: string | undefined, wanted: Record<string, string>) =>
      (await (await historyOf(sink)).rows({ node: 'n', ...ALL, ...(metric !== undefined && { metric }), labels: wanted })).map(({ value }) => value);
    t.same(await find('m', {}), [1, 2, 3, 5]);
    t.same(await find(undefined, { plain: 'x' }), [1, 4]);
    t.same(await find('m', { plain: 'y' }), [2]);
    for (const [name, value] of Object.entries(labels)) t.same(await find('m', { [name]: value }), [1], name);
    t.same(await find('m', { plain: 'x', line: '1' }), []);
    t.equal((await sink.history!.rows({ node: 'n', from: 1, to: 1, limit: 1 }))[0]?.series, odd);
    await sink.close();
  });

  await t.test('nodes have their own columns, which may grow', async (t) => {
    const restart = await make(t);
    let sink = restart();
    await sink.open(undefined);
    await writeRows(sink, 'Disk', [[1, 'm', 1]]);
    await writeRows(sink, 'cpu', [[1, 'm', 2, { p99: 3 }]]);
    await writeRows(sink, 'cpu-%', [[1, 'm', 3, { select: 4 }]]);
    await writeRows(sink, 'Disk', [[2, 'm', 4, { mean: 5 }]]);
    const position = await sink.flush(1);
    await sink.close();
    sink = restart();
    await sink.open(position);
    await writeRows(sink, 'Disk', [[3, 'm', 6, { mean: 7, 'odd "name"': 8 }]]);
    await writeRows(sink, 'Disk', [[4, 'm', 9]]);
    t.same(await readAll(sink, 'Disk'), [
      [1, 'm', 1, {}],
      [2, 'm', 4, { mean: 5 }],
      [3, 'm', 6, { mean: 7, [column('odd "name"')]: 8 }],
      [4, 'm', 9, {}],
    ]);
    t.same(await readAll(sink, 'cpu'), [[1, 'm', 2, { p99: 3 }]]);
    t.same(await readAll(sink, 'cpu-%'), [[1, 'm', 3, { select: 4 }]]);
    t.same(await sink.history!.nodes(), ['Disk', 'cpu', 'cpu-%']);
    await sink.close();
  });

  await t.test('the end of a series is no row; of two rows of a series and time the last counts', async (t) => {
    const sink = (await make(t))();
    await sink.open(undefined);
    const batch = allocateBatch([], 2);
    batch.length = 2;
    batch.time.set([1, 2]);
    batch.value.set([5, Number.NaN]);
    batch.flags[1] = STALE;
    const names = new TestNames();
    names.slot('m');
    await sink.write('n', batch, names);
    await writeRows(sink, 'n', [
      [3, 'm', 1],
      [3, 'other', 2],
      [3, 'm', 3],
    ]);
    await sink.flush(1);
    await writeRows(sink, 'n', [[3, 'other', 4]]);
    t.same(await readAll(sink, 'n'), [
      [1, 'm', 5, {}],
      [3, 'm', 3, {}],
      [3, 'other', 4, {}],
    ]);
    await sink.close();
  });

  await t.test('downsampled: means by series and bucket, with min and max', async (t) => {
    const sink = (await make(t))();
    await sink.open(undefined);
    const rows = Array.from({ length: 1000 }, (_, i): Row => [i * 7, `m{s="${i % 3}"}`, Math.sin(i) * 100, { expected: i % 10 === 0 ? Number.NaN : i }]);
    await writeRows(sink, 'n', rows);
    await writeRows(sink, 'w', [
      [0, 'm', 5, { min: 1, max: 9 }],
      [1, 'm', 7, { min: 2, max: 8 }],
    ]);
    const buckets = await (await historyOf(sink)).rows({ node: 'n', from: 700, to: 5699, buckets: 5, limit: 1000 });
    const expected: HistoryRow[] = [];
    for (let from = 700; from < 5700; from += 1000) {
      for (const series of ['m{s="0"}', 'm{s="1"}', 'm{s="2"}']) {
        const inside = rows.filter(([time, text]) => text === series && time >= from && time < from + 1000);
        const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
        const values = inside.map(([, , value]) => value);
        const known = inside.map(([, , , columns]) => columns!.expected!).filter((value) => !Number.isNaN(value));
        expected.push({ time: from, series, value: mean(values), columns: { expected: mean(known), min: Math.min(...values), max: Math.max(...values) } });
      }
    }
    const rounded = (of: readonly HistoryRow[]) => JSON.parse(JSON.stringify(of, (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(10)) : value))) as unknown;
    t.same(rounded(buckets), rounded(expected));
    t.same(await sink.history!.rows({ node: 'w', from: 0, to: 10, buckets: 1, limit: 10 }), [{ time: 0, series: 'm', value: 6, columns: { min: 1, max: 9 } }], "a node's own min and max");
    t.equal((await sink.history!.rows({ node: 'n', from: 0, to: 7000, buckets: 1e4, limit: 17 })).length, 17);
    await sink.close();
  });

  await t.test('of a finding the highest revision counts, newest first', async (t) => {
    const restart = await make(t);
    let sink = restart();
    await sink.open(undefined);
    await sink.receive!('odd', anomaly(1000, 1));
    await sink.receive!('odd', anomaly(1000, 2));
    await sink.receive!('odd', anomaly(5000, 1, { metric: 'disk', series: 'disk' }));
    const burn: Finding = { ...anomaly(3000, 1), kind: 'burn', id: 'b', operator: 'slo', slo: 'api', burnRate: 14.4, shortBurnRate: 15, threshold: 10, longMs: 3.6e6, shortMs: 3e5, compliance: 99.8, target: 99.9, budgetRemaining: -3 };
    await sink.receive!('slo', burn);
    const position = await sink.flush(1);
    await sink.receive!('odd', anomaly(1000, 3, { state: 'closed' }));
    await sink.flush(2);
    await sink.close();
    sink = restart();
    await sink.open(position);
    const find = async (query: object) => (await historyOf(sink)).findings({ ...ALL, ...query });
    if (forgets) t.same(await find({}), [anomaly(5000, 1, { metric: 'disk', series: 'disk' }), burn, anomaly(1000, 2)], 'the revision after the position is forgotten');
    await sink.receive!('odd', anomaly(1000, 3, { state: 'closed' }));
    await sink.receive!('again', anomaly(1000, 3, { state: 'closed' }));
    t.same(await find({}), [anomaly(5000, 1, { metric: 'disk', series: 'disk' }), burn, anomaly(1000, 3, { state: 'closed' })]);
    t.same(await find({ kind: 'anomaly', metric: 'cpu' }), [anomaly(1000, 3, { state: 'closed' })]);
    t.same(await find({ id: 'b' }), [burn]);
    t.same((await find({ from: 1025, to: 3000 })).length, 2, 'those that overlap the time');
    t.same((await find({ to: 2999 })).length, 1);
    t.same((await find({ limit: 1 }))[0]?.openedAt, 5000);
    await sink.close();
  });

  await t.test('a run with crashes anywhere stores what a run without stores', async (t) => {
    const write = fc.record({ do: fc.constant('write' as const), node: fc.constantFrom('a', 'b'), rows: fc.integer({ min: 1, max: 3000 }) });
    type Given = { readonly do: 'finding' } | { readonly do: 'write'; readonly node: string; readonly rows: number };
    const step = fc.oneof({ weight: 6, arbitrary: write }, { weight: 3, arbitrary: fc.constantFrom({ do: 'flush' as const }, { do: 'finding' as const }, { do: 'read' as const }) }, { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), back: fc.nat(2) }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const restart = await make(t);
        let sink = restart();
        await sink.open(undefined);
        // What a source and the engine know: how many rows and findings were given, by checkpoint.
        let given = { rows: 0, findings: 0 };
        let written: { node: string; row: Row }[] = [];
        const checkpoints: { position: Position; number: number; given: typeof given; steps: number }[] = [];
        // What was given so far, which a source gives again.
        let done: Given[] = [];
        const give = async (step: Given) => {
          done.push(step);
          if (step.do === 'finding') {
            given = { ...given, findings: given.findings + 1 };
            await sink.receive!('odd', anomaly(Math.floor(given.findings / 3) * 1000, 1 + (given.findings % 3)));
            return;
          }
          const rows = Array.from({ length: step.rows }, (_, i): Row => [given.rows + i, `m{i="${(given.rows + i) % 7}"}`, given.rows + i, { twice: 2 * (given.rows + i) }]);
          await writeRows(sink, step.node, rows);
          written.push(...rows.map((row) => ({ node: step.node, row })));
          given = { ...given, rows: given.rows + rows.length };
        };
        for (const step of steps) {
          switch (step.do) {
            case 'write':
            case 'finding':
              await give(step);
              break;
            case 'read':
              await sink.history!.rows({ node: 'a', from: 0, to: 10, limit: 10 });
              break;
            case 'flush': {
              const number = (checkpoints.at(-1)?.number ?? 0) + 1;
              checkpoints.push({ position: await sink.flush(number), number, given, steps: done.length });
              break;
            }
            case 'crash': {
              await sink.close();
              sink = restart();
              // Falls back over damaged ones; the last three are kept.
              for (let k = 0; k < step.back && checkpoints.length > 1; k++) checkpoints.pop();
              const restored = checkpoints.at(-1);
              if (restored === undefined) written = [];
              given = restored?.given ?? { rows: 0, findings: 0 };
              written = written.filter(({ row }) => row[0] < given.rows);
              await sink.open(restored?.position);
              const again = done.slice(restored?.steps ?? 0);
              done = done.slice(0, restored?.steps ?? 0);
              if (!forgets) for (const each of again) await give(each);
              break;
            }
            default:
              step satisfies never;
          }
        }
        const found: unknown[] = [];
        for (const node of ['a', 'b']) for (const row of await readAll(sink, node)) found.push([node, row[0], row[2], row[3].twice]);
        const expected = ['a', 'b'].flatMap((of) => written.filter(({ node }) => node === of).map(({ row }) => [of, row[0], row[2], row[3]!.twice]));
        const findings = (await (await historyOf(sink)).findings(ALL)).map(({ openedAt, revision }) => [openedAt, revision]);
        const newest = new Map<number, number>();
        for (let k = 1; k <= given.findings; k++) newest.set(Math.floor(k / 3) * 1000, 1 + (k % 3));
        await sink.close();
        return JSON.stringify(found) === JSON.stringify(expected) && JSON.stringify(findings) === JSON.stringify([...newest].reverse());
      }),
      { numRuns: runs },
    );
  });

  await t.test('used before it is open or after it was closed, it says so', async (t) => {
    const sink = (await make(t))();
    await t.rejects(sink.history!.nodes(), /not open/);
    await sink.open(undefined);
    await sink.close();
    await t.rejects(sink.history!.rows({ node: 'n', ...ALL }), /not open/);
    await t.rejects(sink.flush(1), /not open/);
  });
}
