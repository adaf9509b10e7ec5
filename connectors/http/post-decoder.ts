import type { Time } from '../../engine/clock.js';
import type { Intake } from '../../engine/connector.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import type { Problem } from '../payload/decoding.js';
import { FrameError } from '../payload/frame-error.js';
import { FrameDecoder, type Frame } from '../payload/frame.js';
import { JsonPayload } from '../payload/json.js';
import { TextDecoders } from '../payload/text-decoders.js';
import type { Post } from './post.js';
import { PostRows, TooMany } from './post-rows.js';

/** The samples of a post, in its order. */
export interface Rows {
  readonly length: number;
  /** Time of the earliest; Infinity where there is none. */
  readonly earliest: Time;
  addTo(into: Pick<Intake, 'add'>): void;
}

export interface DecodedPost {
  readonly rows: Rows;
  readonly problems: readonly Problem[];
  /** Values that are strings. */
  readonly skipped: number;
  /** Members that samples don't have; the first of them. */
  readonly unknown: readonly string[];
}

/** Decodes posts. A frame is taken whole or not at all; elsewhere bad lines and elements lose themselves alone. */
export class PostDecoder {
  readonly #frames = new FrameDecoder({ dictionaries: 0 });
  readonly #texts = new TextDecoders();
  readonly #measurements = new JsonPayload('sli');

  /** Throws `TooMany` past `most` samples and bad lines. */
  decode({ form, precision, at, body }: Post, most = Infinity): DecodedPost {
    if (form === 'frame') return this.#frame(body, at, most);
    const rows = new PostRows(body.length, most);
    const problems: Problem[] = [];
    if (form === 'logged') {
      addLogged(body, rows);
      return { rows, problems, skipped: 0, unknown: [] };
    }
    const decoder = form === 'sli' ? this.#measurements : this.#texts.get(form, precision);
    const { skipped, unknown = [] } = decoder.decode(body, at, rows, (problem) => {
      rows.refuse();
      problems.push(problem);
    });
    return { rows, problems, skipped, unknown };
  }

  #frame(body: Uint8Array, at: Time, most: number): DecodedPost {
    let frame: Frame | undefined;
    let problem: { reason: string; offset: number } | undefined;
    try {
      frame = this.#frames.open(body);
      if (frame.rows > most) throw new TooMany();
      if (!frame.alone) problem = { reason: 'the frame refers to the dictionary of an earlier one; what is posted must be readable by itself: set framesPerDictionary to 1', offset: 24 };
      else if (frame.to > at + MAX_FUTURE_MS) problem = { reason: `time ${new Date(frame.to).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check the clock of the publisher`, offset: 48 };
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      problem = { reason: error.message, offset: error.offset };
    }
    if (frame === undefined || problem !== undefined) return { rows: new PostRows(0, 0), problems: [{ ...problem!, line: 1, from: 0, to: body.length }], skipped: 0, unknown: [] };
    const { rows: length, from: earliest } = frame;
    return { rows: { length, earliest, addTo: (into) => void frame.addTo(into) }, problems: [], skipped: 0, unknown: [] };
  }
}

/** Samples as JSON: time, series, value, time, ... with what is not finite as text. */
function addLogged(body: Uint8Array, rows: PostRows): void {
  const flat = JSON.parse(new TextDecoder().decode(body)) as (number | string)[];
  for (let i = 0; i < flat.length; i += 3) rows.add(flat[i] as number, flat[i + 1] as string, Number(flat[i + 2]));
}
