import { parentPort, workerData } from 'node:worker_threads';
import { BATCH_ROWS } from '../../../engine/limits.js';
import type { Row } from './post-message.js';

const { rows } = workerData as { rows: number };

parentPort!.once('message', () => {
  for (let sent = 0; sent < rows; sent += BATCH_ROWS) {
    parentPort!.postMessage(Array.from({ length: Math.min(BATCH_ROWS, rows - sent) }, (_, i): Row => ({ time: sent, slot: i, value: i })));
  }
});
parentPort!.postMessage('ready');
