import { STATUS_CODES } from 'node:http';
import { HttpError, type HttpResponse } from '../engine/routes.js';

/** An RFC 9457 problem document of an error. What is not an `HttpError` is our fault: 500, and its text stays in the log. */
export function problem(error: unknown): HttpResponse {
  const known = error instanceof HttpError ? error : new HttpError(500, 'Internal Server Error', 'The server failed to answer this request; its log says why.');
  const title = known.message === '' ? (STATUS_CODES[known.status] ?? 'Error') : known.message;
  return {
    status: known.status,
    headers: { ...known.headers, 'content-type': 'application/problem+json' },
    body: { type: 'about:blank', title, status: known.status, detail: known.detail, ...known.members },
  };
}
