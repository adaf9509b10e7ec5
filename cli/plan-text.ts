import { registry } from '../config/registry.js';
import type { Link, Plan, PlannedOperator } from '../engine/plan.js';

const n = (value: number): string => value.toLocaleString('en-US');

/** A plan for people: which thread does what, what crosses between them, and what a series costs. */
export function planText(plan: Plan): string {
  const { partitions, shards, maxSeries, operators } = plan;
  const lines: string[] = [];
  const each = Math.ceil(partitions / shards);
  lines.push(`${n(partitions)} partitions on ${shards === 1 ? '1 shard' : `${shards} shards, ${partitions % shards === 0 ? '' : 'at most '}${each} each`}; at most ${n(maxSeries)} series`);
  lines.push('', 'main thread (intake, sinks, HTTP, checkpoints)');
  for (const { spec, live, disorder, local } of plan.sources) {
    if (local === undefined) lines.push(`  reads   ${spec.name} (${spec.type})${live ? ', live' : ''}${disorder > 0 ? `, ${n(disorder)} ms out of order` : ''}`);
  }
  for (const { spec, ordered } of plan.sinks) lines.push(`  writes  ${spec.name} (${spec.type})${ordered ? ', in order of time and series' : ''} <- ${spec.from.join(', ')}`);
  lines.push('', shards === 1 ? 'shard 0 (a worker thread)' : `shards 0 to ${shards - 1} (worker threads), each with its partitions of`);
  if (plan.actors.length === 0) lines.push('  nothing: there is no operator');
  for (const actor of plan.actors) {
    const local = plan.sources.find((source) => source.local === actor.id);
    lines.push(`  chain ${actor.id}${local === undefined ? '' : `, reads ${local.spec.name} (${local.spec.type}) itself`}`);
    for (const index of actor.nodes) lines.push(`    ${operatorText(operators[index]!)}`);
  }
  const trained = operators.filter(({ spec }) => Object.keys(registry.operators.find(({ name }) => name === spec.type)?.tasks ?? {}).length > 0);
  if (trained.length > 0) lines.push('', 'training thread', `  models of ${trained.map(({ spec }) => spec.name).join(', ')}, at a low priority`);
  lines.push('', 'links between threads');
  for (const wire of plan.wires) {
    const from = wire.from === undefined ? 'intake' : `chain ${wire.from}`;
    const to = wire.to.kind === 'sink' ? plan.sinks[wire.to.index]!.spec.name : `chain ${wire.to.index}`;
    lines.push(`  ${from} -> ${to}: ${wire.links.map((id) => linkText(plan.links[id]!, plan)).join('; ')}`);
  }
  const bytes = operators.reduce((sum, { bytesPerSeries }) => sum + bytesPerSeries, 0);
  lines.push('', `state: at most ${n(bytes)} bytes a series that passes every operator; 10,000 such series take ${megabytes(bytes * 10_000)}`);
  return `${lines.join('\n')}\n`;
}

function operatorText({ spec, route, columns, inputs, delay, bytesPerSeries }: PlannedOperator): string {
  const reads = inputs.map(({ text, kind }) => (kind === 'fused' ? text : `${text} (${kind})`)).join(', ');
  const facts = [
    ...(route === 'series' ? [] : [routes[route]]),
    ...(columns === undefined || columns.length === 0 ? [] : [`+ ${columns.join(', ')}`]),
    ...(delay > 0 ? [`${n(delay)} ms behind the watermark`] : []),
    `${n(bytesPerSeries)} bytes a series`,
  ];
  return `${spec.name} (${spec.type}) <- ${reads}; ${facts.join('; ')}`;
}

const routes = { group: 'by group', all: 'on all shards', one: 'on one shard' } as const;

function linkText({ from, outlet, route, to, targets }: Link, plan: Plan): string {
  const name = from.kind === 'source' ? plan.sources[from.index]!.spec.name : plan.operators[from.index]!.spec.name;
  const whole = `${name}${outlet === 'late' ? '.late' : ''}`;
  if (to.kind === 'sink') return whole;
  const readers = targets.map(({ node }) => plan.operators[node]!.spec.name).join(', ');
  return `${whole} for ${readers}, ${route === 'series' ? 'by series' : routes[route]}`;
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${n(Math.ceil(bytes / 1e3))} kB` : `${n(Math.round(bytes / 1e5) / 10)} MB`;
}
