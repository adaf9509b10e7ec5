import fc from 'fast-check';
import t from 'tap';
import { MAX_LINE_BYTES } from '../../connectors/payload/decoding.js';
import { readSample } from '../../connectors/payload/json-sample.js';
import { JsonPayload, NdjsonPayload } from '../../connectors/payload/json.js';
import { payloadKind } from '../../connectors/payload/kind.js';
import { TextDecoders } from '../../connectors/payload/text-decoders.js';
import { decoded, NOW, type Row } from './payload-kit.js';

const A = '{"metric_name":"a","value":1}';

t.test('an object, an array, and lines of objects', async (t) => {
  const sample = '{ "metric_name": "cpu", "value": 0.5, "timestamp": "2023-11-14T22:00:00Z", "labels": {"z": "1", "host": "é"} }';
  const row: Row = ['cpu{host="é",z="1"}', 0.5, Date.parse('2023-11-14T22:00:00Z')];
  t.strictSame(decoded(new JsonPayload(), sample).rows, [row]);
  t.strictSame(decoded(new JsonPayload(), `\ufeff [${sample},\n ${A}] \n`).rows, [row, ['a', 1, NOW]]);
  t.strictSame(decoded(new JsonPayload(), '[]'), { rows: [], problems: [], added: 0, refused: 0, skipped: 0, bad: 0 });
  t.strictSame(decoded(new NdjsonPayload(), `${sample}\r\n\n  \n${A}`).rows, [row, ['a', 1, NOW]]);
  const counts = new JsonPayload().decode(Buffer.from(`[${A},${sample}]`), NOW, { add: (_, series) => series !== 'a' }, () => undefined);
  t.strictSame(counts, { added: 1, refused: 1, skipped: 0, bad: 0 });
});

t.test('a bad element loses itself alone, told with its bytes', async (t) => {
  const bad = '{"metric_name":"b,]\\"","value":[1,{"x":"}"}]}';
  const payload = `[${A},\n\n  ${bad} ,7,\n${A}\n,\n{"metric_name":"9","value":1}]`;
  const told = decoded(new JsonPayload(), payload);
  t.strictSame(told.rows, [['a', 1, NOW], ['a', 1, NOW]]);
  t.match(told.problems.map(({ reason, line, from, to, offset }) => [reason, line, payload.slice(from, to).trim(), offset === from]), [
    [/value must be a finite number/, 3, bad, true],
    [/a sample is a JSON object, not 7/, 3, '7', true],
    [/metric name "9"/, 6, '{"metric_name":"9","value":1}', true],
  ]);
  t.match(decoded(new JsonPayload(), '5').problems, [{ reason: /a sample is a JSON object/, line: 1, from: 0, to: 1 }]);
  const broken = decoded(new JsonPayload(), `[${A},\n"é" x]`);
  t.strictSame(broken.rows, []);
  t.match(broken.problems, [{ reason: /not JSON/, offset: 37, line: 2, from: 0, to: 39 }]);
  t.match(decoded(new JsonPayload(), Buffer.from([0x22, 0xff, 0x22])).problems, [{ reason: /not UTF-8/ }]);
});

t.test('a bad line of NDJSON loses itself alone', async (t) => {
  const lines: readonly (readonly [line: string, reason: RegExp, offset: number])[] = [
    ['{"metric_name":"a"}', /value must be a finite number, not missing/, 0],
    ['{"metric_name":"a","value":1}}', /not JSON/, 29],
    ['{"metric_name":"a","value":1', /not JSON/, 28],
    ['{"metric_name":"a","value":1e999}', /finite/, 0],
    [`{"metric_name":"a","value":1,"timestamp":1700000000}`, /looks like seconds/, 0],
    [`{"metric_name":"a","value":1,"timestamp":${NOW + 120_000}}`, /in the future/, 0],
    [`{"metric_name":"a","value":1,"labels":{"b":1}}`, /labels.b must be a string/, 0],
    [`{"metric_name":"${'x'.repeat(MAX_LINE_BYTES)}","value":1}`, /at most 65536/, 0],
  ];
  for (const [line, reason, offset] of lines) {
    const told = decoded(new NdjsonPayload(), `${A}\n${line}\n${A}\n`);
    t.equal(told.added, 2, line.slice(0, 60));
    t.match(told.problems, [{ reason, line: 2, from: 30, to: 30 + line.length, offset: 30 + offset }], line.slice(0, 60));
  }
});

t.test('samples are taken as the schema takes them, whatever was decoded before', async (t) => {
  const [json, ndjson] = [new JsonPayload(), new NdjsonPayload()];
  const text = fc.oneof(fc.constantFrom('a', 'b', '', 'a\0b', '1:a', '9', '__proto__'), fc.string({ maxLength: 4 }));
  const odd = fc.oneof(fc.constant(null), fc.boolean(), fc.array(fc.integer(), { maxLength: 1 }), text, fc.double());
  const time = fc.oneof(fc.constantFrom(NOW, NOW + 60_000, NOW + 60_001, 1e9, 1e11, -1, 9e15, '2023-11-14', '2023-02-30', '2030-01-01', 'now'), odd);
  const posted = fc.oneof(
    { weight: 5, arbitrary: fc.record({ metric_name: text, value: fc.double(), timestamp: time, labels: fc.oneof(fc.dictionary(text, text, { maxKeys: 3 }), odd) }, { requiredKeys: ['metric_name', 'value'] }) },
    { weight: 5, arbitrary: fc.record({ metric_name: fc.constantFrom('a', 'b'), value: fc.integer(), labels: fc.dictionary(fc.constantFrom('a', 'b', 'c'), text) }, { requiredKeys: ['metric_name', 'value'] }) },
    { weight: 2, arbitrary: fc.record({ metric_name: odd, value: odd, more: odd }, { requiredKeys: [] }) },
    { weight: 1, arbitrary: odd },
  );
  let taken = 0;
  fc.assert(
    fc.property(fc.array(posted, { maxLength: 6 }), (samples) => {
      const array = JSON.stringify(samples);
      const again = JSON.parse(array) as unknown[];
      const wanted = again.map((sample) => readSample('metric', sample, NOW));
      const rows = wanted.flatMap((read) => (typeof read === 'string' ? [] : [[read.sample.series, read.sample.value, read.sample.time]]));
      const reasons = wanted.filter((read) => typeof read === 'string');
      taken += rows.length;
      for (const told of [decoded(json, array), decoded(ndjson, again.map((sample) => JSON.stringify(sample)).join('\n'))]) {
        t.strictSame(told.rows, rows);
        t.strictSame(told.problems.map(({ reason }) => reason), reasons);
      }
    }),
    { numRuns: 300 },
  );
  t.ok(taken > 100, `${taken} samples`);
});

t.test('what is scanned is what JSON.parse reads: pieces of JSON put together at random', async (t) => {
  const piece = fc.constantFrom('{', '}', ',', ':', ' ', '\n', '[', ']', '"', '\\', '"metric_name":"a"', ',"value":1', ',"labels":{"b":"c"}', ',"timestamp":5', '"labels" : { }', '0', '1', '-', '.', 'e', '+', 'é', '\u0001', '"value"');
  const pieces = (maxLength: number): fc.Arbitrary<string> =>
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom('', ' ', '"timestamp":5,', '"labels":{"b":"c"},') }, { weight: 2, arbitrary: fc.array(piece, { maxLength }).map((each) => each.join('')) });
  const text = fc
    .tuple(fc.constantFrom('{', '[{', ' {'), fc.constantFrom('"metric_name":"a",', '"metric_name":"a",', ''), pieces(2), fc.constantFrom('"value":1', '"value":1', '"value":0', '"value":-0.5E+3', '"value":1e-2', '"value":01', '"value":.5', '"value":1.', '"value":+1'), fc.constantFrom('', '', ' ', ',"labels":{"b":"c","b":"d"}', ',"timestamp":"2023-11-14"', ',"timestamp":5', ',"value":2'), pieces(2).map((each) => (each.endsWith(',') ? `,${each.slice(0, -1)}` : each)), fc.constantFrom('}', '}]', '} , {"metric_name":"b","value":2}]'))
    .map((parts) => parts.join(''));
  const [json, ndjson] = [new JsonPayload(), new NdjsonPayload()];
  const parsed = (written: string): unknown[] => {
    try {
      const value = JSON.parse(written) as unknown;
      return Array.isArray(value) ? value : [value];
    } catch {
      return [];
    }
  };
  const rowsOf = (samples: readonly unknown[]): unknown[] =>
    samples.map((sample) => readSample('metric', sample, NOW)).flatMap((read) => (typeof read === 'string' ? [] : [[read.sample.series, read.sample.value, read.sample.time]]));
  let taken = 0;
  fc.assert(
    fc.property(text, (written) => {
      const rows = rowsOf(parsed(written));
      taken += rows.length;
      t.strictSame(decoded(json, written).rows, rows, written);
      const lines = written.split('\n').flatMap((line) => rowsOf(line.trimStart().startsWith('[') ? [] : parsed(line)));
      t.strictSame(decoded(ndjson, written).rows, lines, written);
    }),
    { numRuns: 2_000 },
  );
  t.ok(taken > 100, `${taken} samples`);
});

t.test('names and labels that look alike with their parts joined are told apart', async (t) => {
  const samples = [{ name: 'm', labels: { a: 'x', b: 'y' } }, { name: 'm', labels: { a: 'x1:b1:y' } }, { name: 'm', labels: { a: 'x\0b\0y' } }, { name: 'm1', labels: {} }, { name: 'm', labels: {} }];
  const text = JSON.stringify([...samples, ...samples].map(({ name, labels }) => ({ metric_name: name, value: 1, labels })));
  t.equal(new Set(decoded(new JsonPayload(), text).rows.map(([series]) => series)).size, 5);
});

t.test('damaged bytes never throw', async (t) => {
  const [json, ndjson] = [new JsonPayload(), new NdjsonPayload()];
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }), (damage) => {
      const bytes = Buffer.from(`[${A},{"metric_name":"b","value":2,"labels":{"c":"d\\n"}},{"value":"3"}]`);
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
      const whole = decoded(json, bytes);
      t.equal(whole.bad, whole.problems.length);
      const lines = decoded(ndjson, Buffer.concat([bytes, Buffer.from(`\n${A}`)]));
      return lines.rows.at(-1)![0] === 'a' && lines.bad === lines.problems.length;
    }),
  );
});

t.test('the form by Content-Type, else by the bytes', async (t) => {
  const cases: readonly (readonly [type: string | undefined, payload: string | Uint8Array, kind: ReturnType<typeof payloadKind>])[] = [
    ['application/json', 'm value=1', 'json'],
    ['Application/JSON; charset=utf-8', '', 'json'],
    ['application/x-ndjson', A, 'ndjson'],
    ['text/plain; version=0.0.4; charset=utf-8', 'm value=1', 'prometheus'],
    ['text/plain;version="0.0.4"', '', 'prometheus'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', '', 'openmetrics'],
    ['text/x-influx-line-protocol', 'm 1', 'influx'],
    ['application/vnd.millrace.frame', '', 'frame'],
    ['application/x-protobuf', A, undefined],
    ['text/plain', A, 'json'],
    ['text/plain; charset=utf-8', 'm value=1', 'influx'],
    ['application/octet-stream', 'm 1', 'prometheus'],
    [undefined, new Uint8Array([0xf5, 0x4d, 0x52]), 'frame'],
    [undefined, '', undefined],
    [undefined, ' \n', undefined],
    [undefined, `\ufeff ${A}\n`, 'json'],
    [undefined, `{\n  "metric_name": "a",\n  "labels": {\n}}`, 'json'],
    [undefined, `${A}\n${A}`, 'ndjson'],
    [undefined, `[${A}\n,\n${A}]`, 'json'],
    [undefined, 'm,a=b value=1 5', 'influx'],
    [undefined, '# plain comment\n\nm value=1', 'influx'],
    [undefined, 'm,a={x} value=1', 'influx'],
    [undefined, 'm\\ n value=1', 'influx'],
    [undefined, 'm v="a b"', 'influx'],
    [undefined, '# HELP m value=1\n', 'prometheus'],
    [undefined, '# TYPE m counter\nm 1\n# EOF\n', 'openmetrics'],
    [undefined, '# EOF', 'openmetrics'],
    [undefined, '# plain comment\nm 1', 'prometheus'],
    [undefined, 'm 1 1700000000000', 'prometheus'],
    [undefined, 'm{a="b c=d"} 1', 'prometheus'],
    [undefined, 'm {a="b c=d"} 1', 'prometheus'],
    [undefined, '# only a comment', undefined],
    [undefined, 'hello', undefined],
  ];
  for (const [type, payload, kind] of cases) t.equal(payloadKind(type, Buffer.from(payload)), kind, `${type}: ${JSON.stringify(payload)}`);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => [undefined, ...['json', 'ndjson', 'influx', 'prometheus', 'openmetrics', 'frame']].includes(payloadKind(undefined, bytes))));
});

t.test('one decoder a form, and for line protocol one a precision', async (t) => {
  const decoders = new TextDecoders();
  t.strictSame(decoded(decoders.get('influx', 's'), 'm value=1 7').rows, [['m', 1, 7_000]]);
  t.strictSame(decoded(decoders.get('influx'), 'm value=1 7000000').rows, [['m', 1, 7]]);
  t.strictSame(decoded(decoders.get('prometheus'), 'm 1 7').rows, [['m', 1, 7]]);
  t.strictSame(decoded(decoders.get('openmetrics'), 'm 1 7\n# EOF').rows, [['m', 1, 7_000]]);
  t.strictSame(decoded(decoders.get('json'), A).rows, [['a', 1, NOW]]);
  t.strictSame(decoded(decoders.get('ndjson'), `${A}\n${A}`).added, 2);
  t.equal(decoders.get('influx', 's'), decoders.get('influx', 's'));
});
