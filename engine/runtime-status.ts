import type { CheckpointDone } from './checkpoint.js';
import type { ConnectorHealth } from './connector.js';
import type { Plan } from './plan.js';
import type { Run } from './run.js';
import { NodeField, ShardField, statsOfSource } from './stats.js';
import type { MetricFamily, NodeStatus, RuntimeStatus, ShardStatus } from './status.js';

const WELL: ConnectorHealth = { status: 'ok' };

interface Around {
  readonly state: RuntimeStatus['state'];
  readonly startedAt: number;
  readonly restarts: number;
  readonly failures: RuntimeStatus['failures'];
  readonly checkpoint?: CheckpointDone;
  readonly checkpointFailure?: NonNullable<RuntimeStatus['checkpointFailure']>;
}

/** A run's state as plain data, for /health and the CLI. */
export function describeStatus(plan: Plan, run: Run | undefined, around: Around): RuntimeStatus {
  return {
    ...around,
    ready: around.state === 'running',
    nodes: [...sourceStatus(plan, run), ...operatorStatus(plan, run), ...sinkStatus(plan, run)],
    shards: shardStatus(plan, run, around.state === 'running'),
  };
}

function watermark(time: number): { watermark?: number } {
  return Number.isFinite(time) ? { watermark: time } : {};
}

function sourceStatus(plan: Plan, run: Run | undefined): NodeStatus[] {
  const live = new Map(run?.intake?.status().map((s) => [s.name, s]));
  return plan.sources.map(({ spec }, index) => {
    const status = live.get(spec.name);
    const waitsFor = status?.waitsFor ?? [];
    const { status: health, detail = waitsFor.length > 0 ? `waits for ${waitsFor.join(', ')}` : status?.idle === true ? 'idle' : status?.ended === true ? 'ended' : undefined } = run?.sources.get(index)?.health?.() ?? WELL;
    return { name: spec.name, type: spec.type, kind: 'source', health, ...(detail === undefined ? {} : { detail }), rowsIn: 0, rowsOut: (status?.rows ?? 0) + sum(plan, run, statsOfSource(plan, index), NodeField.rowsOut), findingsOut: 0, late: 0, ...watermark(status?.watermark ?? NaN) };
  });
}

function sum(plan: Plan, run: Run | undefined, node: number, field: NodeField): number {
  let total = 0;
  for (let shard = 0; shard < plan.shards; shard++) total += run?.stats.ofNode(shard, node, field) ?? 0;
  return total;
}

function operatorStatus(plan: Plan, run: Run | undefined): NodeStatus[] {
  return plan.operators.map(({ spec, index }) => {
    let least = Infinity;
    for (let shard = 0; shard < plan.shards; shard++) least = Math.min(least, run?.stats.ofNode(shard, index, NodeField.watermark) ?? Infinity);
    return {
      name: spec.name,
      type: spec.type,
      kind: 'operator',
      health: 'ok',
      rowsIn: sum(plan, run, index, NodeField.rowsIn),
      rowsOut: sum(plan, run, index, NodeField.rowsOut),
      findingsOut: sum(plan, run, index, NodeField.findings),
      late: sum(plan, run, index, NodeField.late) + sum(plan, run, index, NodeField.ahead),
      ...watermark(least === 0 ? NaN : least),
    };
  });
}

function sinkStatus(plan: Plan, run: Run | undefined): NodeStatus[] {
  return plan.sinks.map(({ spec }, i) => {
    const pump = run?.pumps[i];
    const health = run?.sinks.get(spec.name)?.health?.() ?? WELL;
    return {
      name: spec.name,
      type: spec.type,
      kind: 'sink',
      health: health.status,
      ...(health.detail === undefined ? {} : { detail: health.detail }),
      rowsIn: pump?.rows ?? 0,
      rowsOut: 0,
      findingsOut: pump?.findings ?? 0,
      late: 0,
      ...watermark(pump?.watermark ?? NaN),
    };
  });
}

function shardStatus(plan: Plan, run: Run | undefined, running: boolean): ShardStatus[] {
  return Array.from({ length: plan.actors.length === 0 ? 0 : plan.shards }, (_, index) => {
    const of = (field: ShardField) => run?.stats.ofShard(index, field) ?? 0;
    const all = of(ShardField.busyMs) + of(ShardField.idleMs) + of(ShardField.blockedMs);
    const share = (ms: number) => (all === 0 ? 0 : ms / all);
    return {
      index,
      state: running ? 'running' : 'stopped',
      partitions: plan.owner.filter((owner) => owner === index).length,
      series: run?.directory.live ?? 0,
      busy: share(of(ShardField.busyMs)),
      backpressured: share(of(ShardField.blockedMs)),
    };
  });
}

/** The engine's own metrics, all `millrace_*`. */
export function describeMetrics(plan: Plan, run: Run | undefined, counts: ReadonlyMap<string, ReadonlyMap<string, number>>, around: { restarts: number; checkpoint: CheckpointDone | undefined }): MetricFamily[] {
  const nodes = run === undefined ? [] : [...sourceStatus(plan, run), ...operatorStatus(plan, run), ...sinkStatus(plan, run)];
  const byNode = (pick: (node: NodeStatus) => number) => nodes.map((node) => ({ labels: { node: node.name, type: node.type }, value: pick(node) }));
  const shards = Array.from({ length: plan.actors.length === 0 ? 0 : plan.shards }, (_, shard) => shard);
  const shardTimes = (['busy', 'idle', 'backpressured'] as const).flatMap((state, i) => shards.map((shard) => ({ labels: { shard: String(shard), state }, value: (run?.stats.ofShard(shard, [ShardField.busyMs, ShardField.idleMs, ShardField.blockedMs][i]!) ?? 0) / 1000 })));
  const now = Math.max(0, ...nodes.map((n) => n.watermark ?? 0));
  const dropped = plan.operators.flatMap(({ spec, index }) => [
    { labels: { node: spec.name, reason: 'late' }, value: sum(plan, run, index, NodeField.late) },
    { labels: { node: spec.name, reason: 'ahead' }, value: sum(plan, run, index, NodeField.ahead) },
  ]);
  return [
    { name: 'millrace_rows_in', type: 'counter', help: 'Rows taken by each node.', samples: byNode((n) => n.rowsIn) },
    { name: 'millrace_rows_out', type: 'counter', help: 'Rows given by each node.', samples: byNode((n) => n.rowsOut) },
    { name: 'millrace_findings', type: 'counter', help: 'Findings given by each node, or written by each sink.', samples: byNode((n) => n.findingsOut) },
    { name: 'millrace_findings_capped', type: 'counter', help: 'New findings left out in a storm: more than a partition may have in a minute.', samples: plan.operators.map(({ spec, index }) => ({ labels: { node: spec.name }, value: sum(plan, run, index, NodeField.capped) })) },
    { name: 'millrace_late_rows', type: 'counter', help: 'Rows handed to the late output, by reason.', samples: dropped },
    { name: 'millrace_unaligned_rows', type: 'counter', help: 'Rows, too late or too early by one input of a node, that did not wait for the others, as too many did.', samples: plan.operators.map(({ spec, index }) => ({ labels: { node: spec.name }, value: sum(plan, run, index, NodeField.unaligned) })) },
    { name: 'millrace_shard_time', type: 'counter', unit: 'seconds', help: 'Time of each shard by what it did.', samples: shardTimes },
    { name: 'millrace_shard_longest_turn', type: 'gauge', unit: 'seconds', help: 'The longest turn since the start.', samples: shards.map((shard) => ({ labels: { shard: String(shard) }, value: (run?.stats.ofShard(shard, ShardField.longestTurnMs) ?? 0) / 1000 })) },
    { name: 'millrace_watermark_lag', type: 'gauge', unit: 'seconds', help: 'How far each watermark is behind the furthest.', samples: nodes.flatMap((n) => (n.watermark === undefined ? [] : [{ labels: { node: n.name }, value: (now - n.watermark) / 1000 }])) },
    { name: 'millrace_queue_fill', type: 'gauge', help: 'Share of frames in use of the fullest channel to each sink, 0 to 1.', samples: (run?.pumps ?? []).map((pump) => ({ labels: { node: pump.name }, value: pump.fill })) },
    { name: 'millrace_series', type: 'gauge', help: 'Series that have slots.', samples: [{ labels: {}, value: run?.directory.live ?? 0 }] },
    { name: 'millrace_series_refused', type: 'counter', help: 'Samples refused because there are too many series.', samples: [{ labels: {}, value: run?.directory.refused ?? 0 }] },
    { name: 'millrace_connector', type: 'counter', help: 'What connectors count: dropped, refused, retried.', samples: [...counts].flatMap(([node, whats]) => [...whats].map(([what, value]) => ({ labels: { node, what }, value }))) },
    { name: 'millrace_restarts', type: 'counter', help: 'Restarts of the graph after a crash.', samples: [{ labels: {}, value: around.restarts }] },
    ...(around.checkpoint === undefined
      ? []
      : ([
          { name: 'millrace_checkpoint_timestamp', type: 'gauge', unit: 'seconds', help: 'When the last checkpoint was complete, since the epoch.', samples: [{ labels: {}, value: around.checkpoint.at / 1000 }] },
          { name: 'millrace_checkpoint_duration', type: 'gauge', unit: 'seconds', help: 'How long the last checkpoint took.', samples: [{ labels: {}, value: around.checkpoint.ms / 1000 }] },
          { name: 'millrace_checkpoint_size', type: 'gauge', unit: 'bytes', help: 'Bytes written by the last checkpoint.', samples: [{ labels: {}, value: around.checkpoint.bytes }] },
        ] as const)),
  ];
}
