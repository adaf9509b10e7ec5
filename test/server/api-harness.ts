import { pino } from 'pino';
import type { Test } from 'tap';
import type { Board, LatestRow } from '../../engine/board.js';
import type { Clock } from '../../engine/clock.js';
import type { History, HistoryRow } from '../../engine/connector.js';
import type { StoredLetter } from '../../engine/dead-letter-files.js';
import type { FeedbackBook } from '../../engine/feedback.js';
import type { Alert, Anomaly, Burn, Finding, Forecast } from '../../engine/finding.js';
import type { Resubmission } from '../../engine/resubmission-file.js';
import type { Plan } from '../../engine/plan.js';
import type { NodeStatus, RuntimeStatus } from '../../engine/status.js';
import type { RuntimeView } from '../../server/runtime-view.js';
import { startServer, type Server } from '../../server/serve.js';
import { ask, type Reply } from './raw-client.js';

export const NOW = Date.UTC(2024, 0, 15, 12);
const clock: Clock = { now: () => NOW, elapsed: () => 0 };

/** A store or a live sink of fixed contents. */
export class Memory implements History, Board {
  found: Finding[] = [];
  kept: Record<string, HistoryRow[]> = {};
  broken = false;
  readonly asked: unknown[] = [];

  get history(): History {
    return this;
  }
  latest({ node, limit }: { node?: string; limit: number }): LatestRow[] {
    return (this.kept[node!] ?? []).map((row) => ({ node: node!, ...row })).slice(0, limit);
  }
  open(kind: string): Finding[] {
    return this.found.filter((finding) => finding.kind === kind && finding.state !== 'closed');
  }
  nodes(): Promise<readonly string[]> {
    return this.broken ? Promise.reject(new Error('the disk is gone')) : Promise.resolve(Object.keys(this.kept));
  }
  rows(query: Parameters<History['rows']>[0]): Promise<readonly HistoryRow[]> {
    this.asked.push(query);
    const { node, from, to, limit } = query;
    return Promise.resolve(this.kept[node]!.filter(({ time }) => time >= from && time <= to).slice(0, limit));
  }
  findings({ kind, from, to, metric, id, limit }: Parameters<History['findings']>[0]): Promise<readonly Finding[]> {
    if (this.broken) return Promise.reject(new Error('the disk is gone'));
    const found = this.found.filter((finding) => (kind === undefined || finding.kind === kind) && finding.openedAt >= from && finding.openedAt <= to && (metric === undefined || finding.metric === metric) && (id === undefined || finding.id === id));
    return Promise.resolve(found.sort((a, b) => b.openedAt - a.openedAt).slice(0, limit));
  }
}

/** A graph that runs nothing: what it says is set by the test. */
export class FakeRuntime implements RuntimeView {
  state: RuntimeStatus['state'] = 'running';
  nodeStatus: NodeStatus[] = [];
  stores: Memory[] = [];
  lives: Memory[] = [];
  letters: StoredLetter[] = [];
  checkpointFailure: RuntimeStatus['checkpointFailure'];
  /** Sources of findings that its operators read. */
  reads: string[] = [];
  planned: { name: string; type: string; config?: unknown }[] = [];

  get plan(): Plan {
    const spec = ({ name, type, config = {} }: { name: string; type: string; config?: unknown }) => ({ name, type, from: ['in'], config });
    const operators = this.planned.map((node, index) => ({ spec: spec(node), index, actor: 0, columns: ['score'], inputs: this.reads.map((text) => ({ text, findings: true })) }));
    return { partitions: 64, shards: 2, sources: [{ spec: { name: 'in', type: 'http', from: [], config: { password: 'hunter2' } } }], operators, sinks: [] } as unknown as Plan;
  }
  status(): RuntimeStatus {
    return {
      state: this.state,
      ready: this.state === 'running',
      startedAt: NOW - 60_000,
      restarts: 1,
      nodes: this.nodeStatus,
      shards: [{ index: 0, state: 'running', partitions: 64, series: 7, busy: 0.25, backpressured: 0 }],
      checkpoint: { number: 3, at: NOW - 5_000, bytes: 1_024, ms: 12.5 },
      checkpointFailure: this.checkpointFailure,
      failures: [{ at: NOW - 30_000, node: 'odd', partition: 5, message: 'it broke' }],
    };
  }
  metrics() {
    return [{ name: 'millrace_rows_in', type: 'counter' as const, help: 'Rows.', samples: [{ labels: { node: 'odd' }, value: 5 }] }];
  }
  histories(): History[] {
    return this.stores;
  }
  boards(): Board[] {
    return this.lives;
  }
  readonly resubmitted: [letter: number, edited: string | undefined][] = [];
  /** What a letter that is sent in again meets. */
  resubmitting: () => Promise<Resubmission> = () => Promise.resolve({ state: 'taken', at: NOW });

  resubmit(letter: number, edited: Uint8Array | undefined): Promise<Resubmission> {
    this.resubmitted.push([letter, edited === undefined ? undefined : Buffer.from(edited).toString()]);
    return this.resubmitting();
  }
  book: FeedbackBook | undefined;
  feedback(): FeedbackBook | undefined {
    return this.book;
  }
  ahead(): number {
    return NOW + 1_000;
  }
  deadLetters({ limit = 100 }: { limit?: number }): Promise<readonly StoredLetter[]> {
    return Promise.resolve(this.letters.slice(0, limit));
  }
}

export interface Api {
  readonly runtime: FakeRuntime;
  readonly server: Server;
  readonly logged: { msg: string }[];
  readonly get: (path: string) => Promise<Reply>;
}

export async function startApi(t: Test, attach = true): Promise<Api> {
  const logged: { msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(JSON.parse(line) as { msg: string }) });
  const server = await startServer({ config: { host: '127.0.0.1', port: 0, transport: 'node' }, version: '1.2.3', clock, log, assets: '/nowhere' });
  t.teardown(() => server.close());
  const runtime = new FakeRuntime();
  if (attach) server.attach(runtime);
  logged.length = 0;
  const port = Number(new URL(server.address).port);
  return { runtime, server, logged, get: (path) => ask(port, path) };
}

const base = {
  revision: 1,
  state: 'opened' as const,
  operator: 'odd',
  series: 'cpu_usage{host="a"}',
  metric: 'cpu_usage',
  labels: { host: 'a' },
  openedAt: NOW - 60_000,
  time: NOW - 30_000,
  severity: 'high' as const,
  explanation: 'because',
};

export const anomaly = (more: Partial<Anomaly> = {}): Anomaly => ({ ...base, kind: 'anomaly', id: 'an1', value: 97.2, expected: 45.1, lower: 38, upper: 52.3, score: 0.99, confidence: 0.97, direction: 'up', ...more });
export const alert = (more: Partial<Alert> = {}): Alert => ({ ...base, kind: 'alert', id: 'al1', operator: 'groups', severity: 'critical', correlationId: 'al1', members: ['an1'], count: 1, suppressed: 0, ...more });
export const burn = (more: Partial<Burn> = {}): Burn => ({
  ...base,
  kind: 'burn',
  id: 'bu1',
  operator: 'slos',
  slo: 'api',
  burnRate: 20,
  shortBurnRate: 21,
  threshold: 14.4,
  longMs: 3_600_000,
  shortMs: 300_000,
  compliance: 99,
  target: 99.9,
  budgetRemaining: 50,
  ...more,
});
export const forecast = (more: Partial<Forecast> = {}): Forecast => ({
  ...base,
  kind: 'forecast',
  id: 'fo1',
  operator: 'outlook',
  current: 60,
  predicted: 90,
  lower80: 85,
  upper80: 95,
  lower95: 80,
  upper95: 100,
  horizonMs: 30 * 86_400_000,
  growth: 0.5,
  confidence: 0.8,
  action: 'plan_scale_up',
  ...more,
});
