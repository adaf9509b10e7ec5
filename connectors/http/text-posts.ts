import type { ConnectorContext } from '../../engine/connector.js';
import { HttpError, type HttpRequest } from '../../engine/routes.js';
import type { Problem } from '../payload/decoding.js';
import type { Sample } from '../payload/json-sample.js';
import type { Precision } from '../payload/line-protocol.js';
import { TextDecoders, type TextKind } from '../payload/text-decoders.js';
import { encodeSamples, originOf } from './messages.js';
import type { SampleLog } from './sample-log.js';

/** What became of a posted text. */
export interface TakenText {
  /** Samples that are on disk now. */
  readonly accepted: number;
  /** Of the lines that were refused. */
  readonly problems: readonly Problem[];
  /** Fields that are strings. */
  readonly skipped: number;
  /** Some samples are older than the retention. */
  readonly old: boolean;
}

/** Thrown through a decoder to stop it: a body of bad lines must not be read to its end. */
const TOO_MANY = new Error('more samples and bad lines than are taken at once');

/** Takes texts of lines: the bad ones become dead letters, the samples of the others go to the log. */
export class TextPosts {
  readonly #context: ConnectorContext;
  readonly #log: SampleLog;
  readonly #most: number;
  readonly #retention: number;
  readonly #decoders = new TextDecoders();

  /** `most`: samples and bad lines of one body. */
  constructor(context: ConnectorContext, log: SampleLog, most: number, retention: number) {
    this.#context = context;
    this.#log = log;
    this.#most = most;
    this.#retention = retention;
  }

  /** Rejects with an `HttpError` when nothing of it was taken for another reason than its lines. */
  async take(form: TextKind, precision: Precision, request: HttpRequest, body: Uint8Array): Promise<TakenText> {
    const context = this.#context;
    const now = context.clock.now();
    const { samples, problems, skipped, earliest } = this.#decode(form, precision, body, now);
    // Before the problems are told: a publisher that is to come again would tell them again.
    if (samples.length > 0) await this.#log.keep(encodeSamples(samples), samples.length);
    for (const { reason, line, offset, from, to } of problems) {
      context.deadLetter({ origin: originOf(request), reason: `line ${line}: ${reason}`, offset: offset - from, payload: body.subarray(from, to) });
    }
    if (problems.length > 0) context.count('rejected', problems.length);
    if (skipped > 0) context.count('skipped', skipped);
    const old = earliest < now - this.#retention;
    if (old) context.count('old');
    return { accepted: samples.length, problems, skipped, old };
  }

  #decode(form: TextKind, precision: Precision, body: Uint8Array, now: number): { samples: readonly Sample[]; problems: readonly Problem[]; skipped: number; earliest: number } {
    const samples: Sample[] = [];
    const problems: Problem[] = [];
    let earliest = Infinity;
    const bound = (): void => {
      if (samples.length + problems.length >= this.#most) throw TOO_MANY;
    };
    const add = (time: number, series: string, value: number): boolean => {
      bound();
      if (time < earliest) earliest = time;
      return samples.push({ time, series, value }) > 0;
    };
    const tell = (problem: Problem): void => {
      bound();
      problems.push(problem);
    };
    try {
      const { skipped } = this.#decoders.get(form, precision).decode(body, now, { add }, tell);
      return { samples, problems, skipped, earliest };
    } catch (error) {
      if (error !== TOO_MANY) throw error;
      throw new HttpError(413, 'Too many samples', `The body has more than ${this.#most} samples, which is all that is taken at once: send several requests.`);
    }
  }
}
