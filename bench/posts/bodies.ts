import { gzipSync } from 'node:zlib';
import { FRAME_TYPE } from '../../connectors/payload/frame.js';
import { messages } from '../nats/messages.js';

/** How samples lie in the bodies of posts. */
export type PostedForm = 'lines' | 'lines-gzip' | 'arrays' | 'objects' | 'frames';
export const POSTED_FORMS = ['lines', 'lines-gzip', 'arrays', 'objects', 'frames'] as const satisfies readonly PostedForm[];

/** Samples of a body, as agents batch them, but at most half of a second of all series: so bodies that overtake each other make little disorder. */
const ROWS = 5_000;
const rowsOf = (form: PostedForm, series: number): number => (form === 'objects' ? 1 : Math.min(ROWS, Math.ceil(series / 2)));

/** Where bodies of a form go, and with which headers. */
export const targets: Readonly<Record<PostedForm, { readonly path: string; readonly headers: Readonly<Record<string, string>> }>> = {
  lines: { path: '/write?db=bench', headers: { 'content-type': 'text/plain; charset=utf-8' } },
  'lines-gzip': { path: '/write?db=bench', headers: { 'content-type': 'text/plain; charset=utf-8', 'content-encoding': 'gzip' } },
  arrays: { path: '/api/metrics', headers: { 'content-type': 'application/json' } },
  objects: { path: '/api/metrics', headers: { 'content-type': 'application/json' } },
  frames: { path: '/api/metrics', headers: { 'content-type': FRAME_TYPE } },
};

/** The samples of W1 as bodies, in their order; after them one that moves event time on. */
export function* bodies(form: PostedForm, samples: number, series: number): Generator<Uint8Array> {
  for (const body of messages(form === 'lines-gzip' ? 'lines' : form, samples, series, { rows: rowsOf(form, series), alone: true })) yield form === 'lines-gzip' ? gzipSync(body) : body;
}
