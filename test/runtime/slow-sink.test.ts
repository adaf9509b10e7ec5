import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { BATCH_ROWS, CHANNEL_FRAMES } from '../../engine/limits.js';
import { plainEnvironment } from '../engine-process.js';
import { folder } from './fixture.js';

const SECONDS = 8;
const SHARDS = 2;
/** What the garbage of a process moves its memory by. */
const NOISE_BYTES = 32e6;
/** Rows that all channels hold, and what lies ready at their ends. */
const CHANNEL_ROWS = (2 * SHARDS + 1) * BATCH_ROWS * CHANNEL_FRAMES;

const program = fileURLToPath(new URL('slow-sink-child.js', import.meta.url));
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

await t.test('a sink that slows down to a tenth holds up the source: memory stays flat, nothing is lost, and all goes on by itself', async (t) => {
  const child = spawn(process.execPath, [program, folder(t), String(SECONDS)], { stdio: ['ignore', 'pipe', 'inherit'], env: plainEnvironment() });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  t.equal(await new Promise((resolve) => child.once('close', resolve)), 0, said);
  const { given, rows, sum, windowed, rates, ahead, rss } = JSON.parse(said) as { given: number; rows: number; sum: number; windowed: number; rates: { quick: number; slow: number; recovered: number }; ahead: number; rss: [number, number] };
  t.comment(`${rates.quick} rows a second, then ${rates.slow} for ${SECONDS} s, then ${rates.recovered}`);
  t.comment(`memory at most ${megabytes(rss[0])} in the first half of the slow time, ${megabytes(rss[1])} in the second; the source was ${ahead} rows ahead`);
  t.ok(rss[1] < rss[0] + NOISE_BYTES, `${megabytes(rss[0])}, then ${megabytes(rss[1])}`);
  t.ok(ahead < CHANNEL_ROWS, `the source is held up ${ahead} rows ahead, at most ${CHANNEL_ROWS}`);
  t.equal(rows, given);
  t.equal(sum, (given * (given - 1)) / 2, 'each number once');
  t.equal(windowed, given, 'none too late for its window');
});
