import { WebSocket } from 'ws';
import { machineClock } from './beat.js';
import { Latencies } from './latencies.js';

/** What the process is asked to do, as JSON in its first argument. */
export interface Asked {
  readonly address: string;
  readonly subscribers: number;
  readonly channels: number;
  /** Messages that each of them gets. */
  readonly messages: number;
}

/** `subscribed`: all are; `end`: all messages have come. */
export type Heard = { readonly type: 'subscribed' } | { readonly type: 'end'; readonly latency_ms: ReturnType<Latencies['summary']>; readonly first_result_at: number };

/** Sockets that are being opened at a time. */
const AT_ONCE = 100;
/** To a hundredth of a millisecond: so there are few different ones. */
const RESOLUTION = 100;

interface Message {
  readonly type: string;
  readonly rows?: readonly (readonly [index: number, time: number, sentAt: number])[];
}

const { address, subscribers, channels, messages } = JSON.parse(process.argv[2]!) as Asked;
const tell = (heard: Heard): void => void process.send!(heard);
const latencies = new Latencies();
let first: number | undefined;
let missing = subscribers * messages;

/** Subscriber s follows channel s mod channels; resolves when it has its snapshot. */
function subscribe(s: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${address}/live`, 'millrace.v1', { perMessageDeflate: false });
    socket.on('open', () => socket.send(JSON.stringify({ type: 'subscribe', id: '1', channel: 'metrics', filter: { metric_name: 'beat', labels: { channel: String(s % channels) } } })));
    socket.on('error', reject);
    socket.on('close', (code: number) => {
      if (missing > 0) throw new Error(`subscriber ${s} was closed with ${code} before it had all messages`);
    });
    socket.on('message', (data: Buffer) => {
      const at = machineClock();
      const message = JSON.parse(data.toString()) as Message;
      if (message.type === 'snapshot') resolve();
      if (message.type !== 'message') return;
      for (const [, , sentAt] of message.rows!) {
        first ??= performance.timeOrigin + performance.now();
        latencies.add(Math.round((at - sentAt) * RESOLUTION) / RESOLUTION, 1);
        missing -= 1;
      }
      if (missing === 0) end();
    });
  });
}

function end(): void {
  tell({ type: 'end', latency_ms: latencies.summary(), first_result_at: first! });
}

for (let s = 0; s < subscribers; s += AT_ONCE) await Promise.all(Array.from({ length: Math.min(AT_ONCE, subscribers - s) }, (_, i) => subscribe(s + i)));
tell({ type: 'subscribed' });
// The sockets are of no use any more, and closing each would take longer than all of the above.
process.once('disconnect', () => process.exit());
