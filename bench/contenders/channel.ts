import { Worker } from 'node:worker_threads';
import { Channel, channelBytes } from '../../engine/channel.js';
import { Signal, SIGNAL_BYTES } from '../../engine/signal.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import type { Outcome } from '../samples.js';

/** Rows from a worker to this thread, by a channel of frames in shared memory; each value is read. */
export async function channel(rows: number): Promise<Outcome> {
  const shape = { columns: 0 };
  const memory = new SharedArrayBuffer(channelBytes(shape));
  const signals = [new SharedArrayBuffer(SIGNAL_BYTES), new SharedArrayBuffer(SIGNAL_BYTES)] as const;
  const worker = new Worker(new URL('channel-sender.js', import.meta.url), { workerData: { memory, signals, rows: rows / BATCH_ROWS } });
  const [sender, receiver] = signals.map((signal) => new Signal(signal)) as [Signal, Signal];
  const inlet = new Channel(memory, shape, sender, receiver);
  await new Promise((resolve) => worker.once('message', resolve));
  let received = 0;
  let sum = 0;
  worker.postMessage('go');
  const began = performance.now();
  while (received < rows) {
    const seen = receiver.rings();
    const frame = inlet.peek();
    if (frame === undefined) {
      receiver.wait(seen, 1_000);
      continue;
    }
    for (let i = 0; i < frame.length; i++) sum += frame.value[i]!;
    received += frame.length;
    inlet.release();
  }
  const seconds = (performance.now() - began) / 1000;
  await worker.terminate();
  return { samples: rows, seconds, check: { results: received, counts: sum, means: 0, deviations: 0 } };
}

/** The same rows by `postMessage`, as objects: what one would do without a channel. */
export async function posted(rows: number): Promise<Outcome> {
  const worker = new Worker(new URL('posting-sender.js', import.meta.url), { workerData: { rows } });
  let received = 0;
  let sum = 0;
  let began = 0;
  await new Promise<void>((resolve) => {
    worker.on('message', (message: string | { time: number; slot: number; value: number }[]) => {
      if (typeof message === 'string') {
        began = performance.now();
        worker.postMessage('go');
        return;
      }
      for (const row of message) sum += row.value;
      received += message.length;
      if (received >= rows) resolve();
    });
  });
  const seconds = (performance.now() - began) / 1000;
  await worker.terminate();
  return { samples: rows, seconds, check: { results: received, counts: sum, means: 0, deviations: 0 } };
}
