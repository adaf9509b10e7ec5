import { parentPort, workerData } from 'node:worker_threads';
import { BATCH_ROWS } from '../../engine/limits.js';

const { rows } = workerData as { rows: number };

parentPort!.once('message', () => {
  for (let sent = 0; sent < rows; sent += BATCH_ROWS) parentPort!.postMessage(Array.from({ length: BATCH_ROWS }, (_, i) => ({ time: sent, slot: i, value: i })));
});
parentPort!.postMessage('ready');
