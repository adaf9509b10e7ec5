import { sinks, sources } from '../../connectors/list.js';
import { sources as localSources } from '../../connectors/local.js';
import { Channel } from '../../engine/channel.js';
import { Directory } from '../../engine/directory.js';
import type { GraphSpec } from '../../engine/graph.js';
import { checkGraph } from '../../engine/graph-check.js';
import { ThreadNames } from '../../engine/names.js';
import { makePlan } from '../../engine/plan.js';
import { seriesText } from '../../engine/series.js';
import { Shard } from '../../engine/shard.js';
import { channelKey, shareMemory } from '../../engine/shard-memory.js';
import { Signal } from '../../engine/signal.js';
import { NodeField, Stats, statsNodes } from '../../engine/stats.js';
import { operators } from '../../operators/list.js';

/**
 * Run with `--expose-gc` and young space for all that the run allocates: a shard that reads its own samples, with
 * nobody but this thread to take the results. Prints bytes of heap a sample, after warming up.
 */
const WARM_UP = 8_000_000;
const MEASURED = 10_000_000;

const config = (known: readonly { name: string; config: { parse(value: unknown): unknown } }[], type: string, given: unknown): unknown => known.find((d) => d.name === type)!.config.parse(given);
const graph: GraphSpec = {
  sources: [{ name: 'samples', type: 'generate', from: [], config: config(sources, 'generate', { spec: 'W1', count: 4 * MEASURED }) }],
  operators: [
    { name: 'win', type: 'window', from: ['samples'], config: config(operators, 'window', { size: '10s', aggregates: ['mean', 'count', 'stddev'] }) },
    { name: 'big', type: 'select', from: ['win'], config: config(operators, 'select', {}) },
  ],
  sinks: [{ name: 'out', type: 'count', from: ['big'], config: config(sinks, 'count', {}) }],
  partitions: 64,
  maxSeries: 100_000,
  seed: 1,
};
const registry = { operators, sources, sinks };
const problems = checkGraph(graph, registry);
if (problems.length > 0) throw new Error(JSON.stringify(problems));

const plan = makePlan(graph, registry, 1);
const directory = new Directory(plan, registry);
const names = new ThreadNames(plan.partitions, plan.owner);
const generate = localSources.find((d) => d.name === 'generate')!;
const slots = Uint32Array.from(generate.local!(graph.sources[0]!.config)!.series, (series) => directory.slot(0, seriesText(series.name, series.labels), -Infinity));
names.learn(directory.announce()!);
const memory = shareMemory(plan);
const shard = new Shard({ plan, shard: 0, memory, names: names.all(), selves: [], saved: [], localSlots: { 0: slots }, positions: {}, live: false, decisions: [] }, operators, localSources, () => {});
const signals = memory.signals.map((each) => new Signal(each));
const wire = plan.wires[0]!;
const results = new Channel(memory.channels[channelKey(wire, 0, 'main')]!, { columns: wire.columns }, signals[0]!, signals[1]!);
const stats = new Stats(memory.stats, statsNodes(plan), 0);

function takeSamples(count: number): number {
  const upTo = stats.ofNode(0, NodeField.rowsIn, 0) + count;
  let taken = 0;
  while ((taken = stats.ofNode(0, NodeField.rowsIn, 0)) < upTo && !shard.finished) {
    shard.turn();
    while (results.peek() !== undefined) results.release();
  }
  return taken;
}

takeSamples(WARM_UP);
globalThis.gc!();
const heap = process.memoryUsage().heapUsed;
const before = stats.ofNode(0, NodeField.rowsIn, 0);
const after = takeSamples(MEASURED);
process.stdout.write(`${JSON.stringify({ samples: after - before, bytes: process.memoryUsage().heapUsed - heap })}\n`);
