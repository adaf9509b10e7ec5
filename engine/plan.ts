import { passedColumns, reference, type GraphSpec, type NodeSpec, type Outlet, type Registry } from './graph.js';
import { BATCH_ROWS, CHANNEL_FRAMES, IDLE_AFTER_MS, KEEP_SERIES_MS, MAX_FUTURE_MS, WATERMARK_STEP_MS } from './limits.js';
import { bytesOf } from './state.js';
import type { AnyOperator, Route } from './operator.js';

/**
 * Graph + partitions + threads, as plain data: every thread gets it and finds its part. Nodes that follow
 * each other without re-routing are fused into one actor, which every shard has once; what crosses to
 * another actor or to a sink is a link, and all links between the same two lie in one wire, of which every
 * pair of threads has one channel.
 */
export interface Plan {
  readonly partitions: number;
  readonly shards: number;
  /** Of each channel, and rows of each frame. */
  readonly frames: number;
  readonly frameRows: number;
  /** Shard of each partition. */
  readonly owner: readonly number[];
  readonly maxSeries: number;
  readonly seed: number;
  /** Event time for which a silent series is remembered, ms. */
  readonly keep: number;
  readonly sources: readonly PlannedSource[];
  /** In topological order. */
  readonly operators: readonly PlannedOperator[];
  readonly sinks: readonly PlannedSink[];
  readonly actors: readonly PlannedActor[];
  readonly links: readonly Link[];
  readonly wires: readonly Wire[];
}

export interface PlannedSource {
  readonly spec: NodeSpec;
  readonly live: boolean;
  /** It gives no rows, and promises nothing about time. */
  readonly quiet: boolean;
  /** Until it has ended, nothing that comes of its rows goes to a sink. */
  readonly teaches: boolean;
  /** Indexes of the sources that must have ended before it is read. */
  readonly after: readonly number[];
  /** Opened at a position, it gives again what came after it. */
  readonly replays: boolean;
  /** ms that its rows may be out of order. */
  readonly disorder: number;
  /** Read on the shards, by this actor; else by the intake on the main thread. */
  readonly local: number | undefined;
}

export interface PlannedOperator {
  readonly index: number;
  readonly spec: NodeSpec;
  readonly actor: number;
  readonly route: Route;
  /** Further columns of its rows; undefined: it gives none. */
  readonly columns: readonly string[] | undefined;
  /** By port. */
  readonly inputs: readonly Input[];
  /** The sources that it comes of. */
  readonly origins: readonly number[];
  /** Shards read one of these, and how far it has come nobody knows before they do: it waits for answers of the training thread, as all do in a replay. */
  readonly waits: boolean;
  /** A source that teaches is among these: until that has ended, what it gives goes to no sink. */
  readonly learns: boolean;
  /** It has training tasks. */
  readonly trains: boolean;
  /** Fused consumers. */
  readonly fused: readonly { readonly node: number; readonly port: number; readonly outlet: Outlet }[];
  /** Outgoing links. */
  readonly links: readonly number[];
  readonly delay: number;
  /** How far rows may be ahead of its watermark, ms. */
  readonly lead: number;
  /** It has no room for rows that are further ahead. */
  readonly bounded: boolean;
  /** Of state columns and the timer. */
  readonly bytesPerSeries: number;
  /** It derives series: rows are looked up by slot before they reach it. */
  readonly derives: boolean;
}

export interface PlannedSink {
  readonly spec: NodeSpec;
  readonly inputs: readonly Input[];
  readonly origins: readonly number[];
  readonly ordered: boolean;
}

/** Where an input comes from: `fused`, operator `from` of the same actor; else a link. */
export interface Input {
  readonly text: string;
  readonly kind: 'fused' | 'link' | 'local';
  readonly from: number;
  readonly link: number;
  /** Names of further columns of its rows. */
  readonly columns: readonly string[];
  /** What the consumer takes of it. */
  readonly rows: boolean;
  readonly findings: boolean;
}

export interface PlannedActor {
  readonly id: number;
  readonly nodes: readonly number[];
  /** The source that it reads itself. */
  readonly local: number | undefined;
}

export interface Link {
  readonly id: number;
  readonly from: End;
  readonly outlet: Outlet;
  readonly columns: readonly string[];
  readonly route: Route;
  /** The node and port whose derivation is applied before sending: where the route is not by series. */
  readonly to: End;
  readonly targets: readonly { readonly node: number; readonly port: number }[];
}

export interface End {
  readonly kind: 'source' | 'operator' | 'sink';
  readonly index: number;
}

export interface Wire {
  readonly id: number;
  /** An actor, or undefined: the intake. */
  readonly from: number | undefined;
  readonly to: { readonly kind: 'actor' | 'sink'; readonly index: number };
  readonly links: readonly number[];
  /** The most further columns of any link. */
  readonly columns: number;
}

interface Drawn {
  readonly spec: NodeSpec;
  readonly definition: AnyOperator;
  readonly route: Route;
  readonly level: number;
}

/** The plan of a graph that `checkGraph` found nothing wrong with. */
export function makePlan(graph: GraphSpec, registry: Registry, shards: number, frames: number = CHANNEL_FRAMES, frameRows: number = BATCH_ROWS): Plan {
  const sourceIndex = new Map(graph.sources.map((spec, i) => [spec.name, i]));
  const definitions = new Map(registry.operators.map((d) => [d.name, d]));
  const ordered = topological(graph);
  const operatorIndex = new Map(ordered.map((spec, i) => [spec.name, i]));

  // A re-routed edge goes one level up, and actors hold nodes of one level: so actors form no cycle.
  const drawn: Drawn[] = [];
  for (const spec of ordered) {
    const definition = definitions.get(spec.type)!;
    const route: Route = definition.route?.(spec.config) ?? 'series';
    let level = 0;
    for (const text of spec.from) {
      const from = operatorIndex.get(reference(text).node);
      if (from !== undefined) level = Math.max(level, drawn[from]!.level + (route === 'series' ? 0 : 1));
    }
    drawn.push({ spec, definition, route, level });
  }

  const fusedEdge = (from: number, to: number) => drawn[to]!.route === 'series' && drawn[from]!.level === drawn[to]!.level;
  const actorOf = connect(drawn, operatorIndex, sourceIndex, fusedEdge);
  const local = graph.sources.map((spec) => localActor(graph, registry, spec, drawn, actorOf));

  const links: { -readonly [K in keyof Link]: Link[K] & {} }[] = [];
  const linkTo = (from: End, outlet: Outlet, columns: readonly string[], route: Route, to: End, actor: number | undefined, port: number): number => {
    const shared = route === 'series' && to.kind === 'operator' ? links.find((l) => l.from.kind === from.kind && l.from.index === from.index && l.outlet === outlet && l.route === 'series' && l.to.kind === 'operator' && actorOf[l.to.index] === actor) : undefined;
    const link = shared ?? { id: links.length, from, outlet, columns, route, to, targets: [] };
    if (shared === undefined) links.push(link);
    (link.targets as { node: number; port: number }[]).push({ node: to.index, port });
    return link.id;
  };
  const ports = drawn.map(({ definition, spec }) => definition.ports(spec.config));
  const columnsOf = (end: End, outlet: Outlet): readonly string[] => (end.kind === 'source' || outlet === 'late' ? [] : (given[end.index] ?? []));
  const endOf = (name: string): End => (sourceIndex.has(name) ? { kind: 'source', index: sourceIndex.get(name)! } : { kind: 'operator', index: operatorIndex.get(name)! });

  const given: (readonly string[] | undefined)[] = [];
  const quiet = graph.sources.map(({ type }) => registry.sources.find((d) => d.name === type)!.findings !== undefined);
  const teaches = graph.sources.map(({ type, config }) => registry.sources.find((d) => d.name === type)!.teaches?.(config) === true);
  const givesRows = ({ kind, index }: End, outlet: Outlet): boolean => (kind === 'source' ? !quiet[index]! : outlet === 'late' || ports[index]!.output.rows !== undefined);
  for (const [index, { spec }] of drawn.entries()) {
    const { rows, passes } = ports[index]!.output;
    const inputs = spec.from.flatMap((text) => {
      const { node, outlet } = reference(text);
      const end = endOf(node);
      return givesRows(end, outlet) ? [columnsOf(end, outlet)] : [];
    });
    given.push(rows === undefined || passes !== true ? rows : passedColumns(rows, inputs));
  }

  const fused: { node: number; port: number; outlet: Outlet }[][] = drawn.map(() => []);
  const origins: (readonly number[])[] = [];
  const originsOf = (from: readonly string[]): readonly number[] =>
    [...new Set(from.map((text) => endOf(reference(text).node)).flatMap(({ kind, index }) => (kind === 'source' ? [index] : origins[index]!)))].sort((a, b) => a - b);
  const delays: number[] = [];
  const operators = drawn.map(({ spec, definition, route }, index): PlannedOperator => {
    const { input } = ports[index]!;
    let delay = 0;
    const inputs = spec.from.map((text, port): Input => {
      const { node, outlet } = reference(text);
      const end = endOf(node);
      const columns = columnsOf(end, outlet);
      const gives = { rows: givesRows(end, outlet), findings: end.kind === 'source' || (outlet === 'rows' && ports[end.index]!.output.findings !== undefined) };
      const takes = { rows: input.rows !== undefined && gives.rows, findings: input.findings !== undefined && gives.findings };
      if (end.kind === 'operator') delay = Math.max(delay, delays[end.index]!);
      if (end.kind === 'operator' && fusedEdge(end.index, index)) {
        fused[end.index]!.push({ node: index, port, outlet });
        return { text, kind: 'fused', from: end.index, link: -1, columns, ...takes };
      }
      if (end.kind === 'source' && local[end.index] !== undefined) return { text, kind: 'local', from: end.index, link: -1, columns, ...takes };
      return { text, kind: 'link', from: end.index, link: linkTo(end, outlet, columns, route, { kind: 'operator', index }, actorOf[index]!, port), columns, ...takes };
    });
    origins.push(originsOf(spec.from));
    const own = definition.delay?.(spec.config) ?? 0;
    delays.push(delay + own);
    const lead = leadOf(graph, registry) + delay;
    return {
      index,
      spec,
      actor: actorOf[index]!,
      route,
      columns: given[index],
      inputs,
      origins: origins[index]!,
      waits: origins[index]!.some((source) => local[source] !== undefined),
      learns: origins[index]!.some((source) => teaches[source]),
      trains: definition.tasks !== undefined,
      fused: fused[index]!,
      links: [],
      delay: own,
      lead,
      bounded: definition.bounded === true,
      bytesPerSeries: bytesOf(definition.state?.(spec.config, lead) ?? {}),
      derives: definition.series !== undefined || route === 'group' || route === 'one',
    };
  });

  const sinks = graph.sinks.map((spec, index): PlannedSink => {
    const inputs = spec.from.map((text, port): Input => {
      const { node, outlet } = reference(text);
      const end = endOf(node);
      const columns = columnsOf(end, outlet);
      return { text, kind: 'link', from: end.index, link: linkTo(end, outlet, columns, 'series', { kind: 'sink', index }, undefined, port), columns, rows: true, findings: true };
    });
    return { spec, inputs, origins: originsOf(spec.from), ordered: registry.sinks.find((d) => d.name === spec.type)?.ordered?.(spec.config) ?? false };
  });

  const wires = lay(links, actorOf);
  const actorIds = [...new Set(actorOf)].sort((a, b) => a - b);
  return {
    partitions: graph.partitions,
    shards,
    frames,
    frameRows,
    owner: Array.from({ length: graph.partitions }, (_, p) => p % shards),
    maxSeries: graph.maxSeries,
    seed: graph.seed,
    keep: Math.max(KEEP_SERIES_MS, ...drawn.map(({ definition, spec }) => definition.keep?.(spec.config) ?? 0)),
    sources: graph.sources.map((spec, i) => {
      const definition = registry.sources.find((d) => d.name === spec.type)!;
      const { replays = false } = definition;
      return { spec, live: definition.live(spec.config), quiet: quiet[i]!, teaches: teaches[i]!, after: (spec.after ?? []).map((name) => sourceIndex.get(name)!), replays: typeof replays === 'function' ? replays(spec.config) : replays, disorder: definition.disorder(spec.config), local: local[i] };
    }),
    operators: operators.map((node) => ({ ...node, links: links.filter((l) => l.from.kind === 'operator' && l.from.index === node.index).map((l) => l.id) })),
    sinks,
    actors: actorIds.map((id) => ({ id, nodes: operators.filter((n) => n.actor === id).map((n) => n.index), local: found(local.indexOf(id)) })),
    links,
    wires,
  };
}

const found = (index: number): number | undefined => (index < 0 ? undefined : index);

/** How many shards bring the watermark of a link: an operator has one on each. */
export function shardsOf(plan: Pick<Plan, 'links' | 'shards'>, { link }: Pick<Input, 'link'>): number {
  return plan.links[link]!.from.kind === 'operator' ? plan.shards : 1;
}

/** The furthest that a row of any source can be ahead of the watermark of all: what the intake lets through. */
function leadOf(graph: GraphSpec, registry: Registry): number {
  let lead = 0;
  for (const spec of graph.sources) {
    const definition = registry.sources.find((d) => d.name === spec.type)!;
    if (definition.findings !== undefined) continue;
    const live = definition.live(spec.config) ? MAX_FUTURE_MS + 2 * IDLE_AFTER_MS : 0;
    lead = Math.max(lead, definition.disorder(spec.config) + 2 * WATERMARK_STEP_MS + live);
  }
  return lead;
}

function topological(graph: GraphSpec): NodeSpec[] {
  const specs = new Map(graph.operators.map((spec) => [spec.name, spec]));
  const ordered: NodeSpec[] = [];
  const visit = (spec: NodeSpec): void => {
    if (ordered.includes(spec)) return;
    for (const text of spec.from) {
      const from = specs.get(reference(text).node);
      if (from !== undefined) visit(from);
    }
    ordered.push(spec);
  };
  for (const spec of graph.operators) visit(spec);
  return ordered;
}

/**
 * Actor of each operator: those joined by fused edges, and those of the first level that read the same
 * source by series, so that a batch is sent to them once.
 */
function connect(drawn: readonly Drawn[], operatorIndex: ReadonlyMap<string, number>, sourceIndex: ReadonlyMap<string, number>, fusedEdge: (from: number, to: number) => boolean): number[] {
  const actor = drawn.map((_, i) => i);
  const join = (a: number, b: number): void => {
    const [from, to] = [Math.max(actor[a]!, actor[b]!), Math.min(actor[a]!, actor[b]!)];
    for (const [i, id] of actor.entries()) if (id === from) actor[i] = to;
  };
  const readers = new Map<number, number>();
  for (const [to, { spec, route, level }] of drawn.entries()) {
    for (const text of spec.from) {
      const { node } = reference(text);
      const from = operatorIndex.get(node);
      if (from !== undefined && fusedEdge(from, to)) join(from, to);
      const source = sourceIndex.get(node);
      if (source === undefined || route !== 'series' || level !== 0) continue;
      const other = readers.get(source);
      if (other === undefined) readers.set(source, to);
      else join(other, to);
    }
  }
  const ids = [...new Set(actor)].sort((a, b) => a - b);
  return actor.map((id) => ids.indexOf(id));
}

/** The actor that reads a source on its shard: it can be read there, one actor alone reads it, by series, and reads no other source. */
function localActor(graph: GraphSpec, registry: Registry, source: NodeSpec, drawn: readonly Drawn[], actorOf: readonly number[]): number | undefined {
  const definition = registry.sources.find((d) => d.name === source.type);
  if (definition?.local?.(source.config) === undefined) return undefined;
  // Who waits, and whoever is waited for, is read by the intake.
  if (source.after !== undefined || graph.sources.some(({ after }) => after?.includes(source.name))) return undefined;
  const reads = (spec: NodeSpec) => spec.from.some((text) => reference(text).node === source.name);
  if (graph.sinks.some(reads)) return undefined;
  const readers = drawn.map((node, i) => ({ node, actor: actorOf[i]! })).filter(({ node }) => reads(node.spec));
  if (readers.some(({ node }) => node.route !== 'series') || new Set(readers.map((r) => r.actor)).size !== 1) return undefined;
  const actor = readers[0]!.actor;
  // Beside another source it would run ahead: only the intake merges sources by time.
  const others = new Set(graph.sources.map((spec) => spec.name).filter((name) => name !== source.name));
  if (drawn.some(({ spec }, i) => actorOf[i] === actor && spec.from.some((text) => others.has(reference(text).node)))) return undefined;
  return actor;
}

/** One wire between each two that links join. */
function lay(links: readonly Link[], actorOf: readonly number[]): Wire[] {
  const wires: { id: number; from: number | undefined; to: Wire['to']; links: number[]; columns: number }[] = [];
  for (const link of links) {
    const from = link.from.kind === 'source' ? undefined : actorOf[link.from.index]!;
    const to: Wire['to'] = link.to.kind === 'sink' ? { kind: 'sink', index: link.to.index } : { kind: 'actor', index: actorOf[link.to.index]! };
    let wire = wires.find((w) => w.from === from && w.to.kind === to.kind && w.to.index === to.index);
    if (wire === undefined) wires.push((wire = { id: wires.length, from, to, links: [], columns: 0 }));
    wire.links.push(link.id);
    wire.columns = Math.max(wire.columns, link.columns.length);
  }
  return wires;
}
