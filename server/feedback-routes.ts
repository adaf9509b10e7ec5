import { z } from 'zod';
import type { Anomaly, Feedback } from '../engine/finding.js';
import { MAX_FUTURE_MS } from '../engine/limits.js';
import { reference } from '../engine/graph.js';
import { HttpError, type HttpRequest, type Routes } from '../engine/routes.js';
import { iso, type Reader } from './reader.js';
import { feedbackAcceptedBody, feedbackBody, feedbackRequest, feedbackUndoRequest } from './schemas.js';

const PATH = '/api/anomalies/:id/feedback';
/** Bodies are a sentence. */
const BODY_BYTES = 16 * 1024;
const HOW = 'add a source of type feedback, and name it in the `from` of the detectors that are to learn from it';

/** What people say of anomalies. */
export function addFeedbackRoutes(routes: Routes, reader: Reader): void {
  routes.route(
    'GET',
    PATH,
    async ({ params }) => {
      const said = reader.view.feedback()?.about(params['id']!) ?? [];
      if (said.length === 0) await anomalyOf(reader, params['id']!);
      return { status: 200, body: { anomaly_id: params['id']!, feedback: said.map(feedbackEntry) } satisfies z.input<typeof feedbackBody> };
    },
    { description: { summary: 'All that people said of an anomaly, oldest first', answer: feedbackBody } },
  );

  routes.route(
    'POST',
    PATH,
    async (request) => {
      const { verdict, note, by } = await parsed(feedbackRequest, request);
      const anomaly = await anomalyOf(reader, request.params['id']!);
      const said = await bookOf(reader).say(anomaly, { verdict, note, by: by ?? request.remote }, reader.view.ahead());
      return { status: 202, body: accepted(reader, said) };
    },
    { bodyLimit: BODY_BYTES, description: { summary: 'Says that an anomaly is a false alarm, or right; 202 once it is in the log on disk, 404 where there is no such anomaly, 409 where it is said already', body: feedbackRequest, answer: feedbackAcceptedBody, status: 202 } },
  );

  routes.route(
    'DELETE',
    PATH,
    async (request) => {
      const { note, by } = await parsed(feedbackUndoRequest, request);
      const id = request.params['id']!;
      const book = bookOf(reader);
      if (book.about(id).length === 0) await anomalyOf(reader, id);
      const said = await book.undo(id, { note, by: by ?? request.remote }, reader.view.ahead());
      return { status: 202, body: accepted(reader, said) };
    },
    { bodyLimit: BODY_BYTES, description: { summary: 'Undoes what stands; 202 once it is in the log on disk, 409 where nothing stands', body: feedbackUndoRequest, answer: feedbackAcceptedBody, status: 202 } },
  );
}

/** An entry as the API tells it. */
export function feedbackEntry({ revision, verdict, note, by, at, state, time }: Feedback): z.input<typeof feedbackBody>['feedback'][number] {
  return { revision, verdict, note, by, said_at: iso(at), holds_from: iso(time), undone: state === 'closed' };
}

function accepted(reader: Reader, said: Feedback): z.input<typeof feedbackAcceptedBody> {
  return { anomaly_id: said.anomaly, ...feedbackEntry(said), effect: effectOf(reader, said) };
}

/** What it changes, in words. */
function effectOf({ view }: Reader, { operator, toldBy, series, metric, verdict, state, time }: Feedback): string {
  const node = view.plan.operators.find(({ spec }) => spec.name === toldBy);
  if (node === undefined || !node.inputs.some(({ text, findings }) => findings && reference(text).node === operator)) {
    return `It is kept and changes nothing: ${toldBy} does not read ${operator}.`;
  }
  const when = `from ${iso(time)} on, by the time of its samples`;
  if (state === 'closed') return `${toldBy} takes the threshold of ${series}, and those of other series of ${metric}, back to what they were without it, ${when}.`;
  return `${toldBy} ${verdict === 'false_positive' ? 'raises' : 'lowers'} the threshold of ${series}, and a little those of other series of ${metric}, ${when}.`;
}

/** Throws 404. */
async function anomalyOf(reader: Reader, id: string): Promise<Anomaly> {
  const [found] = await reader.findings({ kind: 'anomaly', id, from: 0, to: reader.clock.now() + MAX_FUTURE_MS, limit: 1 });
  if (found?.kind !== 'anomaly') throw new HttpError(404, 'Not Found', `There is no anomaly ${JSON.stringify(id.slice(0, 64))} in the stores of this graph.`);
  return found;
}

function bookOf({ view }: Reader): NonNullable<ReturnType<Reader['view']['feedback']>> {
  const book = view.feedback();
  if (book === undefined) throw new HttpError(409, 'No source of feedback', `This graph takes no feedback: ${HOW}.`);
  return book;
}

/** A body of JSON; an empty one has no members. Throws 400 where it is none, 422 where it says nothing that makes sense. */
async function parsed<Body extends z.ZodType>(schema: Body, request: HttpRequest): Promise<z.output<Body>> {
  const bytes = await request.body();
  let json: unknown = {};
  try {
    if (bytes.length > 0) json = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw new HttpError(400, 'Bad Request', `The body is not JSON: ${(error as Error).message}.`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({ member: path.join('.'), reason: message }));
  throw new HttpError(422, 'Not understood', `${errors.map(({ member, reason }) => (member === '' ? reason : `${member}: ${reason}`)).join('; ')}.`, { members: { errors } });
}
