import type { Finding } from '../../engine/finding.js';
import { reference, type GraphSpec, type NodeSpec, type Registry } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { seeded, type Random } from '../../engine/random.js';
import { parseSeries, seriesText } from '../../engine/series.js';
import { operators } from './operators.js';
import type { Input, Message, Row } from './sources.js';

/** A graph, and what goes into it: all that a run's result may depend on. */
export interface Workload {
  readonly seed: number;
  readonly graph: GraphSpec;
  readonly inputs: readonly Input[];
}

/** Where virtual time begins, as event time. */
export const START = 1_700_000_000_000;

const SERVICES = ['api', 'shop', 'pay'];

class Draw {
  readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** A whole number from `from` up to, not including, `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from));
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(of: readonly T[]): T {
    return of[this.between(0, of.length)]!;
  }
}

export function drawWorkload(seed: number, registry: Omit<Registry, 'operators'>): Workload {
  const draw = new Draw(seeded(seed));
  const inputs = drawInputs(draw);
  const graph = drawGraph(draw, inputs, { ...registry, operators });
  const said = drawSaid(draw, graph, inputs);
  if (said === undefined) return { seed, graph, inputs };
  const { name, kind, disorder } = said.input;
  const learning = graph.operators.map((spec) => (said.to.includes(spec.name) ? { ...spec, from: [...spec.from, name] } : spec));
  return { seed, graph: { ...graph, sources: [...graph.sources, { name, type: kind, from: [], config: { disorder } }], operators: learning }, inputs: [...inputs, said.input] };
}

function drawInputs(draw: Draw): Input[] {
  const count = draw.pick([1, 1, 1, 2, 2, 3]);
  const disorder = draw.pick([0, 1_000, 2_000, 3_500]);
  const kinds = Array.from({ length: count }, () => draw.pick(['file', 'stream', 'stream', 'posted'] as const));
  return kinds.map((kind, i): Input => {
    const names = { name: `in${i}`, disorder, endsWithRows: draw.chance(0.5) };
    const series = drawSeries(draw, i);
    // What catches up, or has its clock wrong.
    const ago = count > 1 && draw.chance(0.2) ? draw.between(0, 200_000) : 0;
    const messages = drawMessages(draw, series, disorder, ago);
    if (kind === 'file') return { kind, ...names, rows: messages.flatMap(({ rows }) => rows) };
    return { kind, ...names, messages: kind === 'posted' ? messages : repeated(draw, messages) };
  });
}

/** What people say of anomalies of the detectors that come of one source: between two rows of several, order is a matter of speed. */
function drawSaid(draw: Draw, graph: GraphSpec, inputs: readonly Input[]): { readonly input: Input; readonly to: readonly string[] } | undefined {
  const of = (text: string): string[] => {
    const spec = graph.operators.find(({ name }) => name === reference(text).node);
    return spec === undefined ? [reference(text).node] : [...new Set(spec.from.flatMap(of))];
  };
  const detectors = graph.operators.filter(({ type, name }) => type === 'detect' && of(name).length === 1);
  const series = inputs.flatMap((input) => (input.kind === 'said' ? [] : input.kind === 'file' ? input.rows : input.messages.flatMap(({ rows }) => rows)).map(([, text]) => text));
  if (detectors.length === 0 || series.length === 0 || draw.chance(0.3)) return undefined;
  const last = Math.max(0, ...inputs.map((input) => (input.kind === 'stream' || input.kind === 'posted' ? (input.messages.at(-1)?.at ?? 0) : 0)));
  const revisions = new Map<string, number>();
  const findings = Array.from({ length: draw.between(1, 12) }, () => draw.between(0, last + 1))
    .sort((a, b) => a - b)
    .map((at) => {
      const text = draw.pick(series);
      const { name: metric, labels } = parseSeries(text);
      const toldBy = draw.pick(detectors).name;
      const id = `${toldBy} ${text}`;
      const revision = (revisions.get(id) ?? 0) + 1;
      revisions.set(id, revision);
      const finding: Finding = {
        ...{ kind: 'feedback', id, revision, state: revision % 3 === 0 ? 'closed' : 'opened', operator: 'said', toldBy, series: text, metric, labels, openedAt: START, time: 0 },
        ...{ severity: 'info', explanation: '', anomaly: id, verdict: draw.pick(['false_positive', 'true_positive'] as const), note: '', by: '', at: 0 },
        ...{ value: 60 + draw.between(0, 40), expected: 50, lower: 40, upper: 60, score: 0.999 },
      };
      return { at, finding };
    });
  return { input: { kind: 'said', name: 'said', disorder: 0, findings }, to: detectors.map(({ name }) => name) };
}

function drawSeries(draw: Draw, source: number): string[] {
  const metrics = Array.from({ length: draw.between(1, 3) }, (_, m) => `m${source}_${m}`);
  return metrics.flatMap((metric) => Array.from({ length: draw.between(1, 5) }, (_, host) => seriesText(metric, { host: `h${host}`, service: draw.pick(SERVICES) })));
}

function drawMessages(draw: Draw, series: readonly string[], disorder: number, ago: number): Message[] {
  const messages: Message[] = [];
  // Of some publishers many messages have the same time, or come all at once.
  const grid = draw.pick([1, 1, 1_000]);
  const onGrid = (time: number): number => Math.floor(time / grid) * grid;
  const apart = draw.pick([500, 500, 50]);
  let at = draw.between(0, 2_000);
  for (let id = draw.between(0, 60); id > 0; id--) {
    // Now and then so long that the source counts as silent; then rows may come that are older than what it was moved to.
    const pause = draw.chance(0.06) ? draw.between(4_000, 12_000) : draw.between(0, apart);
    const old = pause > 4_000 ? 0.3 : 0.03;
    at += pause;
    const rows = Array.from({ length: draw.between(1, 5) }, (): Row => {
      const behind = draw.chance(old) ? draw.between(0, 8_000) : draw.between(0, disorder * 0.9);
      const value = draw.chance(0.03) ? draw.between(500, 1_000) : draw.between(40, 60);
      return [START - ago + onGrid(at) - onGrid(behind), draw.pick(series), value];
    });
    messages.push({ id, at, rows });
  }
  return messages;
}

/** Some are sent again by their publisher, a little later. */
function repeated(draw: Draw, messages: readonly Message[]): Message[] {
  const sent: Message[] = [];
  for (const [i, message] of messages.entries()) {
    sent.push(message);
    const again = messages[i - draw.between(0, 4)];
    if (again !== undefined && draw.chance(0.06)) sent.push({ ...again, at: message.at });
  }
  return sent;
}

/** A node that operators may read. */
interface Drawn {
  readonly name: string;
  /** Sources that it comes of. */
  readonly of: ReadonlySet<string>;
  readonly findings: boolean;
}

type Config = Readonly<Record<string, unknown>>;

const kinds: readonly { readonly type: string; readonly config: (draw: Draw) => Config; readonly findings?: true; readonly takes?: 'findings' }[] = [
  { type: 'select', config: (draw) => draw.pick<Config>([{}, { where: '{host=~"h[0-2]"}' }, { labels: { team: 'a' } }]) },
  { type: 'rate', config: () => ({}) },
  { type: 'window', config: (draw) => ({ size: draw.pick(['1s', '2s', '5s']), aggregates: ['count', 'sum', 'max'], lateness: draw.pick(['0s', '2s']) }) },
  { type: 'window', config: (draw) => ({ size: '4s', slide: '2s', aggregates: ['mean', 'min', draw.pick(['p50', 'increase'])] }) },
  { type: 'window', config: (draw) => ({ gap: '2s', max: draw.pick(['10s', '30s']), aggregates: ['count', 'sum'] }) },
  { type: 'window', config: (draw) => ({ rows: draw.pick([3, 5]), aggregates: ['count', 'sum'] }) },
  { type: 'detect', config: () => ({ warmup: 10, close_for: 2 }), findings: true },
  // Twice, as it alone regroups rows.
  { type: 'total', config: (draw) => ({ as: `total${draw.between(0, 1_000_000)}` }) },
  { type: 'total', config: (draw) => ({ as: `total${draw.between(0, 1_000_000)}` }) },
  { type: 'learner', config: (draw) => ({ due: draw.pick([1_000, 3_000, 10_000]) }) },
  { type: 'correlate', config: () => ({ by: ['service'], window: '5s', duplicates: '3s' }), takes: 'findings' },
];

function drawGraph(draw: Draw, inputs: readonly Input[], registry: Registry): GraphSpec {
  const files = inputs.filter(({ kind }) => kind === 'file').map(({ name }) => name);
  const sources: NodeSpec[] = inputs.map(({ kind, name, disorder }) => {
    // Some are read when a file before them is over.
    const before = files.filter((file) => file < name);
    return { name, type: kind, from: [], config: { disorder }, ...(before.length > 0 && draw.chance(0.2) ? { after: before } : {}) };
  });
  const drawn: Drawn[] = inputs.map(({ name }) => ({ name, of: new Set([name]), findings: false }));
  const specs: NodeSpec[] = [];
  const alone = { partitions: draw.pick([2, 4, 8]), maxSeries: 1_000, seed: 1 };
  for (let n = draw.between(1, 6); n > 0; n--) {
    const kind = draw.pick(kinds);
    const readable = drawn.filter(({ findings }) => kind.takes !== 'findings' || findings);
    if (readable.length === 0) continue;
    // Long chains more often than a fan: what is grouped behind an operator comes from every shard.
    const first = draw.chance(0.5) ? draw.pick(readable) : readable.at(-1)!;
    // A second input has other series: the order of two inputs of one series is not promised. Findings have an order of their own.
    const others = readable.filter((other) => other !== first && (kind.takes === 'findings' || [...other.of].every((name) => !first.of.has(name))));
    const read = others.length > 0 && draw.chance(0.6) ? [first, draw.pick(others)] : [first];
    const definition = operators.find((each) => each.name === kind.type)!;
    const spec: NodeSpec = { name: `n${specs.length}`, type: kind.type, from: read.map(({ name }) => name), config: definition.config.parse(kind.config(draw)) };
    const candidate = { sources, operators: [...specs, spec], sinks: [{ name: 'out', type: 'store', from: [spec.name], config: {} }], ...alone };
    if (problemsOf(candidate, registry).length > 0) continue;
    specs.push(spec);
    drawn.push({ name: spec.name, of: new Set(read.flatMap(({ of }) => [...of])), findings: kind.findings === true });
  }
  const outputs = drawn.flatMap(({ name }) => {
    const spec = specs.find((each) => each.name === name);
    const ports = spec === undefined ? undefined : operators.find((each) => each.name === spec.type)!.ports(spec.config);
    // Members of a fold that are late at one time are rows of one key: which of them is stored is nobody's promise.
    return ports?.output.late === true && spec?.type !== 'total' ? [name, `${name}.late`] : [name];
  });
  const graph = {
    sources,
    operators: specs,
    sinks: [
      { name: 'store', type: 'store', from: outputs.filter(() => draw.chance(0.8)), config: {} },
      { name: 'ordered', type: 'ordered', from: outputs.filter(() => draw.chance(0.6)), config: {} },
    ].filter(({ from }) => from.length > 0),
    ...alone,
  };
  if (graph.sinks.length === 0) graph.sinks.push({ name: 'store', type: 'store', from: outputs, config: {} });
  // What nobody reads is left out.
  const read = new Set([...graph.operators, ...graph.sinks].flatMap(({ from }) => from.map((text) => reference(text).node)));
  const problems = problemsOf(graph, registry);
  if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join('; '));
  return { ...graph, sources: graph.sources.filter(({ name }) => read.has(name)) };
}

/** What is wrong with a graph, but for what nobody reads. */
function problemsOf(graph: GraphSpec, registry: Registry): { readonly message: string }[] {
  return checkGraph(graph, registry).filter((problem) => problem.warning !== true && !problem.message.startsWith('nobody reads'));
}
