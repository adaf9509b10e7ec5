// Reads numbers as fast as they go through a window into a sink, which takes them as they come, then a tenth of that for so many
// seconds, then again as they come, to the end. Says in the end how many there were, and how much memory it took.
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { systemClock } from '../../engine/clock.js';
import { defineSink, defineSource } from '../../engine/connector.js';
import { checkpoints, start } from './fixture.js';

const [at, seconds] = process.argv.slice(2) as [string, string];
const slowMs = Number(seconds) * 1_000;
const quickMs = 2_000;
const SERIES = Array.from({ length: 1_000 }, (_, i) => `load{n="${i}"}`);
/** So much comes after the slow time. */
const AFTER = 200_000;

let given = 0;
let last = Infinity;
const numbers = defineSource({
  name: 'numbers',
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  live: () => false,
  disorder: () => 0,
  create: () => ({
    open: () => Promise.resolve(),
    read(into, limit) {
      const to = Math.min(given + limit, last);
      for (; given < to; given++) into.add(Math.floor(given / 1_000) * 1_000, SERIES[given % 1_000]!, given);
      return Promise.resolve({ position: given, ...(given >= last && { ended: true }) });
    },
    close: () => Promise.resolve(),
  }),
});

const taken = { rows: 0, sum: 0, windowed: 0 };
/** Rows a second at most. */
let pace = Infinity;
const tap = defineSink({
  name: 'tap',
  summary: '',
  description: '',
  config: z.strictObject({}),
  examples: [],
  create: () => ({
    open: () => Promise.resolve(),
    async write(node, { length, value, columns }) {
      if (node === 'in') {
        taken.rows += length;
        for (let i = 0; i < length; i++) taken.sum += value[i]!;
      } else for (let i = 0; i < length; i++) taken.windowed += columns['count']![i]!;
      if (pace < Infinity) await sleep((length / pace) * 1_000);
    },
    flush: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  }),
});

const { runtime } = await start(
  at,
  { sources: { in: { type: 'numbers' } }, operators: { ten: { type: 'window', from: 'in', size: '10s', aggregates: ['mean', 'count'] } }, sinks: { tap: { type: 'tap', from: ['in', 'ten'] } } },
  { sources: [numbers], sinks: [tap], checkpoint: checkpoints(at, 1_000) },
);

async function rate(ms: number): Promise<number> {
  const [began, before] = [systemClock.elapsed(), taken.rows];
  await sleep(ms);
  return Math.round(((taken.rows - before) / (systemClock.elapsed() - began)) * 1_000);
}

await rate(quickMs);
const quick = await rate(quickMs);
pace = quick / 10;
const began = systemClock.elapsed();
const before = taken.rows;
const rss = [0, 0];
for (let passed = 0; passed < slowMs; passed = systemClock.elapsed() - began) {
  const half = passed < slowMs / 2 ? 0 : 1;
  rss[half] = Math.max(rss[half]!, process.memoryUsage.rss());
  await sleep(50);
}
const slow = Math.round(((taken.rows - before) / (systemClock.elapsed() - began)) * 1_000);
const ahead = given - taken.rows;
last = given + AFTER;
pace = Infinity;
const back = systemClock.elapsed();
const left = given + AFTER - taken.rows;
await runtime.finished;
const recovered = Math.round((left / (systemClock.elapsed() - back)) * 1_000);
writeSync(1, JSON.stringify({ given, ...taken, rates: { quick, slow, recovered }, ahead, rss }));
process.exit(0);
