import { HttpError, type Routes } from '../engine/routes.js';
import type { NodeStatus, RuntimeStatus } from '../engine/status.js';
import { addEndpoint } from './endpoint.js';
import { OPENMETRICS, openMetricsText } from './openmetrics.js';
import { problem } from './problem.js';
import type { ProcessMetrics } from './process-metrics.js';
import { iso, type Reader } from './reader.js';
import type { RuntimeView } from './runtime-view.js';
import { healthBody, systemHealthBody } from './schemas.js';

/** Names of the parts of the system in /api/system-health, by the type of operator that does the work. */
const parts = { anomaly_detection: 'detect', slo_monitoring: 'burn-rate', alert_correlation: 'correlate', capacity_planning: 'forecast' } as const;

/** How the process is: for people (`/health`), for what supervises it (`/healthz`, `/readyz`) and for Prometheus (`/metrics`). */
export function addHealthRoutes(routes: Routes, reader: Reader, current: () => RuntimeView | undefined, processMetrics: ProcessMetrics, version: string): void {
  routes.route('GET', '/healthz', () => ({ status: 200, body: 'ok\n' }), { description: { summary: 'Whether the process lives' } });

  routes.route(
    'GET',
    '/readyz',
    () => {
      const status = current()?.status();
      if (status?.ready === true) return { status: 200, body: 'ready\n' };
      return problem(new HttpError(503, 'Service Unavailable', `The graph is ${status?.state ?? 'starting'}.`, { headers: { 'retry-after': '1' } }));
    },
    { description: { summary: 'Whether sources are read and sinks are open; 503 while not' } },
  );

  routes.route(
    'GET',
    '/health',
    () => {
      const status = reader.view.status();
      const body = health(status, version);
      return { status: body.status === 'down' ? 503 : 200, body };
    },
    { description: { summary: 'State of the graph, its components, shards and checkpoints; 503 when it is down', answer: healthBody } },
  );

  routes.route(
    'GET',
    '/metrics',
    () => ({ status: 200, headers: { 'content-type': OPENMETRICS }, body: openMetricsText([...(current()?.metrics() ?? []), ...processMetrics.families()]) }),
    { description: { summary: 'Metrics of the engine and the process as OpenMetrics text' } },
  );

  addEndpoint(routes, {
    path: '/api/system-health',
    summary: 'Which parts of the system are at work; inactive where the graph has no such operator or does not run',
    body: systemHealthBody,
    answer: () => {
      const status = reader.view.status();
      const running = status.state === 'running' || status.state === 'draining';
      const part = (type: string) => ({ status: running && status.nodes.some((node) => node.kind === 'operator' && node.type === type && node.health !== 'down') ? ('active' as const) : ('inactive' as const) });
      return {
        overall_status: systemStatus(overallOf(status)),
        components: {
          anomaly_detection: part(parts.anomaly_detection),
          slo_monitoring: part(parts.slo_monitoring),
          alert_correlation: part(parts.alert_correlation),
          capacity_planning: part(parts.capacity_planning),
        },
      };
    },
  });
}

function overallOf({ state, nodes, checkpointFailure }: RuntimeStatus): 'ok' | 'degraded' | 'starting' | 'stopping' | 'down' {
  switch (state) {
    case 'running':
      return checkpointFailure === undefined && nodes.every((node) => node.health === 'ok') ? 'ok' : 'degraded';
    case 'restarting':
      return 'degraded';
    case 'starting':
      return 'starting';
    case 'draining':
    case 'stopped':
      return 'stopping';
    case 'failed':
      return 'down';
    default:
      return state satisfies never;
  }
}

function systemStatus(overall: ReturnType<typeof overallOf>): 'healthy' | 'degraded' | 'unhealthy' {
  if (overall === 'ok') return 'healthy';
  return overall === 'down' ? 'unhealthy' : 'degraded';
}

function health(status: RuntimeStatus, version: string) {
  const { state, ready, startedAt, restarts, nodes, shards, checkpoint, checkpointFailure, failures } = status;
  return {
    status: overallOf(status),
    state,
    ready,
    version,
    started_at: iso(startedAt),
    restarts,
    components: nodes.map(component),
    shards,
    ...(checkpoint === undefined ? {} : { checkpoint: { ...checkpoint, at: iso(checkpoint.at) } }),
    ...(checkpointFailure === undefined ? {} : { checkpoint_failure: { since: iso(checkpointFailure.since), message: checkpointFailure.message } }),
    failures: failures.map((failure) => ({ ...failure, at: iso(failure.at) })),
  };
}

function component({ name, type, kind, health: status, detail, rowsIn, rowsOut, findingsOut, late, watermark }: NodeStatus) {
  return {
    name,
    type,
    kind,
    status,
    ...(detail === undefined ? {} : { detail }),
    rows_in: rowsIn,
    rows_out: rowsOut,
    findings: findingsOut,
    late,
    ...(watermark === undefined ? {} : { watermark: iso(watermark) }),
  };
}
