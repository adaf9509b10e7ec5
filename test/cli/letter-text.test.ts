import t from 'tap';
import { payloadRows } from '../../cli/letter-text.js';
import { payloadFields } from '../../engine/dead-letter-files.js';

const rowsOf = (payload: string | Uint8Array, offset?: number): string[] =>
  payloadRows({ id: 1, at: 0, node: 'in', origin: 'x', reason: 'y', ...payloadFields(typeof payload === 'string' ? Buffer.from(payload) : payload), ...(offset !== undefined && { offset }) });

t.test('the byte where a text goes wrong is marked, under its character', async (t) => {
  t.same(rowsOf('m value=x', 8), ['m value=x', '        ^ byte 8']);
  t.same(rowsOf('m value=x'), ['m value=x']);
  t.same(rowsOf('m,a=é value=x', 13), ['m,a=é value=x', '            ^ byte 13'], 'bytes are not characters');
  t.same(rowsOf('a\n\tb=1\nc', 5), ['a', '·b=1', '   ^ byte 5', 'c']);
  t.same(rowsOf('{"a', 3), ['{"a', '   ^ byte 3'], 'the end');
  t.same(rowsOf('a\nb', 1), ['a', ' ^ byte 1', 'b'], 'the line feed');
  t.same(rowsOf('', 0), ['', '^ byte 0']);
  t.same(rowsOf('abc', 7), ['abc', '(byte 7 is not kept)']);
  const long = 'x'.repeat(250);
  t.same(rowsOf(long, 100), [long.slice(0, 100), long.slice(0, 100), '^ byte 100', long.slice(0, 50)], 'rows that fit a terminal');
  t.same(rowsOf('x'.repeat(100), 100).length, 2);
});

t.test('what is no text is dumped', async (t) => {
  t.same(rowsOf(Buffer.concat([Buffer.from('0123456789abcdef'), Buffer.of(0xff, 0x1b, 0x41)]), 17), [
    '00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef',
    `00000010  ff 1b 41 ${' '.repeat(39)} ··A`,
    '             ^ byte 17',
  ]);
  t.match(rowsOf('a\u0000b'), [/^00000000 {2}61 00 62 .* a·b$/], 'nor what no terminal shows');
});
