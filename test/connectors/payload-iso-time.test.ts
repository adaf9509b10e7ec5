import fc from 'fast-check';
import t from 'tap';
import { IsoTimes } from '../../connectors/payload/iso-time.js';
import { isoTime } from '../../connectors/payload/json-sample.js';

/** In the middle of other bytes. */
const read = (times: IsoTimes, text: string): number => {
  const bytes = Buffer.from(`"${text}"9`, 'latin1');
  return times.read(bytes, 1, 1 + text.length);
};

t.test('the same as Date.parse, for every form that it has in common with RFC 3339', async (t) => {
  const times = new IsoTimes();
  const digits = (n: number, width: number): string => String(n).padStart(width, '0');
  const date = fc.oneof(
    fc.date({ min: new Date('1000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }).map((day) => day.toISOString().slice(0, 10)),
    fc.constantFrom('2024-02-29', '1900-02-28', '1970-01-01', '1969-12-31'),
  );
  const clock = fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)).map((parts) => parts.map((part) => digits(part, 2)).join(':'));
  const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,12}$/));
  const zone = fc.oneof(fc.constant('Z'), fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59)).map(([sign, hours, minutes]) => `${sign}${digits(hours, 2)}:${digits(minutes, 2)}`));
  fc.assert(
    fc.property(fc.array(fc.tuple(date, clock, fraction, zone), { minLength: 1, maxLength: 5 }), (all) =>
      all.every(([day, time, part, zone]) => {
        const text = `${day}T${time}${part}${zone}`;
        const parsed = Date.parse(text);
        t.notOk(Number.isNaN(parsed), text);
        return read(times, text) === parsed;
      }),
    ),
    { numRuns: 2_000 },
  );
});

t.test('the same as the slow way, whatever the text is', async (t) => {
  const times = new IsoTimes();
  const piece = fc.constantFrom('2024', '-', '02', '29', '30', '13', '00', 'T', 't', ' ', ':', '24', '23', '59', '60', '.', ',', '123', '1', 'Z', 'z', '+', '01:30', '0130', '9', 'é');
  const usual = fc.constantFrom('2024-02-29T23:59:59.123Z', '2023-01-31T00:00:00+01:30', '2024-12-31T24:00:00Z', '0999-01-01T00:00:00Z', '0024-01-01T00:00:00Z', '2023-02-29T00:00:00Z', '2024-04-31T00:00:00.1Z');
  const damaged = fc.tuple(usual, fc.nat(24), piece, fc.boolean()).map(([text, at, piece, insert]) => text.slice(0, at) + piece + text.slice(insert ? at : at + piece.length));
  let valid = 0;
  fc.assert(
    fc.property(fc.oneof(usual, damaged, fc.array(piece, { maxLength: 9 }).map((each) => each.join('')), fc.string({ maxLength: 30 })), (text) => {
      if (/[^\u0000-\u00ff]/.test(text)) return true;
      const slow = isoTime(text);
      if (!Number.isNaN(slow)) valid += 1;
      return Object.is(read(times, text), slow);
    }),
    { numRuns: 20_000 },
  );
  t.ok(valid > 500, `${valid} are times`);
});
