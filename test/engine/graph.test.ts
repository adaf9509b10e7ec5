import t from 'tap';
import { registry } from '../../config/registry.js';
import { checkGraph, reference, type GraphSpec, type NodeSpec, type Problem } from '../../engine/graph.js';

function operator(name: string, type: string, from: readonly string[], config: unknown = {}): NodeSpec {
  return { name, type, from, config: registry.operators.find((d) => d.name === type)?.config.parse(config) ?? config };
}
const source = (name: string, type = 'http'): NodeSpec => ({ name, type, from: [], config: {} });
const sink = (name: string, from: readonly string[], type = 'log'): NodeSpec => ({ name, type, from, config: {} });
const minutely = { size: '1m', aggregates: ['mean'] };

function check(sources: readonly NodeSpec[], operators: readonly NodeSpec[], sinks: readonly NodeSpec[]): Problem[] {
  const graph: GraphSpec = { sources, operators, sinks, partitions: 8, maxSeries: 1_000, seed: 1 };
  return checkGraph(graph, registry);
}

await t.test('a reference is a node or its late rows', async (t) => {
  t.strictSame(reference('window'), { node: 'window', outlet: 'rows' });
  t.strictSame(reference('window.late'), { node: 'window', outlet: 'late' });
});

await t.test('a good graph has no problem', async (t) => {
  t.strictSame(
    check(
      [source('posts'), source('host', 'host')],
      [
        operator('chosen', 'select', ['posts', 'host'], { where: 'cpu_usage' }),
        operator('minutes', 'window', ['chosen'], minutely),
        operator('odd', 'detect', ['minutes', 'host']),
        operator('alerts', 'correlate', ['odd', 'posts']),
        operator('tardy', 'detect', ['minutes.late']),
      ],
      [sink('out', ['alerts', 'odd', 'minutes.late', 'posts']), sink('board', ['tardy'], 'live')],
    ),
    [],
  );
});

await t.test('operators may stand in any order', async (t) => {
  t.strictSame(check([source('posts')], [operator('odd', 'detect', ['minutes']), operator('minutes', 'window', ['posts'], minutely)], [sink('out', ['odd'])]), []);
});

await t.test('unknown references say what there is', async (t) => {
  t.strictSame(check([source('posts')], [operator('odd', 'detect', ['posts', 'pots'])], [sink('out', ['odd', 'od.late'])]), [
    { path: ['operators', 'odd', 'from', 1], message: 'there is no node pots', candidates: ['posts'] },
    { path: ['sinks', 'out', 'from', 1], message: 'there is no node od', candidates: ['posts', 'odd'] },
  ]);
});

await t.test('unknown types say which there are', async (t) => {
  const problems = check([source('posts', 'htp')], [operator('odd', 'detct', ['posts'])], [sink('out', ['odd'], 'lg')]);
  const of = (section: string) => problems.find((p) => p.path[0] === section && p.path[2] === 'type')!;
  t.match(of('sources'), { path: ['sources', 'posts', 'type'], message: 'there is no source of type htp' });
  t.match(of('operators'), { path: ['operators', 'odd', 'type'], message: 'there is no operator of type detct' });
  t.match(of('sinks'), { path: ['sinks', 'out', 'type'], message: 'there is no sink of type lg' });
  t.strictSame(of('sources').candidates, registry.sources.map((d) => d.name));
  t.strictSame(of('operators').candidates, registry.operators.map((d) => d.name));
  t.strictSame(of('sinks').candidates, registry.sinks.map((d) => d.name));
});

await t.test('cycles are told once, with their way', async (t) => {
  const problems = check(
    [source('posts')],
    [operator('a', 'select', ['posts', 'c']), operator('b', 'select', ['a']), operator('c', 'select', ['b']), operator('self', 'select', ['self', 'posts'])],
    [sink('out', ['c', 'self'])],
  );
  t.strictSame(problems, [
    { path: ['operators', 'b', 'from', 0], message: 'the graph has a cycle: a -> b -> c -> a' },
    { path: ['operators', 'self', 'from', 0], message: 'the graph has a cycle: self -> self' },
  ]);
});

await t.test('a node that nobody reads', async (t) => {
  t.strictSame(check([source('posts'), source('spare')], [operator('odd', 'detect', ['posts'])], [sink('out', ['posts'])]), [
    { path: ['sources', 'spare'], message: 'nobody reads spare: name it in the `from` of an operator or a sink' },
    { path: ['operators', 'odd'], message: 'nobody reads odd: name it in the `from` of an operator or a sink' },
  ]);
});

await t.test('a node that reads nothing', async (t) => {
  t.strictSame(check([source('posts')], [operator('odd', 'detect', [])], [sink('out', ['odd', 'posts']), sink('other', [])]), [
    { path: ['operators', 'odd'], message: 'odd reads nothing: it needs `from`' },
    { path: ['sinks', 'other'], message: 'other reads nothing: it needs `from`' },
  ]);
});

await t.test('what is named twice', async (t) => {
  t.strictSame(check([source('posts')], [operator('odd', 'detect', ['posts', 'posts'])], [sink('out', ['odd'])]), [
    { path: ['operators', 'odd', 'from', 1], message: 'posts is named twice' },
  ]);
  t.match(check([source('posts')], [operator('posts', 'detect', ['posts'])], [sink('out', ['posts'])]), [{ path: ['operators', 'posts'], message: 'there is a node posts already, in sources' }]);
});

await t.test('a name that is none', async (t) => {
  t.strictSame(
    check([source('1st')], [operator('a.late', 'detect', ['1st'])], [sink('out', ['1st'])]).filter((p) => p.message.startsWith('the name')),
    [
      { path: ['sources', '1st'], message: 'the name "1st" is not letters, digits, - and _, beginning with a letter' },
      { path: ['operators', 'a.late'], message: 'the name "a.late" is not letters, digits, - and _, beginning with a letter' },
    ],
  );
});

await t.test('a sink gives nothing', async (t) => {
  t.strictSame(check([source('posts')], [operator('odd', 'detect', ['posts', 'out'])], [sink('out', ['posts']), sink('other', ['odd'])]), [
    { path: ['operators', 'odd', 'from', 1], message: 'out is a sink: nothing can be read from it' },
  ]);
});

await t.test('late rows of a node that has none', async (t) => {
  t.strictSame(check([source('posts')], [operator('chosen', 'select', ['posts']), operator('odd', 'detect', ['chosen.late'])], [sink('out', ['odd', 'chosen', 'posts.late'])]), [
    { path: ['operators', 'odd', 'from', 0], message: 'chosen (select) has no late output' },
    { path: ['sinks', 'out', 'from', 2], message: 'posts (http) has no late output' },
  ]);
});

await t.test('findings where none are given, and rows where none are', async (t) => {
  t.strictSame(
    check(
      [source('posts')],
      [operator('minutes', 'window', ['posts'], minutely), operator('alerts', 'correlate', ['minutes']), operator('again', 'detect', ['alerts']), operator('more', 'correlate', ['alerts'])],
      [sink('out', ['alerts', 'again', 'more'])],
    ),
    [
      { path: ['operators', 'alerts', 'from', 0], message: 'alerts (correlate) takes findings (anomaly, forecast, burn), but minutes gives rows' },
      { path: ['operators', 'again', 'from', 0], message: 'again (detect) takes rows, but alerts gives findings (alert)' },
      { path: ['operators', 'more', 'from', 0], message: 'more (correlate) takes findings (anomaly, forecast, burn), but alerts gives findings (alert)' },
    ],
  );
});

await t.test('columns that are needed are given, passed on, or a problem', async (t) => {
  const needy = { ...registry.operators.find((d) => d.name === 'select')!, name: 'needy', ports: () => ({ input: { rows: ['mean', 'score'] }, output: { rows: [] } }) };
  const having = { ...registry, operators: [...registry.operators, needy] };
  const graph = (from: readonly string[]): GraphSpec => ({
    sources: [source('posts')],
    operators: [
      operator('minutes', 'window', ['posts'], minutely),
      operator('odd', 'detect', ['minutes']),
      operator('chosen', 'select', ['odd']),
      operator('mixed', 'select', ['odd', 'posts']),
      { name: 'end', type: 'needy', from, config: {} },
    ],
    sinks: [sink('out', ['end', 'minutes', 'odd', 'chosen', 'mixed'])],
    partitions: 8,
    maxSeries: 1_000,
    seed: 1,
  });
  t.strictSame(checkGraph(graph(['odd', 'chosen']), having), []);
  t.strictSame(checkGraph(graph(['chosen', 'minutes', 'posts', 'odd.late', 'mixed']), having), [
    { path: ['operators', 'end', 'from', 1], message: 'end (needy) needs the columns score, which minutes does not give' },
    { path: ['operators', 'end', 'from', 2], message: 'end (needy) needs the columns mean, score, which posts does not give' },
    { path: ['operators', 'end', 'from', 3], message: 'end (needy) needs the columns mean, score, which odd.late does not give' },
    { path: ['operators', 'end', 'from', 4], message: 'end (needy) needs the columns mean, score, which mixed does not give' },
  ]);
});
