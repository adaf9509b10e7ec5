import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { resolve } from 'node:path';
import { REQUEST_MS } from './limits.js';

/** With doubles in binary. */
const LINE_VERSION = 2;

export interface ServerConfig {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly tls_ca?: string | undefined;
  readonly tls_verify: boolean;
}

/** QuestDB said no to lines as they are; `line` counts from 1. */
export class LinesRefused extends Error {
  override readonly name = 'LinesRefused';
  constructor(
    message: string,
    readonly line: number | undefined,
  ) {
    super(message);
  }
}

/** QuestDB said no to a statement. */
export class StatementRefused extends Error {
  override readonly name = 'StatementRefused';
}

/** What was asked for may work later: QuestDB is away, restarting, overloaded, or does not let us in. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** QuestDB over HTTP: lines to `/write`, statements to `/exec`. Nothing is tried again here. */
export class Server {
  readonly url: URL;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #closing = new AbortController();

  /** `base`: folder that a relative path starts at. */
  constructor(config: ServerConfig, base: string) {
    this.url = new URL(config.url);
    const secure = this.url.protocol === 'https:';
    const tls = { rejectUnauthorized: config.tls_verify, ...(config.tls_ca !== undefined && { ca: certificate(resolve(base, config.tls_ca)) }) };
    this.#agent = secure ? new HttpsAgent({ keepAlive: true, ...tls }) : new HttpAgent({ keepAlive: true });
    this.#request = secure ? httpsRequest : httpRequest;
    const authorization = config.token === undefined ? basic(config) : `Bearer ${config.token}`;
    this.#headers = authorization === undefined ? {} : { authorization };
  }

  /** Resolves when QuestDB has the lines. Throws `LinesRefused` or `Unavailable`. */
  async write(lines: readonly Uint8Array[]): Promise<void> {
    const { status, text } = await this.#ask('POST', '/write', lines);
    if (status === 204) return;
    if (status !== 400 && status !== 413) throw this.#unavailable(status, text);
    const { message = text, line } = jsonOf(text) as { message?: string; line?: number };
    throw new LinesRefused(message.replace(/^failed to parse line protocol:\s*(errors encountered on line\(s\):\s*)?/, ''), line);
  }

  /** Throws `Unavailable` where it is a QuestDB that does not know the lines that we write. */
  async check(): Promise<void> {
    const { status, text } = await this.#ask('GET', '/settings', []);
    if (status !== 200) throw this.#unavailable(status, text);
    const { config } = jsonOf(text) as { config?: { 'line.proto.support.versions'?: readonly number[] } };
    if (config?.['line.proto.support.versions']?.includes(LINE_VERSION) !== true) throw new Unavailable(`it does not know version ${LINE_VERSION} of the line protocol: QuestDB 9 does`);
  }

  /** Rows of a query; none of another statement. Throws `StatementRefused` or `Unavailable`. */
  async run(sql: string): Promise<unknown[][]> {
    const { status, text } = await this.#ask('GET', `/exec?query=${encodeURIComponent(sql)}`, []);
    const answer = jsonOf(text) as { dataset?: unknown[][]; error?: string };
    if (status === 200) return answer.dataset ?? [];
    if (status === 400 && answer.error !== undefined) throw new StatementRefused(answer.error);
    throw this.#unavailable(status, text);
  }

  /** QuestDB lets a connection write to tables as they were when it first did: after a change the next request is made on another one. */
  refresh(): void {
    this.#agent.destroy();
  }

  /** What is under way fails. */
  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
  }

  #unavailable(status: number, text: string): Unavailable {
    const { message, error } = jsonOf(text) as { message?: string; error?: string };
    const said = message ?? error ?? text.trim().slice(0, 200);
    const why = status === 401 || status === 403 ? 'it does not let us in: check `username` and `password`, or `token`' : `it answers ${status}`;
    return new Unavailable(said === '' ? why : `${why} (${said})`);
  }

  async #ask(method: string, path: string, body: readonly Uint8Array[]): Promise<{ status: number; text: string }> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(REQUEST_MS)]);
    const length = body.reduce((sum, part) => sum + part.length, 0);
    try {
      const request = this.#request(new URL(path, this.url), { method, agent: this.#agent, signal, headers: { ...this.#headers, ...(method === 'POST' && { 'content-length': length }) } });
      for (const part of body) request.write(part);
      const response = await answered(request);
      const parts: Buffer[] = [];
      for await (const part of response) parts.push(part as Buffer);
      return { status: response.statusCode!, text: Buffer.concat(parts).toString() };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Unavailable(signal.aborted && !this.#closing.signal.aborted ? `it did not answer within ${REQUEST_MS / 1_000} s` : (code ?? message), { cause: error });
    }
  }
}

/** An answer may come before everything was sent: a refusal. */
function answered(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

function certificate(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`tls_ca can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function basic({ username, password = '' }: ServerConfig): string | undefined {
  return username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function jsonOf(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
