import { z } from 'zod';
import { defineSource, type ConnectorContext, type DeadLetter, type Intake, type Position, type Reading, type ResubmitAttempt, type Source } from '../../engine/connector.js';
import { duration, size } from '../../engine/scalars.js';
import { addInfluxRoutes } from './influx.js';
import { addMetricRoutes } from './metrics.js';
import { PostDecoder } from './post-decoder.js';
import { Posts } from './posts.js';
import { SampleLog } from './sample-log.js';

const config = z
  .strictObject({
  max_samples: z.int().min(1).default(100_000).describe('samples of one request at most: agents send some thousand lines with ten or twenty fields each'),
  max_body: size().default(8 * 1024 * 1024).describe('size of a request body at most, after decompression'),
  log_size: size()
    .default(256 * 1024 * 1024)
    .describe('bound on the log of accepted samples that no checkpoint covers yet; past it requests are answered 429'),
  disorder: duration().default(5_000).describe('how much out of order samples of different publishers may arrive before they are late for windows'),
  retention: duration()
    .default(30 * 86_400_000)
    .describe("samples older than this are accepted with a warning: the history doesn't keep them. Set it to the store's retention"),
})
  .refine(({ log_size, max_body }) => log_size >= 4 * max_body, { path: ['log_size'], message: 'must be at least four times max_body' });
type HttpConfig = z.output<typeof config>;

class HttpSource implements Source {
  readonly #config: HttpConfig;
  readonly #context: ConnectorContext;
  readonly #log: SampleLog;
  readonly #posts: Posts;

  constructor(config: HttpConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    const decoder = new PostDecoder();
    this.#log = new SampleLog(context, decoder);
    this.#posts = new Posts(context, this.#log, decoder, { most: config.max_samples, retention: config.retention });
  }

  async open(from: Position | undefined): Promise<void> {
    const { routes } = this.#context;
    if (routes === undefined) return;
    const { log_size, max_body: bodyLimit, retention } = this.#config;
    await this.#log.open(log_size, typeof from === 'number' ? from : 0);
    addMetricRoutes(routes, this.#posts, { bodyLimit, retention });
    addInfluxRoutes(routes, this.#posts, bodyLimit);
  }

  async read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading> {
    // Without a server (a replay) nothing can be posted.
    if (!this.#log.isOpen) return { position: this.#log.position, ended: true };
    await this.#log.read(into, limit, signal);
    return { position: this.#log.position };
  }

  commit(position: Position): Promise<void> {
    return this.#log.drop(position as number);
  }

  resubmit(letter: DeadLetter, attempt: ResubmitAttempt): Promise<void> {
    return this.#posts.takeAgain(letter, attempt);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

export const httpSource = defineSource<HttpConfig>({
  name: 'http',
  summary: 'Takes samples posted to /api/metrics, as JSON and other forms, to /api/sli-measurements, and by clients of InfluxDB.',
  description: `\`POST /api/metrics\` takes \`{"metric_name", "value", "timestamp", "labels"}\` or an array of these, \`POST /api/sli-measurements\`
takes \`{"sli_name", "value", "timestamp"}\` or an array, which become the series \`sli_measurement{sli_name="..."}\`.
\`POST /api/metrics\` also takes columnar frames (Content-Type \`application/vnd.millrace.frame\`; docs/columnar-frame.md), each whole or not at all,
and NDJSON, InfluxDB line protocol (\`?precision=\` of its timestamps: ns, us, ms, s, m or h), Prometheus text and OpenMetrics, told apart by
Content-Type, else by the bytes (docs/payloads.md). Bad lines become dead letters and are listed by line, byte offset and reason.

\`POST /write\` and \`POST /api/v2/write\` are the endpoints of InfluxDB 1 and 2: Telegraf and the client libraries write line protocol to them
unchanged, gzip too. They answer 204 when all lines are in the log on disk, and errors in InfluxDB's form (docs/payloads.md).

The answer is 202 with \`{"accepted": n}\` once the samples are in a log on disk: what was answered 202 is processed, exactly once
in the state and the stores, also after a crash. Bad samples of an array become dead letters and are listed in the answer by
index and reason; the others are taken. When none can be taken, it is 400. A sample more than a minute in the future is refused;
an old one is taken. When the log reaches its bound, requests are answered 429 with \`Retry-After\`.`,
  config,
  examples: [
    { title: 'Watch what is posted', yaml: 'sources:\n  posted: { type: http }\noperators:\n  odd: { type: detect, from: posted }\n' },
    { title: 'Large requests and a small disk', yaml: 'sources:\n  posted: { type: http, max_samples: 500000, max_body: 32MiB, log_size: 256MiB }\n' },
  ],
  live: () => true,
  replays: true,
  disorder: ({ disorder }) => disorder,
  create: (parsed, context) => new HttpSource(parsed, context),
});
