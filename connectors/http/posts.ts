import type { ConnectorContext } from '../../engine/connector.js';
import { HttpError, type HttpRequest } from '../../engine/routes.js';
import type { Problem } from '../payload/decoding.js';
import type { Precision } from '../payload/line-protocol.js';
import { TooMany, type DecodedPost, type PostDecoder } from './post-decoder.js';
import type { Post, PostForm } from './post.js';
import type { SampleLog } from './sample-log.js';

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
  async take(form: Exclude<PostForm, 'logged'>, precision: Precision, request: HttpRequest, body: Uint8Array): Promise<TakenPost> {
    const context = this.#context;
    const post = { form, precision, at: context.clock.now(), body };
    const { rows, problems, skipped, unknown } = this.#decode(post);
    // Before the problems are told: a publisher that is to come again would tell them again.
    if (rows.length > 0) await this.#log.keep(post, rows);
    for (const { reason, index, line, offset, from, to } of problems) {
      const where = index === undefined && to - from < body.length ? `line ${line}: ` : '';
      context.deadLetter({ origin: originOf(request), reason: where + reason, offset: offset - from, payload: body.subarray(from, to) });
    }
    if (problems.length > 0) context.count('rejected', problems.length);
    if (skipped > 0) context.count('skipped', skipped);
    const old = rows.earliest < post.at - this.#retention;
    if (old) context.count('old');
    return { accepted: rows.length, problems, skipped, unknown, old };
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

/** Who sent a dead letter. */
function originOf({ remote, method, path }: HttpRequest): string {
  return `${remote} ${method} ${path}`;
}
