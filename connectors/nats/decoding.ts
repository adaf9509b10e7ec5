import { gunzipSync } from 'node:zlib';
import type { Time } from '../../engine/clock.js';
import type { ConnectorContext, Intake, RefusedInput } from '../../engine/connector.js';
import { MAX_FUTURE_MS } from '../../engine/limits.js';
import { FrameError } from '../payload/frame-error.js';
import { FRAME_TYPE, FrameDecoder, isFrame, type Frame } from '../payload/frame.js';
import { payloadKind, type PayloadKind } from '../payload/kind.js';
import type { Precision } from '../payload/precision.js';
import { TextDecoders, type TextKind } from '../payload/text-decoders.js';
import { MAX_PAYLOAD, SILENT_MESSAGES } from './limits.js';

/** Publishers are looked through for silent ones once in so many messages. */
const LOOK_THROUGH = 4_096;

/** What a part of a payload is called when it is sent by itself: its bytes alone might tell another form. */
const MEDIA_TYPES: Readonly<Record<PayloadKind, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  influx: 'text/x-influx-line-protocol',
  prometheus: 'text/plain; version=0.0.4',
  openmetrics: 'application/openmetrics-text',
  frame: FRAME_TYPE,
};

export interface Message {
  readonly subject: string;
  readonly contentType: string;
  readonly encoding: string;
  /** 0: it came from no stream. */
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Thrown for a message that is lost whole. */
class Refused extends Error {
  readonly offset: number | undefined;
  constructor(reason: string, offset?: number) {
    super(reason);
    this.offset = offset;
  }
}

/** Decodes messages of every form straight into the intake. What is bad becomes a dead letter, what stands around it is taken. */
export class MessageDecoder {
  readonly #precision: Precision;
  readonly #counts: Pick<ConnectorContext, 'count'>;
  readonly #refuse: (letter: RefusedInput) => void;
  readonly #texts = new TextDecoders();
  #frames = new FrameDecoder();

  constructor(precision: Precision, counts: Pick<ConnectorContext, 'count'>, refuse: (letter: RefusedInput) => void) {
    this.#precision = precision;
    this.#counts = counts;
    this.#refuse = refuse;
  }

  /** `now`: when the message came, for samples without a time, and against times in the future. */
  decode(message: Message, now: Time, into: Pick<Intake, 'add'>): void {
    try {
      const payload = plain(message);
      const kind = payloadKind(message.contentType, payload);
      if (kind === 'frame') this.#addFrame(payload, message.sequence, now, into);
      else if (kind !== undefined) this.#addText(kind, payload, message, now, into);
      else if (payload.length === 0) throw new Refused('the message is empty');
      else if (message.contentType !== '') throw new Refused(`Content-Type ${JSON.stringify(message.contentType.slice(0, 80))} is none that is read, or the bytes do not tell the form: docs/payloads.md lists them`);
      else throw new Refused('the bytes tell no form that is read: docs/payloads.md lists them');
    } catch (error) {
      if (!(error instanceof Refused || error instanceof FrameError)) throw error;
      this.#counts.count('rejected');
      this.#refuse({ ...originOf(message, message.contentType, message.encoding), reason: error.message, ...(error.offset !== undefined && { offset: error.offset }), payload: message.payload });
    }
    this.#passed(message.sequence);
  }

  /** Learns the dictionary of a message and adds nothing: what it says was taken before. */
  learn(message: Message): void {
    try {
      const payload = plain(message);
      if (isFrame(payload)) this.#frames.open(payload, message.sequence);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof FrameError)) throw error;
    }
    this.#passed(message.sequence);
  }

  /** The sequence from which on messages must be learned again. */
  get oldest(): number | undefined {
    return this.#frames.oldest;
  }

  /** Sequences begin again. */
  forget(): void {
    this.#frames = new FrameDecoder();
  }

  #passed(sequence: number): void {
    if (sequence > 0 && sequence % LOOK_THROUGH === 0) this.#frames.forget(sequence - SILENT_MESSAGES);
  }

  #addFrame(payload: Uint8Array, sequence: number, now: Time, into: Pick<Intake, 'add'>): void {
    const frame: Frame = this.#frames.open(payload, sequence);
    if (frame.to > now + MAX_FUTURE_MS) throw new Refused(`time ${new Date(frame.to).toISOString()} is more than ${MAX_FUTURE_MS / 1000} s in the future: check the clock of the publisher`);
    if (frame.missing > 0) this.#counts.count('missing', frame.missing);
    this.#counts.count('samples', frame.addTo(into));
  }

  #addText(kind: TextKind, payload: Uint8Array, message: Message, now: Time, into: Pick<Intake, 'add'>): void {
    const { added, skipped, bad } = this.#texts.get(kind, this.#precision).decode(payload, now, into, ({ reason, line, offset, from, to }) => {
      const lines = line > 1 || to - from < payload.length;
      this.#refuse({ ...originOf(message, MEDIA_TYPES[kind]), reason: lines ? `line ${line}: ${reason}` : reason, offset: offset - from, payload: payload.subarray(from, to) });
    });
    this.#counts.count('samples', added);
    if (skipped > 0) this.#counts.count('skipped', skipped);
    if (bad > 0) this.#counts.count('rejected', bad);
  }
}

/** Where a dead letter is from, and what it needs to be sent again. */
function originOf({ subject, sequence }: Message, contentType: string, encoding = ''): Pick<RefusedInput, 'origin' | 'sequence' | 'headers'> {
  const headers = { subject, ...(contentType !== '' && { 'content-type': contentType }), ...(encoding !== '' && { 'content-encoding': encoding }) };
  return { origin: subject, ...(sequence > 0 && { sequence }), headers };
}

/** The payload without its compression. */
function plain({ encoding, payload }: Message): Uint8Array {
  switch (encoding.toLowerCase()) {
    case '':
    case 'identity':
      return payload;
    case 'gzip':
      try {
        return gunzipSync(payload, { maxOutputLength: MAX_PAYLOAD });
      } catch (error) {
        throw new Refused((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? `more than ${MAX_PAYLOAD / 1024 / 1024} MiB when decompressed` : `not gzip: ${(error as Error).message}`);
      }
    default:
      throw new Refused(`Content-Encoding ${JSON.stringify(encoding.slice(0, 80))} is not known: send gzip, or no compression`);
  }
}
