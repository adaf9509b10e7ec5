import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { HttpError } from '../engine/routes.js';
import { DISCARDED_BYTES } from './limits.js';

const decoders = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

function tooLong(limit: number): HttpError {
  return new HttpError(413, 'Content Too Large', `The body is longer than ${limit} bytes. Send it in parts.`);
}

/** Gathers the chunks of one request body up to a limit. What comes after the limit is taken and thrown away, see DISCARDED_BYTES. */
export class BodyCollector {
  /** The raw body; rejects with an `HttpError`. */
  readonly body: Promise<Uint8Array>;
  private readonly limit: number;
  private chunks: Uint8Array[] = [];
  private length = 0;
  private finished = false;
  private resolve!: (body: Uint8Array) => void;
  private reject!: (error: Error) => void;

  constructor(limit: number) {
    this.limit = limit;
    this.body = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A handler that answers without reading the body is no error.
    this.body.catch(() => undefined);
  }

  /** Takes a chunk, which must not change later. False: far too long, answer now and cut the connection. */
  push(chunk: Uint8Array): boolean {
    this.length += chunk.length;
    if (this.length <= this.limit) {
      if (!this.finished) this.chunks.push(chunk);
      return true;
    }
    this.chunks = [];
    if (this.length <= this.limit + DISCARDED_BYTES) return true;
    this.fail(tooLong(this.limit));
    return false;
  }

  end(): void {
    this.finished = true;
    if (this.length > this.limit) this.reject(tooLong(this.limit));
    else this.resolve(this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks));
    this.chunks = [];
  }

  fail(error: Error): void {
    this.finished = true;
    this.chunks = [];
    this.reject(error);
  }
}

/** Decompresses by Content-Encoding. Throws an `HttpError`: 415 for an unknown encoding, 400 for a damaged body, 413 past the limit. */
export async function decodeBody(raw: Uint8Array, encoding: string | undefined, limit: number): Promise<Uint8Array> {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return raw;
  const decoder = decoders.get(name);
  if (decoder === undefined) {
    throw new HttpError(415, 'Unsupported Media Type', `Content-Encoding ${JSON.stringify(name)} is not one of gzip, deflate, br.`, { headers: { 'accept-encoding': 'gzip, deflate, br' } });
  }
  try {
    return await decoder(raw, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLong(limit);
    throw new HttpError(400, 'Bad Request', `The body is not valid ${name}: ${(error as Error).message}.`);
  }
}
