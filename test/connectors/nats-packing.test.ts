import fc from 'fast-check';
import t from 'tap';
import { placeOf } from '../../connectors/nats/jetstream.js';
import { BUFFER_BYTES } from '../../connectors/nats/limits.js';
import { Packer, Unpacker, type Packed } from '../../connectors/nats/packing.js';
import { RecentIds } from '../../connectors/nats/recent-ids.js';

t.test('what is packed is unpacked as it was', (t) => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const message = fc.record({ subject: text, id: text, contentType: text, encoding: text, sequence: fc.nat({ max: Number.MAX_SAFE_INTEGER }), time: fc.oneof(fc.double(), fc.constant(Number.NaN)), size: fc.oneof(fc.nat(100), fc.nat(2 * BUFFER_BYTES)) }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      const packer = new Packer();
      const pieces: Packed[] = [];
      const payloadOf = (size: number): Uint8Array => new Uint8Array(size).fill(size % 251);
      for (const { size, ...envelope } of messages) {
        if (packer.add(envelope, payloadOf(size))) continue;
        pieces.push(packer.take());
        if (!packer.add(envelope, payloadOf(size))) return false;
      }
      if (packer.length > 0) pieces.push(packer.take());
      const unpacked: unknown[] = [];
      for (const piece of pieces) {
        const unpacker = new Unpacker(piece);
        while (unpacker.next()) {
          const { subject, id, contentType, encoding, sequence, time, payload } = unpacker;
          if (!Buffer.from(payload).equals(payloadOf(payload.length))) return false;
          unpacked.push({ subject, id, contentType, encoding, sequence, time, size: payload.length });
        }
        packer.reuse(piece.memory);
      }
      return t.strictSame(unpacked, messages);
    }),
    { numRuns: 60 },
  );
  t.end();
});

t.test('where a message stands, by both forms of the subject for its acknowledgement', async (t) => {
  const place = { sequence: 1_234, delivery: 7, time: 1_795_945_618_243, pending: 9 };
  t.strictSame(placeOf('$JS.ACK.METRICS.consumer.1.1234.7.1795945618243400675.9'), place);
  t.strictSame(placeOf('$JS.ACK.hub.ACCHASH.METRICS.consumer.1.1234.7.1795945618243400675.9.token'), place);
  t.strictSame(placeOf('$JS.ACK.hub.ACCHASH.METRICS.consumer.1.1234.7.1795945618243400675.9'), place);
  for (const none of ['', '_INBOX.abc', '$JS.ACK.METRICS.consumer', '$JS.API.a.b.c.1.2.3.4.5']) t.equal(placeOf(none), undefined);
});

const untold = (): void => undefined;

t.test('remembered ids: taken up again from their position, they decide as without a pause', (t) => {
  const message = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), step: fc.constantFrom(0, 1, 5, 30, -20) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), fc.nat(60), fc.integer({ min: 1, max: 6 }), (messages, cut, most) => {
      let time = 1_000;
      const all = messages.map(({ id, step }, i) => ({ id, sequence: i + 1, time: (time += step) }));
      const whole = new RecentIds(most, 25, untold);
      const decided: boolean[] = [];
      let position = whole.position;
      for (const [i, { id, sequence, time }] of all.entries()) {
        if (i === cut) ({ position } = whole);
        decided.push(whole.repeats(id, sequence, time));
      }
      if (cut >= all.length) return true;
      const again = new RecentIds(most, 25, untold);
      if (position !== undefined) {
        again.restore(position);
        for (const { id, sequence, time } of all.slice(position.from - 1, cut)) again.repeats(id, sequence, time);
      }
      return t.strictSame(all.slice(cut).map(({ id, sequence, time }) => again.repeats(id, sequence, time)), decided.slice(cut));
    }),
    { numRuns: 1_000 },
  );
  t.end();
});

t.test('an id is remembered for a window at least and for two at most, whatever the others are', (t) => {
  const WINDOW = 100;
  const message = fc.record({ id: fc.nat(15), step: fc.constantFrom(0, 1, 2, 7, 60) });
  let [repeats, forgotten] = [0, 0];
  fc.assert(
    fc.property(fc.array(message, { minLength: 50, maxLength: 100 }), (messages) => {
      const ids = new RecentIds(1_000_000, WINDOW, () => t.fail('it is not full'));
      const last = new Map<number, number>();
      let time = 5_000;
      return messages.every(({ id, step }, i) => {
        time += step;
        const age = time - (last.get(id) ?? -Infinity);
        last.set(id, time);
        const repeated = ids.repeats(`publisher-${id}`, i + 1, time);
        if (repeated) repeats += 1;
        if (age > 2 * WINDOW && age < Infinity) forgotten += 1;
        return repeated ? age <= 2 * WINDOW : age >= WINDOW;
      });
    }),
    { numRuns: 100 },
  );
  t.ok(repeats > 100 && forgotten > 100, `${repeats} repeats, ${forgotten} that came back later`);
  t.end();
});

t.test('of more ids than there is room for, the last are remembered, and that is told', (t) => {
  const short: number[] = [];
  const MOST = 20_000;
  const ids = new RecentIds(MOST, 1_000_000, (ms) => short.push(ms));
  const id = (n: number): string => `3f9a-${n}`;
  let wrong = 0;
  for (let n = 0; n < 4 * MOST; n++) if (ids.repeats(id(n), n + 1, n)) wrong += 1;
  t.equal(wrong, 0, 'none is taken for another');
  t.strictSame(short, [MOST, MOST, MOST]);
  for (let n = 3 * MOST; n < 4 * MOST; n++) if (!ids.repeats(id(n), 4 * MOST + n, 4 * MOST)) wrong += 1;
  t.equal(wrong, 0, 'the last');
  t.notOk(ids.repeats(id(0), 9 * MOST, 4 * MOST), 'the first are not known any more');
  ids.clear();
  t.equal(ids.position, undefined);
  t.notOk(ids.repeats(id(4 * MOST - 1), 1, 0));
  t.end();
});
