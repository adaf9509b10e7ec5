import { HttpError, type HttpRequest, type HttpResponse, type Routes } from '../../engine/routes.js';
import type { Problem } from '../payload/decoding.js';
import { PRECISIONS, precisionOf } from '../payload/precision.js';
import type { Posts } from './posts.js';

/** Characters of a refused line that an answer quotes. */
const QUOTED = 200;

/** An error as one of the two versions of the API words it. */
type Wording = (status: number, message: string, line?: number) => Pick<HttpResponse, 'headers' | 'body'>;

/** Version 1 tells errors in a header too: some clients read only that. */
const version1: Wording = (_, message) => ({ headers: { 'x-influxdb-error': headerText(message) }, body: { error: message } });

const CODES: Readonly<Record<number, string>> = { 400: 'invalid', 413: 'request too large', 415: 'unsupported media type', 429: 'too many requests', 503: 'unavailable' };

const version2: Wording = (status, message, line) => ({ body: { code: CODES[status] ?? 'internal error', message, ...(line !== undefined && { line }) } });

/** What `/ping` says is there. */
const VERSION_HEADERS = { 'x-influxdb-version': 'millrace', 'x-influxdb-build': 'millrace' };

/**
 * The write endpoints of InfluxDB, as its clients and agents use them: `/write` of version 1, `/api/v2/write` of version 2,
 * and `/ping`, which they ask first. Line protocol whatever the Content-Type says.
 */
export function addInfluxRoutes(routes: Routes, posts: Posts, bodyLimit: number): void {
  const answers = 'Samples in InfluxDB line protocol; 204 once all are in the log on disk, 400 naming the first bad line when some were left out';
  routes.route('POST', '/write', (request) => write(posts, request, version1), { bodyLimit, description: { summary: `${answers} (InfluxDB 1)`, status: 204 } });
  routes.route('POST', '/api/v2/write', (request) => write(posts, request, version2), { bodyLimit, description: { summary: `${answers} (InfluxDB 2)`, status: 204 } });
  routes.route('GET', '/ping', () => ({ status: 204, headers: VERSION_HEADERS }), { description: { summary: 'Whether the write endpoints of InfluxDB are there', status: 204 } });
}

async function write(posts: Posts, request: HttpRequest, wording: Wording): Promise<HttpResponse> {
  try {
    const asked = request.query.get('precision') || 'ns';
    const precision = precisionOf(asked);
    if (precision === undefined) throw new HttpError(400, '', `invalid precision ${JSON.stringify(asked.slice(0, 20))}: use ${PRECISIONS.join(', ')}`);
    const body = await request.body();
    const { accepted, problems } = await posts.take('influx', precision, request, body);
    const [first] = problems;
    if (first === undefined) return { status: 204 };
    const refused = unparsed(first, body);
    return { status: 400, ...wording(400, accepted === 0 ? refused : `partial write: ${refused} dropped=${problems.length}`, first.line) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const { headers, body } = wording(error.status, error.detail);
    return { status: error.status, headers: { ...error.headers, ...headers }, body: body! };
  }
}

function unparsed({ reason, line, offset, from, to }: Problem, body: Uint8Array): string {
  const text = new TextDecoder().decode(body.subarray(from, Math.min(to, from + 4 * QUOTED)));
  return `unable to parse '${text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text}': ${reason} (line ${line}, byte ${offset - from})`;
}

/** A header takes printable ASCII. */
function headerText(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?');
}
