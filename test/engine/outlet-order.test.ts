import fc from 'fast-check';
import t from 'tap';
import { allocateBatch } from '../../engine/batch.js';
import { Channel, channelBytes } from '../../engine/channel.js';
import type { AnySink, AnySource } from '../../engine/connector.js';
import { Directory } from '../../engine/directory.js';
import { about, findingId, type Alert, type Finding } from '../../engine/finding.js';
import type { GraphSpec, Registry } from '../../engine/graph.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import { findingsOf, MessageKind } from '../../engine/message.js';
import { ThreadNames } from '../../engine/names.js';
import type { AnyOperator, Route } from '../../engine/operator.js';
import { Outlet } from '../../engine/outlet.js';
import { makePlan, type Link } from '../../engine/plan.js';
import { makeSeries, partitionOf, seriesText } from '../../engine/series.js';
import { Signal } from '../../engine/signal.js';

const operator = (name: string, route: Route, more: Partial<AnyOperator> = {}): AnyOperator =>
  ({ name, ports: () => ({ input: { rows: [], findings: ['alert'] }, output: { rows: ['mean', 'count'], late: true, findings: ['alert'] } }), route: () => route, create: () => ({}), ...more }) as Partial<AnyOperator> as AnyOperator;

const SHARDS = 3;
const registry: Registry = {
  operators: [
    operator('series', 'series'),
    // Of some series nothing, of some two groups.
    operator('group', 'group', {
      series: () => (of) => (of.name === 's0' ? [] : [{ series: makeSeries('g', { of: of.name.slice(-1) }), member: of.name }, ...(of.name === 's1' ? [{ series: makeSeries('g', { of: 'more' }), member: of.name }] : [])]),
    }),
    operator('all', 'all'),
    operator('one', 'one'),
  ],
  sources: [{ name: 'src', live: () => false, disorder: () => 0 } as Partial<AnySource> as AnySource],
  sinks: [{ name: 'snk' } as Partial<AnySink> as AnySink],
};
const graph: GraphSpec = {
  sources: [{ name: 'in', type: 'src', from: [], config: {} }],
  operators: [
    { name: 'a', type: 'series', from: ['in'], config: {} },
    { name: 'g', type: 'group', from: ['a', 'a.late'], config: {} },
    { name: 'back', type: 'series', from: ['a', 'g'], config: {} },
    { name: 'e', type: 'all', from: ['a', 'a.late'], config: {} },
    { name: 'o', type: 'one', from: ['a', 'a.late'], config: {} },
  ],
  sinks: [{ name: 'out', type: 'snk', from: ['a', 'a.late'], config: {} }],
  partitions: 8,
  maxSeries: 1_000,
  seed: 1,
};
const plan = makePlan(graph, registry, SHARDS);
const directory = new Directory(plan, registry);
const names = new ThreadNames(plan.partitions, plan.owner);
const slots = Array.from({ length: 12 }, (_, i) => directory.slot(0, `s${i}`, 0));
names.learn(directory.announce()!);

const finding = (series: string, explanation: string): Finding =>
  ({ ...about(makeSeries(series)), kind: 'alert', id: findingId('odd', 'alert', series, 0), revision: 1, state: 'opened', operator: 'odd', openedAt: 0, time: 0, severity: 'low', explanation, correlationId: '', members: [], count: 1, suppressed: 0 }) satisfies Alert;

type Step =
  | { readonly rows: readonly number[]; readonly link: number }
  | { readonly finding: number; readonly link: number; readonly long: boolean }
  | { readonly watermark: number; readonly link: number; readonly times: number }
  | { readonly drain: readonly number[] }
  | 'barrier'
  | 'flush';

/** Where a row goes: shard and slot there. */
function placesOf(link: Link, slot: number): [shard: number, slot: number][] {
  if (link.to.kind === 'sink') return [[0, slot]];
  const shardOf = (of: number) => names.shardOf[of >>> 6]!;
  if (link.route === 'series') return [[shardOf(slot), slot]];
  if (link.route === 'all') return Array.from({ length: SHARDS }, (_, shard) => [shard, slot]);
  const { node } = link.targets[0]!;
  const derive = registry.operators.find(({ name }) => name === plan.operators[node]!.spec.type)!.series?.({});
  const text = names.text(slot);
  const derived = derive?.(makeSeries(text), 0) ?? [{ series: makeSeries('o'), member: text }];
  return derived.map(({ series, member }) => {
    const partition = partitionOf(seriesText(series.name, series.labels), plan.partitions);
    const found = [...names.all().members].find(([at, group, text_, of]) => of === node && text_ === member && names.text(group) === seriesText(series.name, series.labels) && at >= 0)!;
    return [plan.owner[partition]!, found[0]];
  });
}

await t.test('of every kind of link: each channel brings all that is for it, in the order in which it was sent, however little room there is', (t) => {
  const wires = plan.wires.filter(({ from }) => from === plan.operators[0]!.actor);
  t.same(new Set(wires.flatMap((wire) => wire.links.map((id) => plan.links[id]!.route))), new Set(['series', 'group', 'all', 'one']));
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ rows: fc.oneof({ weight: 5, arbitrary: fc.array(fc.nat(11), { maxLength: 60 }) }, { weight: 1, arbitrary: fc.array(fc.nat(11), { minLength: BATCH_ROWS - 30, maxLength: 2 * BATCH_ROWS }) }), link: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ finding: fc.nat(11), link: fc.nat(9), long: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ watermark: fc.oneof(fc.integer(), fc.constantFrom(Infinity, -Infinity)), link: fc.nat(9), times: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 200, max: 600 }) }) }) },
    { weight: 3, arbitrary: fc.record({ drain: fc.array(fc.nat(3), { minLength: SHARDS, maxLength: SHARDS }) }) },
    { weight: 1, arbitrary: fc.constant('barrier' as const) },
    { weight: 2, arbitrary: fc.constant('flush' as const) },
  );
  for (const wire of wires) {
    const links = wire.links.map((id) => plan.links[id]!);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(1, 2, 8), (steps, frames) => {
        const shape = { columns: wire.columns, frames };
        const signals = { sender: new Signal(), receiver: new Signal() };
        const count = wire.to.kind === 'sink' ? 1 : SHARDS;
        const channels = Array.from({ length: count }, () => new Channel(new ArrayBuffer(channelBytes(shape)), shape, signals.sender, signals.receiver));
        const outlet = new Outlet(wire, channels, names, plan);
        const wanted: string[][] = channels.map(() => []);
        const got: string[][] = channels.map(() => []);
        let number = 0;

        const take = (c: number, most: number): void => {
          const channel = channels[c]!;
          for (let n = 0; n < most; n++) {
            const frame = channel.peek();
            if (frame === undefined) return;
            if (frame.kind === MessageKind.findings) {
              const bytes = channel.collect(frame);
              for (const one of bytes === undefined ? [] : findingsOf(bytes)) got[c]!.push(`${frame.link} finding ${one.explanation}`);
            } else if (frame.kind === MessageKind.rows) {
              const columns = plan.links[frame.link]!.columns;
              const rows = frame.batch(columns);
              for (let i = 0; i < rows.length; i++) got[c]!.push(`${frame.link} row ${rows.time[i]} ${rows.slot[i]} ${rows.value[i]} ${rows.flags[i]} ${columns.map((name) => rows.columns[name]![i]).join(' ')}`);
            } else if (frame.kind === MessageKind.watermark) {
              got[c]!.push(`${frame.link} watermark ${frame.number}`);
            } else got[c]!.push(frame.kind === MessageKind.barrier ? `barrier ${frame.number}` : 'end');
            channel.release();
          }
        };

        for (const each of steps) {
          // Who sends asks first whether there is credit for what waits; what one message gives may be any number of frames.
          if (each === 'flush') outlet.flush();
          else if (each === 'barrier') {
            outlet.barrier(number);
            for (const mail of wanted) mail.push(`barrier ${number}`);
          } else if ('drain' in each) for (const c of channels.keys()) take(c, each.drain[c]!);
          else {
            const link = links[each.link % links.length]!;
            if ('rows' in each) {
              const batch = allocateBatch(link.columns, each.rows.length + 1);
              for (const which of each.rows) {
                const i = batch.length++;
                batch.time[i] = number;
                batch.slot[i] = slots[which]!;
                batch.value[i] = number / 2;
                batch.flags[i] = number & 0xff;
                for (const [k, name] of link.columns.entries()) batch.columns[name]![i] = number + k;
                number += 1;
              }
              outlet.rows(link, batch);
              for (let i = 0; i < batch.length; i++) {
                for (const [shard, slot] of placesOf(link, batch.slot[i]!)) wanted[shard]!.push(`${link.id} row ${batch.time[i]} ${slot} ${batch.value[i]} ${batch.flags[i]} ${link.columns.map((name) => batch.columns[name]![i]).join(' ')}`);
              }
            } else if ('finding' in each) {
              const one = finding(`s${each.finding}`, `${number++} ${'x'.repeat(each.long ? 70_000 : 0)}`);
              outlet.finding(link, one);
              const home = link.route === 'series' ? one.series : plan.operators[link.to.index]?.spec.name;
              const to = link.to.kind === 'sink' ? [0] : link.route === 'all' ? [...channels.keys()] : [plan.owner[partitionOf(home!, plan.partitions)]!];
              for (const shard of to) wanted[shard]!.push(`${link.id} finding ${one.explanation}`);
            } else {
              // More than a frame has room for.
              for (let n = 0; n < each.times; n++) {
                outlet.watermark(link, each.watermark + n);
                for (const mail of wanted) mail.push(`${link.id} watermark ${each.watermark + n}`);
              }
            }
          }
          if (channels.some((channel) => channel.fill > frames)) return false;
        }
        outlet.end();
        for (const mail of wanted) mail.push('end');
        for (let tries = 0; tries < 1e4; tries++) {
          outlet.flush();
          for (const c of channels.keys()) take(c, frames);
          if (!outlet.blocked && channels.every((channel) => channel.fill === 0)) break;
        }
        for (const c of channels.keys()) {
          const at = wanted[c]!.findIndex((line, i) => got[c]![i] !== line);
          if (at >= 0 || got[c]!.length !== wanted[c]!.length) throw new Error(`channel ${c}, message ${at}: ${got[c]![at]?.slice(0, 80)} instead of ${wanted[c]![at]?.slice(0, 80)}`);
        }
        return true;
      }),
      { numRuns: 60, endOnFailure: true },
    );
  }
  t.end();
});

await t.test('it says when it is blocked, and how full it is', (t) => {
  const wire = plan.wires.find(({ from, to }) => from === plan.operators[0]!.actor && to.kind === 'sink')!;
  const link = plan.links[wire.links[0]!]!;
  const shape = { columns: wire.columns, frames: 4 };
  const sender = new Signal();
  const channel = new Channel(new ArrayBuffer(channelBytes(shape)), shape, sender, new Signal());
  const outlet = new Outlet(wire, [channel], names, plan);
  const batch = allocateBatch(link.columns);
  batch.length = BATCH_ROWS;
  for (let n = 0; n < 4; n++) outlet.rows(link, batch);
  t.same([outlet.blocked, outlet.fill], [false, 1]);
  outlet.rows(link, batch);
  t.same([outlet.blocked, channel.fill], [true, 4]);
  const rings = sender.rings();
  channel.peek();
  channel.release();
  t.not(sender.rings(), rings, 'a sender that waits is rung');
  outlet.flush();
  t.same([outlet.blocked, channel.fill], [false, 4]);
  t.end();
});
