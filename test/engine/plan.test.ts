import fc from 'fast-check';
import t from 'tap';
import { registry as shipped } from '../../config/registry.js';
import type { AnySource } from '../../engine/connector.js';
import { checkGraph, reference, type GraphSpec, type NodeSpec, type Registry } from '../../engine/graph.js';
import { makePlan, type End, type Input, type Plan } from '../../engine/plan.js';

// A source that shards can read themselves.
const near: AnySource = { ...shipped.sources.find((s) => s.name === 'generate')!, name: 'near', live: () => false, disorder: () => 0, local: () => ({ series: [], open: () => undefined }) as never };
const registry: Registry = { ...shipped, sources: [...shipped.sources, near] };

function operator(name: string, type: string, from: readonly string[], config: unknown = {}): NodeSpec {
  return { name, type, from, config: registry.operators.find((d) => d.name === type)!.config.parse(config) };
}
const source = (name: string, type = 'http'): NodeSpec => ({ name, type, from: [], config: registry.sources.find((d) => d.name === type)!.config.safeParse({}).data ?? {} });
const sink = (name: string, from: readonly string[], type = 'count'): NodeSpec => ({ name, type, from, config: registry.sinks.find((d) => d.name === type)!.config.safeParse({}).data ?? {} });
const minutely = { size: '1m', aggregates: ['mean', 'max'] };
const burnExample = shipped.operators.find((d) => d.name === 'burn-rate')!.examples[0]!.config;

function planOf(sources: readonly NodeSpec[], operators: readonly NodeSpec[], sinks: readonly NodeSpec[], shards = 2): Plan {
  const graph: GraphSpec = { sources, operators, sinks, partitions: 8, maxSeries: 1_000, seed: 1 };
  const problems = checkGraph(graph, registry);
  if (problems.length > 0) throw new Error(problems.map((p) => p.message).join('\n'));
  return makePlan(graph, registry, shards);
}
const node = (plan: Plan, name: string) => plan.operators.find((o) => o.spec.name === name)!;
const nameOf = (plan: Plan, end: End) => (end.kind === 'source' ? plan.sources : end.kind === 'sink' ? plan.sinks : plan.operators)[end.index]!.spec.name;

await t.test('operators that follow each other are one actor', async (t) => {
  const plan = planOf([source('posts')], [operator('odd', 'detect', ['minutes']), operator('minutes', 'window', ['chosen'], minutely), operator('chosen', 'select', ['posts'])], [sink('out', ['odd'])]);
  t.strictSame(plan.operators.map((o) => o.spec.name), ['chosen', 'minutes', 'odd'], 'in topological order');
  t.strictSame(plan.actors.map((a) => a.nodes), [[0, 1, 2]]);
  t.strictSame(plan.operators.map((o) => o.inputs.map((i) => i.kind)), [['link'], ['fused'], ['fused']]);
  t.strictSame(plan.operators.map((o) => o.fused), [[{ node: 1, port: 0, outlet: 'rows' }], [{ node: 2, port: 0, outlet: 'rows' }], []]);
  t.equal(plan.links.length, 2);
  t.strictSame(plan.wires.map(({ from, to }) => [from, to]), [
    [undefined, { kind: 'actor', index: 0 }],
    [0, { kind: 'sink', index: 0 }],
  ]);
  t.strictSame(node(plan, 'odd').columns, ['score', 'expected', 'lower', 'upper', 'mean', 'max']);
  t.equal(plan.wires[1]!.columns, 6);
});

await t.test('what is routed otherwise than by series is another actor', async (t) => {
  const plan = planOf(
    [source('posts')],
    [operator('odd', 'detect', ['posts']), operator('burns', 'burn-rate', ['posts'], burnExample), operator('trend', 'detect', ['burns']), operator('alerts', 'correlate', ['odd', 'burns', 'trend'])],
    [sink('out', ['alerts'])],
  );
  const actor = (name: string) => node(plan, name).actor;
  t.equal(new Set(['odd', 'burns', 'alerts'].map(actor)).size, 3);
  t.equal(actor('trend'), actor('burns'), 'what follows by series goes with it');
  t.strictSame(
    plan.links.map((l) => [nameOf(plan, l.from), l.route, nameOf(plan, l.to)]),
    [
      ['posts', 'series', 'odd'],
      ['posts', 'group', 'burns'],
      ['odd', 'one', 'alerts'],
      ['burns', 'one', 'alerts'],
      ['trend', 'one', 'alerts'],
      ['alerts', 'series', 'out'],
    ],
  );
  const between = plan.wires.find((w) => w.from === actor('burns'))!;
  t.strictSame(between.links, [3, 4], 'one wire for all links between the same two');
  t.equal(between.columns, 7);
  t.strictSame(node(plan, 'alerts').inputs.map((i) => [i.rows, i.findings]), [[false, true], [false, true], [false, true]]);
  t.ok(node(plan, 'burns').derives);
});

await t.test('a series node that follows two levels is on the upper one', async (t) => {
  const plan = planOf([source('posts')], [operator('burns', 'burn-rate', ['posts'], burnExample), operator('burns2', 'burn-rate', ['burns'], burnExample), operator('both', 'select', ['burns', 'burns2'])], [sink('out', ['both'])]);
  t.strictSame(node(plan, 'both').inputs.map((i) => i.kind), ['link', 'fused']);
  t.equal(node(plan, 'both').actor, node(plan, 'burns2').actor);
  t.not(node(plan, 'both').actor, node(plan, 'burns').actor);
});

await t.test('two operators that read one source by series share a link', async (t) => {
  const plan = planOf([source('posts')], [operator('odd', 'detect', ['posts']), operator('minutes', 'window', ['posts'], minutely)], [sink('out', ['odd', 'minutes'])]);
  t.equal(plan.actors.length, 1);
  const [shared] = plan.links.filter((l) => l.from.kind === 'source');
  t.equal(plan.links.filter((l) => l.from.kind === 'source').length, 1);
  t.strictSame(shared!.targets, [{ node: 0, port: 0 }, { node: 1, port: 0 }]);
});

await t.test('late rows go on without columns', async (t) => {
  const plan = planOf([source('posts')], [operator('minutes', 'window', ['posts'], minutely), operator('tardy', 'detect', ['minutes.late'])], [sink('out', ['minutes', 'minutes.late', 'tardy'])]);
  t.strictSame(node(plan, 'minutes').fused, [{ node: 1, port: 0, outlet: 'late' }]);
  t.strictSame(node(plan, 'tardy').inputs[0]!.columns, []);
  t.strictSame(plan.sinks[0]!.inputs.map((i) => i.columns.length), [2, 0, 4]);
});

await t.test('a source is read on the shards where one actor alone reads it, by series', async (t) => {
  const one = planOf([source('gen', 'near')], [operator('odd', 'detect', ['gen']), operator('minutes', 'window', ['gen'], minutely)], [sink('out', ['odd', 'minutes'])]);
  t.equal(one.sources[0]!.local, 0);
  t.equal(one.actors[0]!.local, 0);
  t.strictSame(one.operators.map((o) => o.inputs[0]!.kind), ['local', 'local']);
  t.strictSame(one.links.filter((l) => l.from.kind === 'source'), []);

  const sunk = planOf([source('gen', 'near')], [operator('odd', 'detect', ['gen'])], [sink('out', ['odd', 'gen'])]);
  const grouped = planOf([source('gen', 'near')], [operator('odd', 'detect', ['gen']), operator('burns', 'burn-rate', ['gen'], burnExample)], [sink('out', ['odd', 'burns'])]);
  const far = planOf([source('posts')], [operator('odd', 'detect', ['posts'])], [sink('out', ['odd'])]);
  for (const plan of [sunk, grouped, far]) {
    t.equal(plan.sources[0]!.local, undefined);
    t.ok(plan.actors.every((a) => a.local === undefined));
    t.notOk(plan.operators.some((o) => o.inputs.some((i) => i.kind === 'local')));
  }
});

await t.test('every partition has an owner', async (t) => {
  const plan = planOf([source('posts')], [operator('odd', 'detect', ['posts'])], [sink('out', ['odd'])], 3);
  t.strictSame(plan.owner, [0, 1, 2, 0, 1, 2, 0, 1]);
});

const types = ['select', 'window', 'detect', 'burn-rate', 'correlate'] as const;

/** A good graph by numbers: each operator reads some of what stands before it and suits it. */
function drawGraph(choices: readonly { type: (typeof types)[number]; picks: readonly number[] }[], shuffle: number): GraphSpec {
  const sources = [source('s0'), source('s1', 'host')];
  const rows = ['s0', 's1'];
  const findings: string[] = ['s0'];
  const operators: NodeSpec[] = [];
  for (const [i, { type, picks }] of choices.entries()) {
    const name = `n${i}`;
    const from = type === 'correlate' ? findings : rows;
    const config = type === 'window' ? minutely : type === 'burn-rate' ? burnExample : {};
    operators.push(operator(name, type, [...new Set(picks.map((pick) => from[pick % from.length]!))], config));
    if (type !== 'correlate') rows.push(name);
    if (type === 'window' || type === 'detect') rows.push(`${name}.late`);
    if (type === 'detect' || type === 'burn-rate') findings.push(name);
  }
  const sinks = [sink('all', ['s0', 's1', ...operators.map((o) => o.name)]), sink('some', rows.filter((_, i) => i % 2 === 0))];
  const turned = [...operators.slice(shuffle % operators.length), ...operators.slice(0, shuffle % operators.length)].toReversed();
  return { sources, operators: turned, sinks, partitions: 8, maxSeries: 1_000, seed: 1 };
}

function holds(truth: boolean, what: string): void {
  if (!truth) throw new Error(what);
}

function verify(plan: Plan): void {
  // Actors and wires: no cycle.
  const ahead = new Map<number, number[]>();
  for (const { from, to } of plan.wires) if (from !== undefined && to.kind === 'actor') ahead.set(from, [...(ahead.get(from) ?? []), to.index]);
  const done = new Set<number>();
  const walk = (actor: number, way: readonly number[]): void => {
    holds(!way.includes(actor), `actors ${[...way, actor].join(' -> ')} are a cycle`);
    if (done.has(actor)) return;
    for (const next of ahead.get(actor) ?? []) walk(next, [...way, actor]);
    done.add(actor);
  };
  for (const { id } of plan.actors) walk(id, []);

  // Every operator is in one actor, after what it reads.
  holds(plan.actors.every((a, i) => a.id === i), 'actors are numbered');
  const nodes = plan.actors.flatMap((a) => a.nodes.map((n) => [n, a.id] as const));
  holds(nodes.length === plan.operators.length && nodes.every(([n, id]) => plan.operators[n]!.actor === id), 'every operator is in one actor');

  const columnsOf = (text: string): readonly string[] => {
    const { node: name, outlet } = reference(text);
    return outlet === 'late' ? [] : (plan.operators.find((o) => o.spec.name === name)?.columns ?? []);
  };
  const same = (a: readonly string[], b: readonly string[]) => a.join() === b.join();
  const check = (input: Input, to: End, port: number): void => {
    const { node: name, outlet } = reference(input.text);
    const label = `${input.text} to ${nameOf(plan, to)}`;
    const producer = plan.operators.find((o) => o.spec.name === name);
    const from: End = producer === undefined ? { kind: 'source', index: plan.sources.findIndex((s) => s.spec.name === name) } : { kind: 'operator', index: producer.index };
    holds(input.from === from.index, `${label}: from`);
    holds(same(input.columns, columnsOf(input.text)), `${label}: columns`);
    const carriers = plan.links.filter((l) => l.from.kind === from.kind && l.from.index === from.index && l.outlet === outlet && l.to.kind === to.kind && l.targets.some((target) => target.node === to.index && target.port === port));
    const fusings = (producer?.fused ?? []).filter((f) => to.kind === 'operator' && f.node === to.index && f.port === port && f.outlet === outlet);
    if (input.kind === 'link') {
      holds(carriers.length === 1 && carriers[0]!.id === input.link && fusings.length === 0, `${label}: one link`);
      holds(producer === undefined || producer.links.includes(input.link), `${label}: its producer knows the link`);
    } else if (input.kind === 'fused') {
      holds(fusings.length === 1 && carriers.length === 0, `${label}: fused once`);
      holds(to.kind === 'operator' && producer!.actor === plan.operators[to.index]!.actor && producer!.index < to.index, `${label}: in one actor, in order`);
    } else holds(plan.sources[input.from]!.local === plan.operators[to.index]!.actor && carriers.length === 0, `${label}: read by its actor`);
  };
  for (const { index, inputs, spec } of plan.operators) {
    holds(inputs.length === spec.from.length, 'an input for each reference');
    for (const [port, input] of inputs.entries()) check(input, { kind: 'operator', index }, port);
  }
  for (const [index, { inputs }] of plan.sinks.entries()) for (const [port, input] of inputs.entries()) check(input, { kind: 'sink', index }, port);

  for (const [id, link] of plan.links.entries()) {
    holds(link.id === id, 'links are numbered');
    const from = link.from.kind === 'source' ? [] : link.outlet === 'late' ? [] : (plan.operators[link.from.index]!.columns ?? []);
    holds(same(link.columns, from), `link ${id}: the columns of its producer`);
    const wires = plan.wires.filter((w) => w.links.includes(id));
    holds(wires.length === 1, `link ${id} lies in one wire`);
    const [wire] = wires;
    holds(wire!.from === (link.from.kind === 'source' ? undefined : plan.operators[link.from.index]!.actor), `link ${id}: its wire begins where it does`);
    const end = link.to.kind === 'sink' ? { kind: 'sink', index: link.to.index } : { kind: 'actor', index: plan.operators[link.to.index]!.actor };
    holds(wire!.to.kind === end.kind && wire!.to.index === end.index, `link ${id}: its wire ends where it does`);
    holds(wire!.columns >= link.columns.length, `link ${id}: its columns fit`);
    holds(link.to.kind === 'sink' || link.targets.every((target) => plan.operators[target.node]!.actor === end.index && plan.operators[target.node]!.route === link.route), `link ${id}: its targets are in its actor`);
    holds(link.route === 'series' || link.targets.length === 1, `link ${id}: a derivation is of one node`);
  }
  const ends = plan.wires.map((w) => `${w.from}:${w.to.kind}:${w.to.index}`);
  holds(new Set(ends).size === ends.length, 'one wire between each two');
}

await t.test('any graph: no cycle of actors, each edge exactly once, columns as they are given', async (t) => {
  const choice = fc.record({ type: fc.constantFrom(...types), picks: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }) });
  let fused = 0;
  let linked = 0;
  fc.assert(
    fc.property(fc.array(choice, { minLength: 1, maxLength: 14 }), fc.nat(), fc.boolean(), (choices, shuffle, local) => {
      const graph = drawGraph(choices, shuffle);
      const spec = local ? { ...graph, sources: [graph.sources[0]!, source('s1', 'near')], sinks: graph.sinks.map((s) => ({ ...s, from: s.from.filter((text) => text !== 's1') })) } : graph;
      const problems = checkGraph(spec, registry).filter((p) => !p.message.startsWith('nobody reads'));
      holds(problems.length === 0, problems.map((p) => p.message).join('; '));
      const plan = makePlan(spec, registry, 2);
      verify(plan);
      for (const { inputs } of plan.operators) {
        const inside = inputs.filter(({ kind }) => kind === 'fused').length;
        fused += inside;
        linked += inputs.length - inside;
      }
    }),
    { numRuns: 300 },
  );
  t.ok(fused > 0 && linked > 0, 'both kinds of edges were drawn');
});
