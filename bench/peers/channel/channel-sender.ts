import { parentPort, workerData } from 'node:worker_threads';
import { Channel } from '../../../engine/channel.js';
import { BATCH_ROWS } from '../../../engine/limits.js';
import { MessageKind } from '../../../engine/message.js';
import { Signal } from '../../../engine/signal.js';
import type { Sending } from './channel.js';

const { memory, signals, rows } = workerData as Sending;
const [sender, receiver] = [new Signal(signals[0]), new Signal(signals[1])];
const outlet = new Channel(memory, { columns: 0 }, sender, receiver);

parentPort!.once('message', () => {
  for (let sent = 0; sent < rows; ) {
    const seen = sender.rings();
    const frame = outlet.claim();
    if (frame === undefined) {
      outlet.ring();
      sender.wait(seen, 1_000);
      continue;
    }
    const length = Math.min(BATCH_ROWS, rows - sent);
    frame.head(MessageKind.rows, 0, length, 0);
    for (let i = 0; i < length; i++) {
      frame.time[i] = sent;
      frame.slot[i] = i;
      frame.value[i] = i;
      frame.flags[i] = 0;
    }
    outlet.publish();
    outlet.ring();
    sent += length;
  }
});
parentPort!.postMessage('ready');
