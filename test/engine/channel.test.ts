import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Channel, channelBytes, type Frame } from '../../engine/channel.js';
import { MessageKind } from '../../engine/message.js';
import { Signal, SIGNAL_BYTES } from '../../engine/signal.js';
import type { Job } from './channel-child.js';
import { claim, flag, messages, peek, slot, Stalls, value, type Sent, type Traffic } from './channel-traffic.js';

/** Where the counters lie, on cache lines of their own. */
const [HEAD, TAIL] = [0, 32];

function startAt<Memory extends ArrayBufferLike>(memory: Memory, counter: number): Memory {
  const words = new Int32Array(memory);
  words[HEAD] = counter;
  words[TAIL] = counter;
  return memory;
}

const shared = (traffic: Traffic) => startAt(new SharedArrayBuffer(channelBytes(traffic)), traffic.start);

/** Starts the other thread; what it tells at the end. */
async function child(work: Job['work'], traffic: Traffic, memory: Pick<Job, 'there' | 'back'>, signals: Job['signals']): Promise<() => Promise<string[]>> {
  const workerData: Job = { work, traffic, signals, ...memory };
  const worker = new Worker(new URL('channel-child.js', import.meta.url), { workerData, execArgv: [] });
  await once(worker, 'message');
  return async () => ((await once(worker, 'message')) as [string[]])[0];
}

function twoSignals(): { memory: Job['signals']; main: Signal; child: Signal } {
  const memory = [new SharedArrayBuffer(SIGNAL_BYTES), new SharedArrayBuffer(SIGNAL_BYTES)] as const;
  return { memory, main: new Signal(memory[0]), child: new Signal(memory[1]) };
}

/** What is wrong with a frame, if anything. */
function compare(sent: Sent, frame: Frame, names: readonly string[]): string | undefined {
  if (frame.kind !== sent.kind) return `kind ${frame.kind} instead of ${sent.kind}`;
  if ('link' in sent && frame.link !== sent.link) return `link ${frame.link} instead of ${sent.link}`;
  if (sent.kind === MessageKind.watermark) return Object.is(frame.number, sent.time) && frame.length === (sent.idle ? 1 : 0) ? undefined : `watermark ${frame.number}`;
  if (sent.kind === MessageKind.barrier) return frame.number === sent.checkpoint ? undefined : `barrier ${frame.number}`;
  if (sent.kind !== MessageKind.rows) return undefined;
  const batch = frame.batch(names);
  if (batch.length !== sent.length) return `${batch.length} rows instead of ${sent.length}`;
  const { first } = sent;
  for (let i = 0; i < batch.length; i++) {
    const same = batch.time[i] === value(first, i, -2) && batch.value[i] === value(first, i, -1) && batch.slot[i] === slot(first, i) && batch.flags[i] === flag(first, i);
    if (!same || !names.every((name, c) => batch.columns[name]![i] === value(first, i, c))) return `row ${i} of ${batch.length}`;
  }
  return undefined;
}

/** Sends the traffic from the other thread and compares all of it here. */
async function run(t: Test, traffic: Traffic): Promise<void> {
  const signals = twoSignals();
  const there = shared(traffic);
  const answer = await child('send', traffic, { there, back: undefined }, signals.memory);
  const channel = new Channel(there, traffic, signals.child, signals.main);
  const names = Array.from({ length: traffic.columns }, (_, c) => `c${c}`);
  const stalls = new Stalls(traffic.seed + 2);
  const wrong: string[] = [];
  for (const sent of messages(traffic)) {
    if (sent.kind === MessageKind.findings) {
      let whole: Uint8Array | undefined;
      while (whole === undefined) {
        stalls.next();
        const frame = peek(channel, signals.main);
        const different = compare(sent, frame, names);
        if (different !== undefined) wrong.push(different);
        whole = channel.collect(frame);
        channel.release();
        if (wrong.length > 0) break;
      }
      if (whole !== undefined && Buffer.compare(whole, sent.bytes) !== 0) wrong.push(`${whole.length} bytes instead of ${sent.bytes.length}`);
    } else {
      stalls.next();
      const different = compare(sent, peek(channel, signals.main), names);
      if (different !== undefined) wrong.push(different);
      channel.release();
    }
    if (wrong.length > 0) break;
  }
  t.same([...wrong, ...(wrong.length === 0 ? await answer() : [])], [], JSON.stringify(traffic));
  t.equal(channel.fill, 0, 'and nothing is left');
}

await t.test('between two threads that stall at random, every kind of message arrives once, whole and in order', async (t) => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20_240_117);
  await run(t, { seed, messages: 6_000, columns: 2, frames: 8, rows: 16, start: 0 });
  await run(t, { seed: seed + 10, messages: 3_000, columns: 0, frames: 64, rows: 64, start: -1_500 });
  await run(t, { seed: seed + 20, messages: 3_000, columns: 5, frames: 2, rows: 8, start: 0x7fffffff - 1_000 });
  await run(t, { seed: seed + 30, messages: 2_000, columns: 1, frames: 1, rows: 4, start: -(2 ** 31) });
});

await t.test('no wake-up is lost in many short rounds', async (t) => {
  for (const frames of [1, 2, 4]) {
    const traffic: Traffic = { seed: 0, messages: 0, columns: 0, frames, rows: 1, start: 0x7fffffff - 5_000 };
    const signals = twoSignals();
    const memory = { there: shared(traffic), back: shared(traffic) };
    const answer = await child('echo', traffic, memory, signals.memory);
    const to = new Channel(memory.there, traffic, signals.main, signals.child);
    const from = new Channel(memory.back, traffic, signals.child, signals.main);
    let echoed = 0;
    const rounds = 10_000;
    for (let round = 0; round <= rounds; round++) {
      claim(to, signals.main).head(round === rounds ? MessageKind.end : MessageKind.watermark, 0, 0, round);
      to.publish();
      to.ring();
      if (peek(from, signals.main).number === round + 1) echoed += 1;
      from.release();
    }
    t.equal(echoed, rounds + 1, `${frames} frames`);
    t.same(await answer(), []);
  }
});

await t.test('a thread with an event loop is woken too', async (t) => {
  const traffic: Traffic = { seed: 5, messages: 400, columns: 0, frames: 4, rows: 4, start: 0 };
  const signals = twoSignals();
  const there = shared(traffic);
  const answer = await child('send', traffic, { there, back: undefined }, signals.memory);
  const channel = new Channel(there, traffic, signals.child, signals.main);
  let ended = false;
  while (!ended) {
    const seen = signals.main.rings();
    let frame = channel.peek();
    for (; frame !== undefined; frame = channel.peek()) {
      ended = frame.kind === MessageKind.end;
      channel.release();
    }
    if (ended) break;
    await signals.main.waitAsync(seen, 20_000);
    if (signals.main.rings() === seen) throw new Error('a wake-up was lost');
  }
  t.same(await answer(), []);
});

await t.test('inside one thread it is a bounded queue, wherever its counters stand', (t) => {
  const start = fc.oneof(fc.constantFrom(0, -1, -3, 0x7fffffff, 0x7ffffffe, -(2 ** 31)), fc.integer());
  const steps = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('send' as const) }, { weight: 3, arbitrary: fc.constant('take' as const) }, fc.constant('ring' as const), fc.constant('look' as const)), { maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 4, 8), start, steps, (frames, counter, commands) => {
      const shape = { columns: 1, frames, rows: 2 };
      const sender = new Signal();
      const receiver = new Signal();
      const memory = startAt(new ArrayBuffer(channelBytes(shape)), counter);
      // Both ends make their own, as two actors of a shard do.
      const from = new Channel(memory, shape, sender, receiver);
      const to = new Channel(memory, shape, sender, receiver);
      const queue: number[] = [];
      let sent = 0;
      let wants = false;
      let published = false;
      for (const command of commands) {
        if (command === 'send') {
          const frame = from.claim();
          if ((frame === undefined) !== (queue.length === frames)) return false;
          if (frame === undefined) {
            wants = true;
            continue;
          }
          if (from.claim() !== frame) return false;
          frame.head(MessageKind.watermark, 1, 0, sent);
          from.publish();
          published = true;
          queue.push(sent++);
        } else if (command === 'take') {
          const frame = to.peek();
          if ((frame === undefined) !== (queue.length === 0)) return false;
          if (frame === undefined) continue;
          if (frame.number !== queue.shift()) return false;
          const rings = sender.rings();
          to.release();
          // Rung once, when a quarter is free again.
          const rung = sender.rings() !== rings;
          if (rung !== (wants && queue.length <= frames - (frames >> 2))) return false;
          if (rung) wants = false;
        } else if (command === 'ring') {
          const rings = receiver.rings();
          from.ring();
          if (receiver.rings() - rings !== (published ? 1 : 0)) return false;
          published = false;
        } else if (from.fill !== queue.length || to.fill !== queue.length) return false;
      }
      return true;
    }),
    { numRuns: 400 },
  );
  t.end();
});

await t.test('a frame takes over another, with all its columns and its head', (t) => {
  const shape = { columns: 2, frames: 1, rows: 3 };
  const make = () => new Channel(new ArrayBuffer(channelBytes(shape)), shape, new Signal(), new Signal());
  const frame = make().claim()!;
  frame.head(MessageKind.rows, 3, 2, 8.5, true);
  for (const [i, column] of [frame.time, frame.value, frame.slot, frame.flags, ...frame.extra].entries()) column.fill(i + 1);
  const other = make().claim()!;
  other.copy(frame);
  t.same([other.kind, other.link, other.length, other.number, other.more], [MessageKind.rows, 3, 2, 8.5, true]);
  t.same([other.time, other.value, other.slot, other.flags, ...other.extra].map((column) => [...column]), [1, 2, 3, 4, 5, 6].map((n) => [n, n, n]));
  t.end();
});
