import { join } from 'node:path';
import { pino } from 'pino';
import type { LiveSink } from '../../connectors/live/live-sink.js';
import { liveSink } from '../../connectors/live/sink.js';
import { systemClock } from '../../engine/clock.js';
import type { Finding } from '../../engine/finding.js';
import { parseSeries } from '../../engine/series.js';
import { Exchange } from '../../server/exchange.js';
import { Router } from '../../server/router.js';
import { addStatic } from '../../server/static.js';
import { openTransport, type HttpTransport } from '../../server/transport.js';
import { batchOf, sink, stage, type Row } from '../connectors/stage.js';
import { Scenario } from './scenario.js';

const HISTORY_MS = 300_000;

/** The page as the server serves it, over the real protocol, with an invented machine behind it. */
export class PageServer {
  readonly port: number;
  budgets: object = {};
  /** Of its graph. */
  nodes: object[] = [];
  /** What it was told of anomalies, and what it answers. */
  readonly told: string[] = [];
  answer: { status: number; body: object } = { status: 202, body: {} };
  private readonly router: Router;
  private readonly scenario = new Scenario();
  private readonly live: LiveSink;
  private transport: HttpTransport;
  private clockedTo: number;
  private timer: NodeJS.Timeout | undefined;

  private constructor(router: Router, live: LiveSink, transport: HttpTransport, port: number, from: number) {
    this.router = router;
    this.live = live;
    this.transport = transport;
    this.port = port;
    this.clockedTo = from;
    router.route('GET', '/api/slo-compliance', () => ({ status: 200, body: this.budgets }));
    router.route('GET', '/api/graph', () => ({ status: 200, body: { nodes: this.nodes } }));
    for (const method of ['POST', 'DELETE'] as const) {
      router.route(method, '/api/anomalies/:id/feedback', async (request) => {
        this.told.push(`${method} ${request.params['id']} ${Buffer.from(await request.body()).toString()}`);
        return this.answer;
      });
    }
    router.route('GET', '/api/history', ({ query }) => ({ status: 200, body: this.past(query) }));
  }

  /** With rows of so long, as if it had started then, and one more each second. */
  static async start(assets: string, folder: string, { port = 0, since = HISTORY_MS } = {}): Promise<PageServer> {
    const router = new Router();
    if (!(await addStatic(router, assets))) throw new Error(`no dashboard is built in ${assets}`);
    const live = sink(liveSink, {}, stage(join(folder, 'live'), { routes: router, clock: systemClock })) as LiveSink;
    await live.open(undefined);
    const transport = await openNode(router);
    const now = Math.floor(systemClock.now() / 1_000) * 1_000;
    const server = new PageServer(router, live, transport, await transport.listen('127.0.0.1', port), now - since);
    await server.catchUp();
    server.timer = setInterval(() => void server.catchUp(), 250);
    return server;
  }

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async rows(node: string, rows: readonly Row[]): Promise<void> {
    const { batch, names } = batchOf(rows);
    await this.live.write(node, batch, names);
  }

  async findings(...findings: readonly Finding[]): Promise<void> {
    for (const finding of findings) await this.live.receive(finding.operator, finding);
  }

  /** No more rows come, the connection stays. */
  pause(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Takes the server off the network while something is done. What happens meanwhile is missed by nobody who comes back. */
  async vanish(meanwhile: () => Promise<void>): Promise<void> {
    await this.transport.close(0);
    await meanwhile();
    this.transport = await openNode(this.router);
    await this.transport.listen('127.0.0.1', this.port);
  }

  async close(): Promise<void> {
    this.pause();
    await this.transport.close(0);
    await this.live.close();
  }

  private async catchUp(): Promise<void> {
    const now = systemClock.now();
    while (this.clockedTo + 1_000 <= now) {
      this.clockedTo += 1_000;
      for (const [node, rows] of this.scenario.second(this.clockedTo)) await this.rows(node, rows);
    }
  }

  private past(query: URLSearchParams): object {
    const of = (name: string) => Number(query.get(name));
    const step = query.has('buckets') ? (of('to') - of('from')) / of('buckets') : 1_000;
    const past = new Scenario(3);
    const series = new Map<string, { columns: string[]; rows: number[][] }>();
    for (let time = Math.ceil(of('from') / 1_000) * 1_000; time < of('to'); time += step) {
      for (const { series: text, value, columns = {} } of past.second(time).get(query.get('node') ?? '') ?? []) {
        if (parseSeries(text).name !== query.get('metric_name')) continue;
        let found = series.get(text);
        if (found === undefined) series.set(text, (found = { columns: [...Object.keys(columns), 'min', 'max'], rows: [] }));
        found.rows.push([time, value, ...Object.values(columns), value, value]);
      }
    }
    const named = [...series].map(([text, found]) => ({ metric_name: parseSeries(text).name, labels: parseSeries(text).labels, ...found }));
    return { node: query.get('node'), series: named, truncated: false };
  }
}

function openNode(router: Router): Promise<HttpTransport> {
  const log = pino({ level: 'silent' });
  return openTransport('node', new Exchange(router, [], log), log);
}
