import { payloadOf, type ConnectorContext, type DeadLetter, type ResubmitAttempt } from '../../engine/connector.js';
import { HttpError, type HttpRequest } from '../../engine/routes.js';
import type { Problem } from '../payload/decoding.js';
import { mediaTypeOf, payloadKind } from '../payload/kind.js';
import { precisionOf, type Precision } from '../payload/precision.js';
import type { DecodedPost, PostDecoder } from './post-decoder.js';
import { TooMany } from './post-rows.js';
import type { NewPost, Post } from './post.js';
import type { SampleLog } from './sample-log.js';

/** Where measurements of SLIs are posted. */
export const SLI_PATH = '/api/sli-measurements';

/** What became of a post. */
export interface TakenPost {
  /** Samples that are on disk now. */
  readonly accepted: number;
  /** Of the lines and elements that were refused. */
  readonly problems: readonly Problem[];
  /** Fields that are strings. */
  readonly skipped: number;
  /** Members that samples don't have; the first of them. */
  readonly unknown: readonly string[];
  /** Some samples are older than the retention. */
  readonly old: boolean;
}

/** Takes posts: what is bad becomes dead letters, the other samples go to the log. */
export class Posts {
  readonly #context: ConnectorContext;
  readonly #log: SampleLog;
  readonly #decoder: PostDecoder;
  readonly #most: number;
  readonly #retention: number;

  /** `most`: samples and bad lines of one body. */
  constructor(context: ConnectorContext, log: SampleLog, decoder: PostDecoder, limits: { most: number; retention: number }) {
    this.#context = context;
    this.#log = log;
    this.#decoder = decoder;
    this.#most = limits.most;
    this.#retention = limits.retention;
  }

  /** Resolves when its samples are on disk. Rejects with an `HttpError` when none of them was taken, for another reason than what they are. */
  async take(form: NewPost['form'], precision: Precision, request: HttpRequest, body: Uint8Array): Promise<TakenPost> {
    const context = this.#context;
    const post = { form, precision, at: context.clock.now(), body };
    const { rows, problems, skipped, unknown } = this.#decode(post);
    // Before the problems are told: a publisher that is to come again would tell them again.
    if (rows.length > 0) await this.#log.keep(post, rows);
    for (const { reason, index, line, offset, from, to } of problems) {
      const where = index === undefined && to - from < body.length ? `line ${line}: ` : '';
      context.deadLetter({ origin: originOf(request), reason: where + reason, offset: offset - from, headers: headersOf(post), payload: body.subarray(from, to) });
    }
    if (problems.length > 0) context.count('rejected', problems.length);
    if (skipped > 0) context.count('skipped', skipped);
    const old = rows.earliest < post.at - this.#retention;
    if (old) context.count('old');
    return { accepted: rows.length, problems, skipped, unknown, old };
  }

  /** Takes a dead letter again: all of its samples, or none. Resolves when they are on disk. */
  async takeAgain(letter: DeadLetter, { key, repeated }: ResubmitAttempt): Promise<void> {
    const { form, precision } = formOf(letter);
    const post = { form, precision, at: this.#context.clock.now(), body: payloadOf(letter), key };
    const { rows, problems } = this.#decode(post);
    const [first] = problems;
    if (first !== undefined) throw new Error(`line ${first.line}, byte ${first.offset - first.from}: ${first.reason}`);
    if (rows.length === 0) throw new Error('there is no sample in it');
    if (!repeated || !(await this.#log.holds(key))) await this.#log.keep(post, rows);
  }

  #decode(post: Post): DecodedPost {
    try {
      return this.#decoder.decode(post, this.#most);
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      throw new HttpError(413, 'Too many samples', `The body has more than ${this.#most} samples, which is all that is taken at once: send several requests.`);
    }
  }
}

/** How a dead letter has its form. */
function headersOf({ form, precision }: NewPost): Readonly<Record<string, string>> {
  if (form === 'sli') return { path: SLI_PATH, 'content-type': mediaTypeOf('json') };
  return { 'content-type': mediaTypeOf(form), ...(form === 'influx' && { precision }) };
}

function formOf({ headers = {}, node }: DeadLetter): Pick<NewPost, 'form' | 'precision'> {
  const type = headers['content-type'];
  const form = headers['path'] === SLI_PATH ? 'sli' : type === undefined ? undefined : payloadKind(type, new Uint8Array());
  if (form === undefined) throw new Error(`it does not say what form it has: post it to ${node} instead`);
  return { form, precision: precisionOf(headers['precision'] ?? 'ns') ?? 'ns' };
}

/** Who sent a dead letter. */
function originOf({ remote, method, path }: HttpRequest): string {
  return `${remote} ${method} ${path}`;
}
