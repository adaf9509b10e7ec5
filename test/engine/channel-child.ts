// The other thread of the channel tests: sends traffic, or echoes.
import { parentPort, workerData } from 'node:worker_threads';
import { Channel, type ChannelShape } from '../../engine/channel.js';
import { MessageKind } from '../../engine/message.js';
import { Signal } from '../../engine/signal.js';
import { claim, fillRows, messages, peek, Stalls, type Traffic } from './channel-traffic.js';

export interface Job {
  readonly work: 'send' | 'echo';
  readonly traffic: Traffic;
  readonly there: SharedArrayBuffer;
  readonly back: SharedArrayBuffer | undefined;
  readonly signals: readonly [main: SharedArrayBuffer, child: SharedArrayBuffer];
}

const { work, traffic, there, back, signals } = workerData as Job;
const shape: ChannelShape = traffic;
const main = new Signal(signals[0]);
const child = new Signal(signals[1]);

function send(): string[] {
  const channel = new Channel(there, shape, child, main);
  const stalls = new Stalls(traffic.seed + 1);
  const wrong: string[] = [];
  const looked = (fill: number): void => {
    if (fill < 0 || fill > traffic.frames) wrong.push(`the sender saw a fill of ${fill}`);
  };
  for (const message of messages(traffic)) {
    // As an outlet does: not after each message, but always before it rests.
    if (stalls.due) {
      channel.ring();
      stalls.next();
    }
    if (message.kind === MessageKind.findings) {
      for (let from = 0; ; ) {
        const frame = claim(channel, child, looked);
        const part = message.bytes.subarray(from, from + frame.bytes.length);
        from += part.length;
        frame.bytes.set(part);
        frame.head(message.kind, message.link, part.length, 0, from < message.bytes.length);
        channel.publish();
        if (from >= message.bytes.length) break;
      }
      continue;
    }
    const frame = claim(channel, child, looked);
    if (message.kind === MessageKind.rows) fillRows(frame, message);
    else if (message.kind === MessageKind.watermark) frame.head(message.kind, message.link, message.idle ? 1 : 0, message.time);
    else if (message.kind === MessageKind.barrier) frame.head(message.kind, -1, 0, message.checkpoint);
    else frame.head(message.kind, -1, 0, 0);
    channel.publish();
  }
  channel.ring();
  return wrong;
}

function echo(): string[] {
  const from = new Channel(there, shape, main, child);
  const to = new Channel(back!, shape, child, main);
  for (;;) {
    const got = peek(from, child);
    const frame = claim(to, child);
    frame.head(got.kind, got.link, got.length, got.number + 1);
    const over = got.kind === MessageKind.end;
    from.release();
    to.publish();
    to.ring();
    if (over) return [];
  }
}

// A thread that blocks can't help another to start.
parentPort!.postMessage('ready');
parentPort!.postMessage(work === 'send' ? send() : echo());
