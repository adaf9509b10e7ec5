import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodies, targets, type PostedForm } from './bodies.js';

/** What the process is asked to do, as JSON in its first argument. */
export interface Asked {
  readonly port: number;
  readonly form: PostedForm;
  readonly samples: number;
  readonly series: number;
}

/** Bodies on their way: as many publishers as an engine has that is not asleep. None overtakes more than so many. */
const CONNECTIONS: Readonly<Record<PostedForm, number>> = { lines: 4, 'lines-gzip': 4, arrays: 4, objects: 64, frames: 4 };

/** What a publisher that is asked to wait waits here. */
const WAIT_MS = 100;

const { port, form, samples, series } = JSON.parse(process.argv[2]!) as Asked;
const { path, headers } = targets[form];
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS[form] });

/** Resolves when a body has been taken; rejects when it never will be. */
async function post(body: Uint8Array): Promise<void> {
  for (;;) {
    const [status, answer] = await send(body);
    if (status === 202 || status === 204) return;
    if (status !== 429) throw new Error(`a post was answered ${status}: ${answer}`);
    await sleep(WAIT_MS);
  }
}

function send(body: Uint8Array): Promise<[status: number, answer: string]> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (text: string) => (answer += text));
      response.on('end', () => resolve([response.statusCode!, answer]));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const underWay: Promise<void>[] = [];
let next: Uint8Array | undefined;
for (const body of bodies(form, samples, series)) {
  if (underWay.length === CONNECTIONS[form]) await underWay.shift();
  if (next !== undefined) underWay.push(post(next));
  next = body;
}
// The last one moves event time on, past all that it would overtake.
await Promise.all(underWay);
await post(next!);
agent.destroy();
