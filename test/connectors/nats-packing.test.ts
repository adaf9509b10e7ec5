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

t.test('remembered ids: taken up again from their position, they decide as without a pause', (t) => {
  const message = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'), step: fc.constantFrom(0, 1, 5, 30, -20) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 60 }), fc.nat(60), fc.integer({ min: 1, max: 6 }), (messages, cut, most) => {
      let time = 1_000;
      const all = messages.map(({ id, step }, i) => ({ id, sequence: i + 1, time: (time += step) }));
      const whole = new RecentIds(most, 25);
      const decided: boolean[] = [];
      let position = whole.position;
      for (const [i, { id, sequence, time }] of all.entries()) {
        if (i === cut) ({ position } = whole);
        decided.push(whole.repeats(id, sequence, time));
      }
      if (cut >= all.length) return true;
      const again = new RecentIds(most, 25);
      if (position !== undefined) {
        again.restore(position);
        for (const { id, sequence, time } of all.slice(position.from - 1, cut)) again.repeats(id, sequence, time);
      }
      return t.strictSame(all.slice(cut).map(({ id, sequence, time }) => again.repeats(id, sequence, time)), decided.slice(cut));
    }),
    { numRuns: 1_000 },
  );

  const ids = new RecentIds(3, 100);
  t.strictSame([['a', 0], ['b', 10], ['a', 20], ['c', 30], ['d', 40], ['b', 50], ['d', 150], ['d', 251]].map(([id, time], i) => ids.repeats(id as string, i, time as number)), [false, false, true, false, false, false, false, false]);
  t.end();
});
