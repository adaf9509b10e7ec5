import { once } from 'node:events';
import { request as httpRequest, type Agent, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** Of a JSON body. */
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
}

/** One request by node:http, nothing added or followed. */
export async function ask(port: number, path: string, { method = 'GET', headers = {}, body, agent }: Ask = {}): Promise<Reply> {
  const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, ...(agent === undefined ? {} : { agent }) });
  request.end(body);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  return { status: response.statusCode!, headers: response.headers, body: bytes, text: bytes.toString('utf8'), json: () => JSON.parse(bytes.toString('utf8')) as Record<string, unknown> };
}

/** Sends bytes as they are and returns all that comes until the server closes, or until `until` is in it. */
export function talk(port: number, bytes: string, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let got = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      got += text;
      if (until !== undefined && got.includes(until)) socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error)));
    socket.on('close', () => resolve(got));
    socket.write(bytes);
  });
}
