import { parentPort, workerData } from 'node:worker_threads';
import { Channel } from '../../engine/channel.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import { MessageKind } from '../../engine/message.js';
import { Signal } from '../../engine/signal.js';

const { memory, signals, rows: batches } = workerData as { memory: SharedArrayBuffer; signals: readonly [SharedArrayBuffer, SharedArrayBuffer]; rows: number };
const [sender, receiver] = [new Signal(signals[0]), new Signal(signals[1])];
const outlet = new Channel(memory, { columns: 0 }, sender, receiver);

parentPort!.once('message', () => {
  for (let batch = 0; batch < batches; ) {
    const seen = sender.rings();
    const frame = outlet.claim();
    if (frame === undefined) {
      outlet.ring();
      sender.wait(seen, 1_000);
      continue;
    }
    frame.head(MessageKind.rows, 0, BATCH_ROWS, 0);
    for (let i = 0; i < BATCH_ROWS; i++) {
      frame.time[i] = batch;
      frame.slot[i] = i;
      frame.value[i] = i;
      frame.flags[i] = 0;
    }
    outlet.publish();
    outlet.ring();
    batch += 1;
  }
});
parentPort!.postMessage('ready');
