import { Worker } from 'node:worker_threads';
import { Channel, channelBytes } from '../../../engine/channel.js';
import { Signal, SIGNAL_BYTES } from '../../../engine/signal.js';
import { sinceEpoch, type Told } from '../job.js';

/** What its sender is given. */
export interface Sending {
  readonly memory: SharedArrayBuffer;
  /** Of sender and receiver. */
  readonly signals: readonly [SharedArrayBuffer, SharedArrayBuffer];
  readonly rows: number;
}

/** Rows from a worker to this thread, by a channel of frames in shared memory; each value is read. */
export async function channel(rows: number): Promise<Told> {
  const shape = { columns: 0 };
  const sending: Sending = { memory: new SharedArrayBuffer(channelBytes(shape)), signals: [new SharedArrayBuffer(SIGNAL_BYTES), new SharedArrayBuffer(SIGNAL_BYTES)], rows };
  const worker = new Worker(new URL('channel-sender.js', import.meta.url), { workerData: sending });
  const [sender, receiver] = [new Signal(sending.signals[0]), new Signal(sending.signals[1])];
  const inlet = new Channel(sending.memory, shape, sender, receiver);
  await new Promise((resolve) => worker.once('message', resolve));
  let received = 0;
  let sum = 0;
  let first: number | undefined;
  worker.postMessage('go');
  const began = performance.now();
  while (received < rows) {
    const seen = receiver.rings();
    const frame = inlet.peek();
    if (frame === undefined) {
      receiver.wait(seen, 1_000);
      continue;
    }
    first ??= performance.now();
    for (let i = 0; i < frame.length; i++) sum += frame.value[i]!;
    received += frame.length;
    inlet.release();
  }
  const seconds = (performance.now() - began) / 1000;
  await worker.terminate();
  return { seconds, ...(first !== undefined && { first_result_at: sinceEpoch(first) }), check: { results: received, counts: sum } };
}
