import { z } from 'zod';
import { HttpError, type HttpResponse, type Routes } from '../engine/routes.js';

/** A GET of the API: what it is asked, and what it answers. */
export interface Endpoint<Query extends z.ZodObject, Body extends z.ZodType> {
  readonly path: string;
  readonly summary: string;
  readonly query?: Query;
  readonly body: Body;
  answer(query: z.output<Query>): Promise<z.input<Body>> | z.input<Body>;
}

export function addEndpoint<Query extends z.ZodObject, Body extends z.ZodType>(routes: Routes, endpoint: Endpoint<Query, Body>): void {
  const { path, summary, body } = endpoint;
  const query = endpoint.query ?? (z.strictObject({}) as unknown as Query);
  const handler = async ({ query: asked }: { query: URLSearchParams }): Promise<HttpResponse> => ({
    status: 200,
    body: (await endpoint.answer(parseQuery(query, asked))) as object,
  });
  routes.route('GET', path, handler, { description: { summary, answer: body, ...(endpoint.query === undefined ? {} : { query }) } });
}

/** Throws 400 with all that is wrong with a query. */
function parseQuery<Query extends z.ZodObject>(schema: Query, asked: URLSearchParams): z.output<Query> {
  const given: Record<string, string> = {};
  for (const [name, value] of asked) {
    if (name in given) throw badQuery([{ parameter: name, reason: 'is given twice' }]);
    given[name] = value;
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const known = Object.keys(schema.shape);
  throw badQuery(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((parameter) => ({ parameter, reason: `is not known here; there ${known.length === 0 ? 'are none' : `is ${known.join(', ')}`}` }))
        : [{ parameter: issue.path.join('.'), reason: issue.message }],
    ),
  );
}

function badQuery(errors: readonly { parameter: string; reason: string }[]): HttpError {
  const detail = errors.map(({ parameter, reason }) => `${parameter}: ${reason}`).join('; ');
  return new HttpError(400, 'Bad Request', `${detail}.`, { members: { errors } });
}
