import fc from 'fast-check';
import t from 'tap';
import { readIsoTime } from '../../connectors/payload/iso-time.js';

/** In the middle of other bytes. */
const read = (text: string): number => {
  const bytes = Buffer.from(`2"${text}"9`);
  return readIsoTime(bytes, 2, bytes.length - 2);
};

const FORM = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ]((?:[01]\d|2[0-3]):\d\d(?::\d\d(?:[.,]\d+)?)?)(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)?)?$/;

/** By its definition and `Date.parse`. */
function defined(text: string): number {
  const match = FORM.exec(text);
  if (match === null) return Number.NaN;
  const [, year, month, day, clock = '00:00', sign = '+', hours = '00', minutes = '00'] = match;
  // Date.parse would take 30 February for 1 March.
  if (Number(day) > new Date(Date.UTC(2000 + (Number(year) % 400), Number(month), 0)).getUTCDate()) return Number.NaN;
  return Date.parse(`${year}-${month}-${day}T${clock.replace(',', '.')}${sign}${hours}:${minutes}`);
}

t.test('the same as Date.parse, for every form that it has in common with RFC 3339', async () => {
  const digits = (n: number, width: number): string => String(n).padStart(width, '0');
  const date = fc.oneof(
    fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }).map((day) => day.toISOString().slice(0, 10)),
    fc.constantFrom('2024-02-29', '1900-02-28', '1970-01-01', '1969-12-31'),
  );
  const clock = fc.tuple(fc.nat(23), fc.nat(59), fc.nat(59)).map((parts) => parts.map((part) => digits(part, 2)).join(':'));
  // Of more digits V8 makes another number.
  const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,9}$/));
  const zone = fc.oneof(fc.constant('Z'), fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59)).map(([sign, hours, minutes]) => `${sign}${digits(hours, 2)}:${digits(minutes, 2)}`));
  fc.assert(
    fc.property(date, clock, fraction, zone, (day, time, part, zone) => {
      const text = `${day}T${time}${part}${zone}`;
      const parsed = Date.parse(text);
      return !Number.isNaN(parsed) && read(text) === parsed;
    }),
    { numRuns: 2_000 },
  );
});

t.test('the same as by its definition, whatever the text is', async (t) => {
  const piece = fc.constantFrom('2024', '-', '02', '29', '30', '13', '00', 'T', 't', ' ', ':', '24', '23', '59', '60', '.', ',', '123', '1', 'Z', 'z', '+', '01:30', '0130', '9', 'é');
  const usual = fc.constantFrom('2024-02-29T23:59:59.123Z', '2023-01-31T00:00:00+01:30', '2024-12-31T24:00:00Z', '0999-01-01T00:00:00Z', '0024-01-01T00:00:00Z', '2023-02-29T00:00:00Z', '2024-04-31T00:00:00.1Z');
  const damaged = fc.tuple(usual, fc.nat(24), piece, fc.boolean()).map(([text, at, piece, insert]) => text.slice(0, at) + piece + text.slice(insert ? at : at + piece.length));
  let valid = 0;
  fc.assert(
    fc.property(fc.oneof(usual, damaged, fc.array(piece, { maxLength: 9 }).map((each) => each.join('')), fc.string({ maxLength: 30 })), (text) => {
      const time = defined(text);
      if (!Number.isNaN(time)) valid += 1;
      return Object.is(read(text), time);
    }),
    { numRuns: 10_000 },
  );
  t.ok(valid > 300, `${valid} are times`);
});
