import type { Time } from '../../engine/clock.js';
import { isFrame } from '../payload/frame.js';
import type { PayloadKind } from '../payload/kind.js';
import { PRECISIONS, type Precision } from '../payload/precision.js';

/** Forms of a body: those of payloads; measurements of SLIs; and the samples of a post as 0.1.0 logged them. */
export type PostForm = PayloadKind | 'sli' | 'logged';

/** A body as it was posted, with all that its samples depend on: decoded again after a crash, it gives the same. */
export interface Post {
  readonly form: PostForm;
  /** Of the timestamps of line protocol. */
  readonly precision: Precision;
  /** When it came: the time of samples that have none, and what is in the future. */
  readonly at: Time;
  readonly body: Uint8Array;
  /** What it is known by, where it may come again and must not be taken twice. */
  readonly key?: string;
}

/** A post that can be kept. */
export type NewPost = Post & { readonly form: Exclude<PostForm, 'logged'> };

/**
 * In the log a body follows a header: a mark that no text and no frame begins with, form, precision, length of the key,
 * the time as a little endian float64, the key in ASCII.
 */
const HEADER = 12;
const MARK = 0x01;
const FORMS: Readonly<Record<Exclude<PostForm, 'logged'>, number>> = { json: 1, ndjson: 2, influx: 3, prometheus: 4, openmetrics: 5, frame: 6, sli: 7 };
const FORM_OF = new Map(Object.entries(FORMS).map(([form, code]) => [code, form as PostForm]));

/** What goes before the body. */
export function headerOf({ form, precision, at, key = '' }: NewPost): Uint8Array {
  const header = Buffer.alloc(HEADER + key.length);
  header.set([MARK, FORMS[form], PRECISIONS.indexOf(precision), key.length]);
  header.writeDoubleLE(at, 4);
  header.write(key, HEADER, 'latin1');
  return header;
}

/** A post from its record. Before it had a header, the log held frames as they came, and of other forms the samples. */
export function postOf(record: Uint8Array): Post {
  if (record[0] !== MARK) return { form: isFrame(record) ? 'frame' : 'logged', precision: 'ns', at: Infinity, body: record };
  const form = FORM_OF.get(record[1]!);
  if (form === undefined) throw new Error(`the log holds a post of a later version (form ${record[1]})`);
  const body = HEADER + record[3]!;
  const key = Buffer.from(record.buffer, record.byteOffset + HEADER, record[3]).toString('latin1');
  return {
    form,
    precision: PRECISIONS[record[2]!]!,
    at: new DataView(record.buffer, record.byteOffset).getFloat64(4, true),
    body: record.subarray(body),
    ...(key !== '' && { key }),
  };
}
