// Runs feed → window → detect into a file, with its checkpoints in the folder given. Reads from its input how many rows may be read, and
// says whenever something changed: rows written, the newest checkpoint, and why none can be taken.
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { seeded } from '../../engine/random.js';
import { Feed, feedSource, start, type Parts, type Row } from './fixture.js';

const [at, disk, seconds] = process.argv.slice(2) as [string, string, string];
const random = seeded(1);
const rows = Array.from({ length: Number(seconds) * 20 }, (_, i): Row => {
  const [second, host] = [Math.floor(i / 20), i % 20];
  const odd = second % 200 > 190 && host === Math.floor(second / 200) % 20 ? 300 : 0;
  return [1_700_000_000_000 + second * 1_000, `load{host="h${host}"}`, Math.sin(second / 50 + host) + random() + odd];
});
const feed = new Feed(rows);
feed.open = 0;
feed.end();
createInterface(process.stdin).on('line', (line) => feed.let(Number(line)));

const parts: Parts = {
  sources: { in: { type: 'feed' } },
  operators: { ten: { type: 'window', from: 'in', size: '10s', aggregates: ['mean', 'max'] }, odd: { type: 'detect', from: 'ten', warmup: 20 } },
  sinks: { out: { type: 'file', from: ['ten', 'odd'], path: 'out.ndjson' } },
};
const { runtime, logged } = await start(at, parts, { sources: [feedSource(feed)], base: at, checkpoint: { intervalMs: 50, folder: disk } });
let told = '';
const tell = (ended = false): void => {
  const { state, restarts, checkpoint, checkpointFailure } = runtime.status();
  const complaints = logged.filter(({ level, msg }) => level >= 40 || msg.includes('checkpoints')).map(({ msg }) => msg);
  const now = `${JSON.stringify({ state, restarts, read: feed.read, checkpoint: checkpoint?.number ?? 0, failure: checkpointFailure?.message, complaints, ended })}\n`;
  if (now !== told) writeSync(1, now);
  told = now;
};
const telling = setInterval(tell, 5);
await runtime.finished;
clearInterval(telling);
tell(true);
process.exit(0);
