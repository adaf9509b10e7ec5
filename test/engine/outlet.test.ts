import fc from 'fast-check';
import t from 'tap';
import { allocateBatch } from '../../engine/batch.js';
import { Channel, channelBytes } from '../../engine/channel.js';
import type { Finding } from '../../engine/finding.js';
import { BATCH_ROWS } from '../../engine/limits.js';
import { findingsOf, MessageKind } from '../../engine/message.js';
import { ThreadNames } from '../../engine/names.js';
import { Outlet } from '../../engine/outlet.js';
import type { Link, Plan, Wire } from '../../engine/plan.js';
import { Signal, SIGNAL_BYTES } from '../../engine/signal.js';

const FRAMES = 4;

/** An outlet to a sink, and what comes out at its other end, as texts. */
function wire() {
  const shape = { columns: 0, frames: FRAMES };
  const memory = new ArrayBuffer(channelBytes(shape));
  const signal = () => new Signal(new SharedArrayBuffer(SIGNAL_BYTES));
  const [sender, receiver] = [signal(), signal()];
  const links = [0, 1].map((id): Link => ({ id, from: { kind: 'operator', index: id }, outlet: 'rows', columns: [], route: 'series', to: { kind: 'sink', index: 0 }, targets: [] }));
  const outlet = new Outlet({ id: 0, from: 0, to: { kind: 'sink', index: 0 }, links: [0, 1], columns: 0 } as Wire, [new Channel(memory, shape, sender, receiver)], new ThreadNames(1, [0]), { links, frameRows: BATCH_ROWS } as unknown as Plan);
  const channel = new Channel(memory, shape, sender, receiver);
  const heard: string[] = [];
  let frames = 0;
  const drain = (): void => {
    for (let frame = channel.peek(); frame !== undefined; frame = channel.peek()) {
      frames += 1;
      if (frame.kind === MessageKind.rows) heard.push(...Array.from(frame.time.subarray(0, frame.length), (time) => `${frame.link} row ${time}`));
      else if (frame.kind === MessageKind.watermark) heard.push(`${frame.link} watermark ${frame.number}`);
      else for (const finding of findingsOf(channel.collect(frame) ?? new Uint8Array())) heard.push(`${frame.link} finding ${finding.id}`);
      channel.release();
    }
  };
  return { outlet, links, heard, drain, frames: () => frames };
}

const finding = (id: number, size: number): Finding => ({ id: String(id), explanation: 'ä\n'.repeat(size) }) as unknown as Finding;

await t.test('rows, findings of any length and watermarks arrive in the order in which they were sent, with credit or without', (t) => {
  const step = fc.record({
    what: fc.constantFrom('rows', 'finding', 'watermark', 'flush', 'drain'),
    link: fc.nat({ max: 1 }),
    size: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 300 }), weight: 9 }, { arbitrary: fc.constant(30_000), weight: 1 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { outlet, links, heard, drain } = wire();
      const batch = allocateBatch([]);
      const sent: string[] = [];
      for (const [n, { what, link, size }] of steps.entries()) {
        if (what === 'rows') {
          batch.length = Math.min(size, 300);
          batch.time.fill(n);
          outlet.rows(links[link]!, batch);
          for (let i = 0; i < batch.length; i++) sent.push(`${link} row ${n}`);
        } else if (what === 'finding') {
          outlet.finding(links[link]!, finding(n, size));
          sent.push(`${link} finding ${n}`);
        } else if (what === 'watermark') {
          outlet.watermark(links[link]!, n);
          sent.push(`${link} watermark ${n}`);
        } else if (what === 'flush') outlet.flush();
        else drain();
      }
      do {
        outlet.flush();
        drain();
      } while (outlet.blocked);
      if (heard.join() !== sent.join()) throw new Error(`heard ${heard.join()}`);
    }),
    { numRuns: 300 },
  );
  t.end();
});

await t.test('a storm of findings takes few frames', (t) => {
  const { outlet, links, heard, drain, frames } = wire();
  for (let n = 0; n < 1_000; n++) outlet.finding(links[0]!, finding(n, 10));
  do {
    outlet.flush();
    drain();
  } while (outlet.blocked);
  t.equal(heard.length, 1_000);
  t.ok(frames() < 20, `${frames()} frames`);
  t.end();
});
