import { parentPort, workerData } from 'node:worker_threads';
import { newLoop, run, type Part } from './part.js';

const gate = workerData as Int32Array;

parentPort!.on('message', (part: Part) => {
  const loop = newLoop(part);
  parentPort!.postMessage('ready');
  Atomics.wait(gate, 0, 0);
  parentPort!.postMessage(run(loop, part));
});
