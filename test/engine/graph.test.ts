import t from 'tap';
import type { AnySink, AnySource } from '../../engine/connector.js';
import { passedColumns, reference, type GraphSpec, type NodeSpec, type Problem, type Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import type { AnyOperator, Ports } from '../../engine/operator.js';

const operator = (name: string, ports: Ports): AnyOperator => ({ name, ports: () => ports, create: () => ({}) }) as Partial<AnyOperator> as AnyOperator;

const registry: Registry = {
  operators: [
    operator('score', { input: { rows: [] }, output: { rows: ['score'], findings: ['anomaly'] } }),
    operator('window', { input: { rows: [] }, output: { rows: ['mean'], late: true } }),
    operator('pass', { input: { rows: [] }, output: { rows: [], passes: true } }),
    operator('listen', { input: { rows: [], findings: ['burn'] }, output: { rows: [], passes: true } }),
    operator('threshold', { input: { rows: ['score'] }, output: { findings: ['anomaly'] } }),
    operator('correlate', { input: { findings: ['anomaly', 'burn'] }, output: { findings: ['alert'] } }),
    operator('forecast-alerts', { input: { findings: ['forecast'] }, output: { findings: ['alert'] } }),
  ],
  sources: [{ name: 'src' } as Partial<AnySource> as AnySource, { name: 'said', findings: ['burn'] } as Partial<AnySource> as AnySource],
  sinks: [{ name: 'snk' } as Partial<AnySink> as AnySink],
};

type Nodes = Readonly<Record<string, readonly [type: string, ...from: string[]]>>;
const specs = (nodes: Nodes): NodeSpec[] => Object.entries(nodes).map(([name, [type, ...from]]) => ({ name, type, from, config: {} }));

function graph(sources: Nodes, operators: Nodes, sinks: Nodes): GraphSpec {
  return { sources: specs(sources), operators: specs(operators), sinks: specs(sinks), partitions: 64, maxSeries: 1_000, seed: 1 };
}

/** Problems as `path: message`. */
const say = (problems: readonly Problem[]) => problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
const problemsOf = (...parts: Parameters<typeof graph>) => say(checkGraph(graph(...parts), registry));

await t.test('a graph that can be run has no problems', (t) => {
  t.same(
    problemsOf(
      { a: ['src'], b: ['src'] },
      { w: ['window', 'a', 'b'], s: ['score', 'w', 'w.late'], p: ['pass', 's'], high: ['threshold', 'p'], alerts: ['correlate', 's', 'high', 'b'] },
      { all: ['snk', 'a', 'w', 'w.late', 's', 'alerts'] },
    ),
    [],
  );
  t.same(problemsOf({ a: ['src'] }, {}, { out: ['snk', 'a'] }), [], 'also without an operator');
  t.end();
});

await t.test('what is unknown is named, with what there is', (t) => {
  const spec = graph({ a: ['src'] }, { s: ['scores', 'a'] }, { out: ['snk', 'a', 'odd', 's'] });
  const problems = checkGraph(spec, registry);
  t.same(say(problems), ['operators.s.type: there is no operator of type scores', 'sinks.out.from.1: there is no node odd', 'sinks.out.from.2: there is no node s']);
  t.same(problems[0]!.candidates, registry.operators.map(({ name }) => name));
  t.same(problems[1]!.candidates, ['a'], 'a sink is never meant');
  t.same(problemsOf({ a: ['nats'] }, {}, { out: ['s3', 'a'] }), ['sources.a.type: there is no source of type nats', 'sinks.out.type: there is no sink of type s3']);
  t.end();
});

await t.test('names', (t) => {
  t.same(problemsOf({ a: ['src'] }, { a: ['score', 'a'] }, { out: ['snk', 'a'] })[0], 'operators.a: there is a node a already, in sources');
  for (const name of ['', '1st', 'a b', 'a.late', 'größe']) t.match(problemsOf({ [name]: ['src'] }, {}, { out: ['snk', name] })[0], /^sources\..*: the name ".*" is not letters, digits, - and _, beginning with a letter$/, JSON.stringify(name));
  t.same(problemsOf({ 'A-1_b': ['src'] }, {}, { out: ['snk', 'A-1_b'] }), []);
  t.end();
});

await t.test('what is read', (t) => {
  t.same(problemsOf({ a: ['src'] }, { s: ['score'] }, { out: ['snk', 'a', 's'], none: ['snk'] }), ['operators.s: s reads nothing: it needs `from`', 'sinks.none: none reads nothing: it needs `from`']);
  t.same(problemsOf({ a: ['src'] }, {}, { out: ['snk', 'a', 'a'] }), ['sinks.out.from.1: a is named twice']);
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'out'] }, { out: ['snk', 'a', 's'] }), ['operators.s.from.0: out is a sink: nothing can be read from it']);
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'a'] }, { out: ['snk', 's.late', 's', 'a.late'] }), ['sinks.out.from.0: s (score) has no late output', 'sinks.out.from.2: a (src) has no late output']);
  t.end();
});

await t.test('what nobody reads', (t) => {
  t.same(problemsOf({ a: ['src'], b: ['src'] }, { s: ['score', 'a'], w: ['window', 'a'] }, { out: ['snk', 'w.late'] }), [
    'sources.b: nobody reads b: name it in the `from` of an operator or a sink',
    'operators.s: nobody reads s: name it in the `from` of an operator or a sink',
  ]);
  t.end();
});

await t.test('cycles, each told once and in the direction of the rows', (t) => {
  const [problem] = checkGraph(graph({ a: ['src'] }, { p: ['pass', 'a', 'r'], q: ['pass', 'p'], r: ['pass', 'q'] }, { out: ['snk', 'r'] }), registry);
  t.match(problem!.message, /^the graph has a cycle: (p -> q -> r -> p|q -> r -> p -> q|r -> p -> q -> r)$/);
  const spec = graph({ a: ['src'] }, { p: ['pass', 'a', 'r'], q: ['pass', 'p'], r: ['pass', 'q'] }, { out: ['snk', 'r'] });
  const [, name, , index] = problem!.path;
  const back = spec.operators.find((node) => node.name === name)!.from[index as number]!;
  t.ok(problem!.message.includes(`${back} -> ${String(name)}`), 'the path leads to an edge of the cycle');
  t.match(problemsOf({ a: ['src'] }, { p: ['pass', 'a', 'p'] }, { out: ['snk', 'p'] }), ['operators.p.from.1: the graph has a cycle: p -> p']);
  t.match(problemsOf({ a: ['src'] }, { w: ['window', 'a', 'v'], v: ['window', 'w.late'] }, { out: ['snk', 'w'] }), [/cycle/], 'also by a late output');
  t.equal(problemsOf({ a: ['src'] }, { p: ['pass', 'a', 'q'], q: ['pass', 'p'], x: ['pass', 'a', 'y'], y: ['pass', 'x'] }, { out: ['snk', 'q', 'y'] }).length, 2, 'two cycles');
  t.end();
});

await t.test('ports that do not fit', (t) => {
  t.same(problemsOf({ a: ['src'] }, { h: ['threshold', 'a'] }, { out: ['snk', 'h'] }), ['operators.h.from.0: h (threshold) needs the columns score, which a does not give']);
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'a'], h: ['threshold', 's'], n: ['score', 'h'] }, { out: ['snk', 'n'] }), ['operators.n.from.0: n (score) takes rows, but h gives findings (anomaly)']);
  t.same(problemsOf({ a: ['src'] }, { w: ['window', 'a'], c: ['correlate', 'w'] }, { out: ['snk', 'c'] }), ['operators.c.from.0: c (correlate) takes findings (anomaly, burn), but w gives rows']);
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'a'], f: ['forecast-alerts', 's'] }, { out: ['snk', 'f'] }), ['operators.f.from.0: f (forecast-alerts) takes findings (forecast), but s gives rows and findings (anomaly)']);
  t.end();
});

await t.test('columns that are passed on: those that all inputs have', (t) => {
  t.same(passedColumns(['score'], [['mean', 'score', 'count'], ['count', 'mean']]), ['score', 'mean', 'count']);
  t.same(passedColumns([], []), []);
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'a'], p: ['pass', 's'], q: ['pass', 'p'], h: ['threshold', 'q'] }, { out: ['snk', 'h'] }), [], 'through several');
  t.same(problemsOf({ a: ['src'] }, { s: ['score', 'a'], w: ['window', 'a'], p: ['pass', 's', 'w'], h: ['threshold', 'p'] }, { out: ['snk', 'h'] }), ['operators.h.from.0: h (threshold) needs the columns score, which p does not give']);
  t.match(problemsOf({ a: ['src'] }, { s: ['score', 'a'], p: ['pass', 's', 'p'], h: ['threshold', 'p'] }, { out: ['snk', 'h'] }).at(-1), /cycle/, 'a cycle of them is told, not followed for ever');
  t.end();
});

await t.test('a source of findings alone gives no rows, and takes no columns away', (t) => {
  t.same(problemsOf({ a: ['src'], s: ['said'] }, { x: ['score', 'a', 's'] }, { out: ['snk', 'x', 's'] }), ['operators.x.from.1: x (score) takes rows, but s gives findings (burn)']);
  t.same(problemsOf({ s: ['said'] }, { f: ['forecast-alerts', 's'] }, { out: ['snk', 'f'] }), ['operators.f.from.0: f (forecast-alerts) takes findings (forecast), but s gives findings (burn)']);
  t.same(problemsOf({ a: ['src'], s: ['said'] }, { x: ['score', 'a'], p: ['listen', 'x', 's'], h: ['threshold', 'p'] }, { out: ['snk', 'h'] }), []);
  t.end();
});

await t.test('a reference taken apart', (t) => {
  t.same(reference('w'), { node: 'w', outlet: 'rows' });
  t.same(reference('w.late'), { node: 'w', outlet: 'late' });
  t.end();
});
