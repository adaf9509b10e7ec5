import fc from 'fast-check';
import t from 'tap';
import type { AnySink, AnySource, LocalSource } from '../../engine/connector.js';
import type { GraphSpec, NodeSpec, Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { KEEP_SERIES_MS, WATERMARK_STEP_MS } from '../../engine/limits.js';
import type { AnyOperator, Route } from '../../engine/operator.js';
import { makePlan, type Plan } from '../../engine/plan.js';
import { bytesOf } from '../../engine/state.js';

const operator = (name: string, route: Route, more: Partial<AnyOperator> = {}): AnyOperator =>
  ({ name, ports: () => ({ input: { rows: [], findings: ['anomaly'] }, output: { rows: [`of_${name}`], passes: true, findings: ['anomaly'], late: true } }), route: () => route, create: () => ({}), ...more }) as Partial<AnyOperator> as AnyOperator;

const registry: Registry = {
  operators: [
    operator('series', 'series', { state: () => ({ mean: 'f64', seen: 'u32' }) }),
    operator('slow', 'series', { delay: () => 5_000, keep: () => 100 * 86_400_000 }),
    operator('group', 'group', { series: () => (of) => [{ series: of, member: 'x' }] }),
    operator('all', 'all'),
    operator('one', 'one'),
  ],
  sources: [
    { name: 'src', live: () => false, disorder: () => 2_000 } as Partial<AnySource> as AnySource,
    { name: 'said', live: () => true, disorder: () => 0, findings: ['anomaly'] } as Partial<AnySource> as AnySource,
    { name: 'local', live: () => false, disorder: () => 0, local: () => ({ series: [] }) as Partial<LocalSource> as LocalSource } as Partial<AnySource> as AnySource,
  ],
  sinks: [{ name: 'snk', ordered: () => true } as Partial<AnySink> as AnySink],
};

type Nodes = Readonly<Record<string, readonly [type: string, ...from: string[]]>>;
const specs = (nodes: Nodes): NodeSpec[] => Object.entries(nodes).map(([name, [type, ...from]]) => ({ name, type, from, config: {} }));

function planOf(sources: Nodes, operators: Nodes, sinks: Nodes, shards = 2): Plan {
  const graph: GraphSpec = { sources: specs(sources), operators: specs(operators), sinks: specs(sinks), partitions: 5, maxSeries: 1_000, seed: 1 };
  const problems = checkGraph(graph, registry);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return makePlan(graph, registry, shards);
}

/** Nodes of each actor, by name. */
const actors = (plan: Plan) => plan.actors.map(({ nodes }) => nodes.map((node) => plan.operators[node]!.spec.name).join(' '));

const nameOf = (plan: Plan, kind: 'source' | 'operator' | 'sink', index: number) => ({ source: plan.sources, operator: plan.operators, sink: plan.sinks })[kind][index]!.spec.name;

/** Links as `from[.late] -route-> targets`. */
const links = (plan: Plan) =>
  plan.links.map(({ from, outlet, route, to, targets }) => {
    const name = `${nameOf(plan, from.kind, from.index)}${outlet === 'late' ? '.late' : ''}`;
    return `${name} -${route}-> ${targets.map(({ node, port }) => `${nameOf(plan, to.kind, node)}.${port}`).join(' ')}`;
  });

await t.test('what follows each other by series is one actor, and goes from one to the next in a call', (t) => {
  const plan = planOf({ in: ['src'] }, { a: ['series', 'in'], b: ['series', 'a'], c: ['slow', 'b', 'a.late'] }, { out: ['snk', 'c'] });
  t.same(actors(plan), ['a b c']);
  t.same(links(plan), ['in -series-> a.0', 'c -series-> out.0']);
  const [a, b, c] = plan.operators;
  t.same(a!.fused, [{ node: 1, port: 0, outlet: 'rows' }, { node: 2, port: 1, outlet: 'late' }]);
  t.same(b!.fused, [{ node: 2, port: 0, outlet: 'rows' }]);
  t.same(c!.inputs.map(({ kind, from, link }) => ({ kind, from, link })), [{ kind: 'fused', from: 1, link: -1 }, { kind: 'fused', from: 0, link: -1 }]);
  t.end();
});

await t.test('those that read one source by series are one actor: it is sent to them once', (t) => {
  const plan = planOf({ in: ['src'], other: ['src'] }, { a: ['series', 'in'], b: ['series', 'in'], c: ['series', 'other'] }, { out: ['snk', 'a', 'b', 'c'] });
  t.same(actors(plan), ['a b', 'c']);
  t.same(links(plan), ['in -series-> a.0 b.0', 'other -series-> c.0', 'a -series-> out.0', 'b -series-> out.1', 'c -series-> out.2']);
  t.end();
});

await t.test('a re-routed edge goes to another actor, with its rows looked up before they are sent', (t) => {
  const plan = planOf({ in: ['src'] }, { a: ['series', 'in'], g: ['group', 'a'], h: ['series', 'g'], o: ['one', 'h', 'in'], e: ['all', 'a'] }, { out: ['snk', 'o', 'e'] });
  t.same(actors(plan), ['a', 'g h', 'o', 'e']);
  t.same(links(plan), ['in -series-> a.0', 'a -group-> g.0', 'h -one-> o.0', 'in -one-> o.1', 'a -all-> e.0', 'o -series-> out.0', 'e -series-> out.1']);
  t.same(plan.operators.map(({ spec, derives }) => `${spec.name} ${derives}`), ['a false', 'g true', 'h false', 'o true', 'e false']);
  t.end();
});

await t.test('what joins nodes of two levels is on the higher', (t) => {
  const plan = planOf({ in: ['src'] }, { a: ['series', 'in'], g: ['group', 'a'], both: ['series', 'a', 'g'] }, { out: ['snk', 'both'] });
  t.same(actors(plan), ['a', 'g both']);
  t.same(plan.operators[2]!.inputs.map(({ kind }) => kind), ['link', 'fused']);
  t.same(links(plan), ['in -series-> a.0', 'a -group-> g.0', 'a -series-> both.0', 'both -series-> out.0']);
  t.end();
});

await t.test('a source of findings alone takes no columns away and lets nobody wait for it', (t) => {
  const plan = planOf({ in: ['src'], people: ['said'] }, { a: ['series', 'in'], b: ['series', 'a', 'people'] }, { out: ['snk', 'b'] });
  t.same(plan.operators.map(({ columns }) => columns), [['of_series'], ['of_series']]);
  t.same(plan.operators[1]!.inputs.map(({ rows, findings }) => ({ rows, findings })), [{ rows: true, findings: true }, { rows: false, findings: true }]);
  t.same(plan.sources.map(({ quiet }) => quiet), [false, true]);
  const alone = planOf({ in: ['src'] }, { a: ['series', 'in'] }, { out: ['snk', 'a'] });
  t.equal(plan.operators[0]!.lead, alone.operators[0]!.lead, 'nor makes rows come earlier');
  t.end();
});

await t.test('a wire holds all links between the same two, and the widest of their columns', (t) => {
  const plan = planOf({ in: ['src'] }, { a: ['series', 'in'], b: ['slow', 'a'], g: ['group', 'a', 'b', 'a.late'] }, { out: ['snk', 'a', 'b', 'g', 'g.late'], raw: ['snk', 'in'] });
  const wire = (from: string | undefined, to: string) => plan.wires.find((w) => (w.from === undefined ? undefined : actors(plan)[w.from]) === from && (w.to.kind === 'actor' ? actors(plan)[w.to.index] : plan.sinks[w.to.index]!.spec.name) === to)!;
  t.equal(plan.wires.length, 5);
  t.same([wire(undefined, 'a b').columns, wire('a b', 'g').columns, wire('a b', 'out').columns, wire('g', 'out').columns, wire(undefined, 'raw').columns], [0, 2, 2, 1, 0]);
  t.same(wire('a b', 'g').links.map((id) => links(plan)[id]), ['a -group-> g.0', 'b -group-> g.1', 'a.late -group-> g.2']);
  t.same(plan.links.map(({ columns }) => columns.join(' ')), ['', 'of_series', 'of_slow of_series', '', 'of_series', 'of_slow of_series', 'of_group', '', '']);
  t.end();
});

await t.test('a source whose series are known is read on the shards where one actor alone reads it, and nothing else', (t) => {
  const localOf = (...parts: Parameters<typeof planOf>) => planOf(...parts).sources[0]!.local;
  t.equal(localOf({ in: ['local'] }, { a: ['series', 'in'], b: ['series', 'in'] }, { out: ['snk', 'a', 'b'] }), 0);
  t.equal(localOf({ in: ['src'] }, { a: ['series', 'in'] }, { out: ['snk', 'a'] }), undefined, 'one whose series are not known');
  t.equal(localOf({ in: ['local'] }, { a: ['series', 'in'] }, { out: ['snk', 'a', 'in'] }), undefined, 'a sink reads it');
  t.equal(localOf({ in: ['local'] }, { a: ['one', 'in'] }, { out: ['snk', 'a'] }), undefined, 'it is re-routed');
  t.equal(localOf({ in: ['local'] }, { a: ['series', 'in'], g: ['group', 'a'], b: ['series', 'in', 'g'] }, { out: ['snk', 'b'] }), undefined, 'two actors read it');
  t.equal(localOf({ in: ['local'], other: ['src'] }, { a: ['series', 'in', 'other'] }, { out: ['snk', 'a'] }), undefined, 'its rows are merged with others by time');
  const plan = planOf({ in: ['local'] }, { a: ['series', 'in'] }, { out: ['snk', 'a'] });
  t.equal(plan.actors[0]!.local, 0);
  t.equal(plan.operators[0]!.inputs[0]!.kind, 'local');
  t.same(links(plan), ['a -series-> out.0'], 'without a link');
  t.end();
});

await t.test('what nodes are told of time, memory and sinks', (t) => {
  const plan = planOf({ in: ['src'] }, { a: ['series', 'in'], s: ['slow', 'a'], after: ['series', 's', 'a'] }, { out: ['snk', 'after'] }, 3);
  const lead = 2_000 + 2 * WATERMARK_STEP_MS;
  t.same(plan.operators.map(({ lead: own, delay }) => [own, delay]), [[lead, 0], [lead, 5_000], [lead + 5_000, 0]], 'rows behind a delay are further from the watermark');
  t.equal(plan.operators[0]!.bytesPerSeries, bytesOf({ mean: 'f64', seen: 'u32' }));
  t.equal(plan.keep, 100 * 86_400_000);
  t.equal(planOf({ in: ['src'] }, {}, { out: ['snk', 'in'] }).keep, KEEP_SERIES_MS);
  t.same(plan.owner, [0, 1, 2, 0, 1], 'partitions in turn');
  t.equal(plan.sinks[0]!.ordered, true);
  t.end();
});

await t.test('of any graph: actors form no cycle, every edge is there once, and whoever is fused lies on the same shard', (t) => {
  const node = fc.record({ type: fc.constantFrom('series', 'series', 'slow', 'group', 'all', 'one'), from: fc.array(fc.record({ at: fc.nat(20), late: fc.boolean() }), { minLength: 1, maxLength: 3 }) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(node, { maxLength: 12 }), fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (sourceCount, drawn, order) => {
      const sources: Nodes = Object.fromEntries(Array.from({ length: sourceCount }, (_, i) => [`s${i}`, [i === 0 ? 'local' : 'src']]));
      const names = Object.keys(sources);
      const operators: Record<string, readonly [string, ...string[]]> = {};
      for (const [i, { type, from }] of drawn.entries()) {
        const reads = new Set(from.map(({ at, late }) => { const name = names[at % names.length]!; return late && !(name in sources) ? `${name}.late` : name; }));
        operators[`n${i}`] = [type, ...reads];
        names.push(`n${i}`);
      }
      // Named in any order, and each read by a sink.
      const shuffled = Object.fromEntries(Object.entries(operators).map((entry) => ({ entry, key: order.next().value as number })).sort((a, b) => a.key - b.key).map(({ entry }) => entry));
      const plan = planOf(sources, shuffled, { out: ['snk', ...names] });

      const actorOf = (index: number) => plan.operators[index]!.actor;
      // No cycle: every wire between actors goes forward in some order.
      const next = new Map<number, Set<number>>();
      for (const { from, to } of plan.wires) if (from !== undefined && to.kind === 'actor') next.set(from, (next.get(from) ?? new Set()).add(to.index));
      const reaches = (from: number, seen: Set<number>): Set<number> => {
        for (const to of next.get(from) ?? []) if (!seen.has(to)) reaches(to, seen.add(to));
        return seen;
      };
      for (const { id } of plan.actors) if (reaches(id, new Set()).has(id)) return false;

      // Every `from` has one input: fused within the actor, by its own link, or read on the shard.
      for (const consumer of plan.operators) {
        if (plan.actors[consumer.actor]!.id !== consumer.actor || !plan.actors[consumer.actor]!.nodes.includes(consumer.index)) return false;
        for (const [port, input] of consumer.inputs.entries()) {
          if (input.text !== shuffled[consumer.spec.name]![port + 1]) return false;
          if (input.kind === 'fused') {
            const sender = plan.operators[input.from]!;
            if (sender.actor !== consumer.actor || sender.index >= consumer.index || consumer.route !== 'series') return false;
            if (sender.fused.filter((f) => f.node === consumer.index && f.port === port).length !== 1) return false;
          } else if (input.kind === 'link') {
            const link = plan.links[input.link]!;
            if (link.route !== consumer.route || link.targets.filter((f) => f.node === consumer.index && f.port === port).length !== 1) return false;
            if (link.from.kind === 'operator' && !plan.operators[link.from.index]!.links.includes(link.id)) return false;
            if (!input.columns.every((column, i) => link.columns[i] === column)) return false;
          } else if (plan.sources[input.from]!.local !== consumer.actor) return false;
        }
      }
      // Every link lies in one wire, which joins its ends and is wide enough.
      return plan.links.every((link) => {
        const wires = plan.wires.filter((wire) => wire.links.includes(link.id));
        if (wires.length !== 1 || wires[0]!.columns < link.columns.length) return false;
        const [wire] = wires as [Plan['wires'][number]];
        const from = link.from.kind === 'source' ? undefined : actorOf(link.from.index);
        return wire.from === from && (link.to.kind === 'sink' ? wire.to.kind === 'sink' && wire.to.index === link.to.index : wire.to.kind === 'actor' && link.targets.every((target) => actorOf(target.node) === wire.to.index));
      });
    }),
    { numRuns: 500 },
  );
  t.end();
});
