import { z } from 'zod';
import { defineSource, type ConnectorContext, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { HttpError, type HttpRequest, type HttpResponse, type RouteDescription } from '../../engine/routes.js';
import { duration, formatDuration, size } from '../../engine/scalars.js';
import { FrameError } from '../payload/frame-error.js';
import { FrameDecoder, type Frame } from '../payload/frame.js';
import { readSample, type Kind, type Sample } from '../payload/json-sample.js';
import { payloadKind } from '../payload/kind.js';
import { precisionOf } from '../payload/line-protocol.js';
import type { TextKind } from '../payload/text-decoders.js';
import { addInfluxRoutes } from './influx.js';
import { acceptedSchema, encodeSamples, originOf } from './messages.js';
import { SampleLog } from './sample-log.js';
import { TextPosts } from './text-posts.js';

/** Refused samples and warnings that an answer lists; the rest is counted. */
const LISTED = 100;

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
  readonly #frames = new FrameDecoder({ dictionaries: 0 });
  readonly #texts: TextPosts;

  constructor(config: HttpConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    this.#log = new SampleLog(context);
    this.#texts = new TextPosts(context, this.#log, config.max_samples, config.retention);
  }

  async open(from: Position | undefined): Promise<void> {
    const { routes } = this.#context;
    if (routes === undefined) return;
    const { log_size: limit, max_body: bodyLimit } = this.#config;
    await this.#log.open(limit, typeof from === 'number' ? from : 0);
    const describe = (what: string): RouteDescription => ({ summary: `${what}; 202 once they are in the log on disk`, answer: acceptedSchema, status: 202 });
    routes.route('POST', '/api/metrics', (request) => this.#accept('metric', request), { bodyLimit, description: describe('Samples as JSON, NDJSON, line protocol, Prometheus text or a columnar frame') });
    routes.route('POST', '/api/sli-measurements', (request) => this.#accept('sli', request), { bodyLimit, description: describe('Measurements of SLIs as JSON') });
    addInfluxRoutes(routes, this.#texts, bodyLimit);
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

  close(): Promise<void> {
    return this.#log.close();
  }

  async #accept(kind: Kind, request: HttpRequest): Promise<HttpResponse> {
    const body = await request.body();
    const form = kind === 'metric' ? payloadKind(request.headers['content-type'], body) : undefined;
    if (form === 'frame') return this.#acceptFrame(request, body);
    if (form !== undefined && form !== 'json') return this.#acceptText(form, request, body);
    const posted = this.#parse(request, body);
    const list: readonly unknown[] = Array.isArray(posted) ? posted : [posted];
    if (list.length > this.#config.max_samples) {
      throw new HttpError(413, 'Too many samples', `The array has ${list.length} samples, at most ${this.#config.max_samples} are taken at once: send several requests.`);
    }
    const now = this.#context.clock.now();
    const samples: Sample[] = [];
    const rejected: { index: number; reason: string }[] = [];
    const warnings: string[] = [];
    for (const [index, each] of list.entries()) {
      const read = readSample(kind, each, now);
      if (typeof read === 'string') {
        rejected.push({ index, reason: read });
        this.#context.deadLetter({ origin: originOf(request), reason: read, payload: JSON.stringify(each) });
        continue;
      }
      samples.push(read.sample);
      if (read.unknown.length > 0) warnings.push(`sample ${index}: unknown ${read.unknown.join(', ')} ignored`);
      if (read.sample.time < now - this.#config.retention) {
        this.#context.count('old');
        warnings.push(`sample ${index} is older than ${formatDuration(this.#config.retention)}: it is followed, but the history does not keep it`);
      }
    }
    if (rejected.length > 0) this.#context.count('rejected', rejected.length);
    const refused = rejected.length === 0 ? {} : { rejected: rejected.slice(0, LISTED), rejected_count: rejected.length };
    if (samples.length === 0 && rejected.length > 0) {
      const [first] = rejected;
      throw new HttpError(400, 'No sample can be accepted', rejected.length === 1 ? first!.reason : `All ${rejected.length} samples are refused; the first: ${first!.reason}`, { members: refused });
    }
    if (samples.length > 0) await this.#log.keep(encodeSamples(samples), samples.length);
    return { status: 202, body: { accepted: samples.length, ...refused, ...(warnings.length > 0 && { warnings: warnings.slice(0, LISTED) }) } };
  }

  /** A frame is taken whole or not at all, and lies in the log as it came. */
  async #acceptFrame(request: HttpRequest, body: Uint8Array): Promise<HttpResponse> {
    const now = this.#context.clock.now();
    let frame: Frame;
    try {
      frame = this.#frames.open(body);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      throw this.#refuseFrame(request, body, error.message, error.offset);
    }
    const { rows, alone, from, to } = frame;
    if (rows > this.#config.max_samples) throw new HttpError(413, 'Too many samples', `The frame has ${rows} samples, at most ${this.#config.max_samples} are taken at once: send smaller frames.`);
    if (!alone) throw this.#refuseFrame(request, body, 'the frame refers to the dictionary of an earlier one; what is posted must be readable by itself: set framesPerDictionary to 1');
    if (to > now + MAX_FUTURE_MS) throw this.#refuseFrame(request, body, `time ${new Date(to).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check the clock of the publisher`);
    if (rows > 0) await this.#log.keep(body, rows);
    if (!(from < now - this.#config.retention)) return { status: 202, body: { accepted: rows } };
    this.#context.count('old');
    return { status: 202, body: { accepted: rows, warnings: [`samples older than ${formatDuration(this.#config.retention)} are followed, but the history does not keep them`] } };
  }

  /** Lines: the bad ones become dead letters, the others are taken. */
  async #acceptText(form: TextKind, request: HttpRequest, body: Uint8Array): Promise<HttpResponse> {
    const asked = request.query.get('precision') ?? 'ns';
    const precision = precisionOf(asked);
    if (precision === undefined) throw new HttpError(400, 'Unknown precision', `precision=${asked.slice(0, 20)} is none of ns, us, ms, s, m and h.`);
    const { accepted, problems, skipped, old } = await this.#texts.take(form, precision, request, body);
    const refused = problems.length === 0 ? {} : { rejected: problems.slice(0, LISTED).map(({ reason, line, offset }) => ({ line, offset, reason })), rejected_count: problems.length };
    if (accepted === 0 && problems.length > 0) {
      throw new HttpError(400, 'No sample can be accepted', `${problems.length === 1 ? 'A line is' : `${problems.length} lines are`} refused and no other has a sample; line ${problems[0]!.line}: ${problems[0]!.reason}`, { members: refused });
    }
    const warnings = skipped > 0 ? [`${skipped} string fields are skipped: they are no samples`] : [];
    if (old) warnings.push(`samples older than ${formatDuration(this.#config.retention)} are followed, but the history does not keep them`);
    return { status: 202, body: { accepted, ...refused, ...(warnings.length > 0 && { warnings }) } };
  }

  #refuseFrame(request: HttpRequest, body: Uint8Array, reason: string, offset?: number): HttpError {
    this.#context.count('rejected');
    this.#context.deadLetter({ origin: originOf(request), reason, ...(offset !== undefined && { offset }), payload: body });
    return new HttpError(400, 'Frame refused', `Nothing of the frame was taken: ${reason}.`);
  }

  #parse(request: HttpRequest, body: Uint8Array): unknown {
    let text = '';
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(body);
      return JSON.parse(text);
    } catch (error) {
      const reason = text === '' && body.length > 0 ? 'the body is not UTF-8' : `the body is not JSON: ${(error as Error).message}`;
      const at = /at position (\d+)/.exec(reason)?.[1];
      this.#context.count('rejected');
      this.#context.deadLetter({
        origin: originOf(request),
        reason,
        ...(at !== undefined && { offset: Buffer.byteLength(text.slice(0, Number(at))) }),
        payload: body,
      });
      throw new HttpError(400, 'Malformed JSON', `${reason}. Send one sample as a JSON object, or an array of them.`);
    }
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
