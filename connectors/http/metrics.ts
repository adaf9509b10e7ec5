import { z } from 'zod';
import { HttpError, type HttpRequest, type HttpResponse, type Routes } from '../../engine/routes.js';
import { formatDuration } from '../../engine/scalars.js';
import { payloadKind } from '../payload/kind.js';
import { PRECISIONS, precisionOf, type Precision } from '../payload/precision.js';
import type { NewPost } from './post.js';
import { SLI_PATH, type Posts } from './posts.js';

/** Refused samples that an answer lists; the rest is counted. */
const LISTED = 100;

const acceptedSchema = z.object({
  accepted: z.number().int().describe('samples that are in the log on disk now'),
  rejected: z
    .array(
      z.object({
        index: z.number().int().optional().describe('index in the array that was posted'),
        line: z.number().int().describe('line of the text that was posted, from 1'),
        offset: z.number().int().describe('byte of the body where it goes wrong'),
        reason: z.string(),
      }),
    )
    .optional()
    .describe('the first of those refused; they are dead letters'),
  rejected_count: z.number().int().optional(),
  warnings: z.array(z.string()).optional(),
});

/** Millrace's own endpoints: samples in any form at `/api/metrics`, measurements of SLIs as JSON at `/api/sli-measurements`. */
export function addMetricRoutes(routes: Routes, posts: Posts, limits: { bodyLimit: number; retention: number }): void {
  const { bodyLimit, retention } = limits;
  const description = (what: string) => ({ summary: `${what}; 202 once they are in the log on disk`, answer: acceptedSchema, status: 202 });
  routes.route(
    'POST',
    '/api/metrics',
    async (request) => {
      const body = await request.body();
      const form = payloadKind(request.headers['content-type'], body) ?? 'json';
      return take(posts, form, form === 'influx' ? precisionAsked(request) : 'ns', request, body, retention);
    },
    { bodyLimit, description: description('Samples as JSON, NDJSON, line protocol, Prometheus text or a columnar frame') },
  );
  routes.route('POST', SLI_PATH, async (request) => take(posts, 'sli', 'ns', request, await request.body(), retention), {
    bodyLimit,
    description: description('Measurements of SLIs as JSON'),
  });
}

function precisionAsked({ query }: HttpRequest): Precision {
  const asked = query.get('precision') ?? 'ns';
  const precision = precisionOf(asked);
  if (precision === undefined) throw new HttpError(400, 'Unknown precision', `precision=${asked.slice(0, 20)} is none of ${PRECISIONS.join(', ')}.`);
  return precision;
}

async function take(posts: Posts, form: NewPost['form'], precision: Precision, request: HttpRequest, body: Uint8Array, retention: number): Promise<HttpResponse> {
  const { accepted, problems, skipped, unknown, old } = await posts.take(form, precision, request, body);
  const [first] = problems;
  const refused = first === undefined ? {} : { rejected: problems.slice(0, LISTED).map(({ index, line, offset, reason }) => ({ ...(index !== undefined && { index }), line, offset, reason })), rejected_count: problems.length };
  if (accepted === 0 && first !== undefined) {
    const all = problems.length === 1 ? '' : `All ${problems.length} samples and lines are refused; the first, at line ${first.line}: `;
    throw new HttpError(400, 'No sample can be accepted', `${all}${first.reason}`, { members: refused });
  }
  const warnings: string[] = [];
  if (skipped > 0) warnings.push(`${skipped} string fields are skipped: they are no samples`);
  if (unknown.length > 0) warnings.push(`members that samples don't have are ignored: ${unknown.join(', ')}`);
  if (old) warnings.push(`samples older than ${formatDuration(retention)} are followed, but the history does not keep them`);
  return { status: 202, body: { accepted, ...refused, ...(warnings.length > 0 && { warnings }) } };
}
