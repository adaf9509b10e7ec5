import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AnyOperator, StateSchema } from '../../engine/operator.js';
import { operators } from '../../operators/list.js';
import { checkpoints, Feed, feedSource, folder, linesOf, start, until, type FeedConfig, type Parts, type Row } from './fixture.js';

const SECONDS = 60;
const HALF = 34.5;

/** Two rows a second of eight series. */
const rows: Row[] = Array.from({ length: SECONDS * 2 }, (_, i) => Array.from({ length: 8 }, (_, host): Row => [i * 500, `load{host="${host}"}`, i + host])).flat();

const graph = (window: object): Parts => ({
  sources: { in: { type: 'feed' } },
  operators: { ten: { type: 'window', from: 'in', ...window } },
  sinks: { out: { type: 'file', from: ['ten'], path: 'out.ndjson' } },
});

interface Half {
  readonly window: object;
  readonly feeding: FeedConfig;
}

/** Runs until half of the rows are through, stops, and runs the rest with what may have changed since. What the windows gave, and what was warned of. */
async function changed(t: Test, first: Half, second: Half) {
  const at = folder(t);
  const feed = new Feed(rows);
  feed.let(HALF * 2 * 8);
  const before = await start(at, graph(first.window), { sources: [feedSource(feed, first.feeding)], checkpoint: checkpoints(at, 60_000) });
  await until(() => before.runtime.status().nodes.find(({ name }) => name === 'ten')!.rowsIn === HALF * 2 * 8);
  await before.runtime.drain();
  feed.let(Infinity);
  feed.end();
  const after = await start(at, graph(second.window), { sources: [feedSource(feed, second.feeding)], checkpoint: checkpoints(at, 60_000) });
  t.equal(await after.runtime.finished, 'ended');
  const ends = linesOf(join(at, 'out.ndjson')).map((line) => JSON.parse(line) as { time: string; value: number; count: number });
  const counts = new Map<number, number[]>();
  for (const { time, count } of ends) counts.set(Date.parse(time) / 1_000, [...(counts.get(Date.parse(time) / 1_000) ?? []), count]);
  return { counts: [...counts].map(([end, each]) => [end, ...new Set(each)]), warned: after.logged.filter(({ level }) => level >= 40).map(({ msg }) => msg) };
}

const feeding = { disorder: 2_000 };
const window = { size: '10s', aggregates: ['mean', 'count'] };
const whole = [10, 20, 30, 40, 50, 60].map((end) => [end, 20]);

await t.test('a graph that did not change goes on with the window that was open', async (t) => {
  t.same(await changed(t, { window, feeding }, { window, feeding }), { counts: whole, warned: [] });
});

const changes: [what: string, second: Half][] = [
  ['aggregates', { window: { size: '10s', aggregates: ['max', 'p90', 'count'] }, feeding }],
  ['lateness', { window: { ...window, lateness: '5s' }, feeding }],
  ['the disorder of a source', { window, feeding: { disorder: 20_000 } }],
];
for (const [what, second] of changes) {
  await t.test(`${what} changed: the node begins anew, and says so once; the others windows are whole`, async (t) => {
    const { counts, warned } = await changed(t, { window, feeding }, second);
    t.same(counts.filter(([end]) => end !== 40), whole.filter(([end]) => end !== 40));
    t.same(counts.find(([end]) => end === 40), [40, (40 - HALF) * 2], 'the one that was open has what came since');
    t.equal(warned.length, 1);
    t.match(warned[0], /^ten \(window\) was configured otherwise when its state was saved \(.*\): it begins anew$/);
  });
}

/** The config, and it with each number in it doubled. */
function* variants(config: unknown): Generator<unknown> {
  yield config;
  for (const [key, value] of Object.entries(config as object)) if (typeof value === 'number' && Number.isFinite(value)) yield { ...(config as object), [key]: value * 2 };
}

await t.test('what decides about the width of saved columns is part of their meaning, for every operator', (t) => {
  const widths = (schema: StateSchema): [string, string][] => Object.entries(schema).map(([name, spec]) => [name, JSON.stringify(spec)]);
  let compared = 0;
  const compare = (operator: AnyOperator, configs: readonly (readonly [unknown, number])[]): void => {
    for (const [was, lead] of configs) {
      const saved = new Map(widths(operator.state!(was as never, lead)));
      for (const [is, leads] of configs) {
        if (!widths(operator.state!(is as never, leads)).some(([column, spec]) => saved.has(column) && saved.get(column) !== spec)) continue;
        compared += 1;
        if (operator.meaning?.(was as never, lead) === operator.meaning?.(is as never, leads)) t.fail(`${operator.name}: ${JSON.stringify(was)} and ${JSON.stringify(is)} keep other columns under one meaning`);
      }
    }
  };
  for (const operator of operators) {
    if (operator.state === undefined) continue;
    const examples = operator.examples.map(({ config }) => operator.config.parse(config));
    compare(operator, examples.flatMap((config) => [...variants(config)]).flatMap((config) => [1_000, 9_000].map((lead) => [config, lead] as const)));
  }
  t.ok(compared > 100, `${compared} pairs`);
  t.end();
});
