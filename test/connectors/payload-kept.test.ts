import fc from 'fast-check';
import t from 'tap';
import { TextDecoders, type TextKind } from '../../connectors/payload/text-decoders.js';
import { decoded } from './payload-kit.js';

/** Lines of each form: such as publishers send again and again, and as they must not be taken for each other. */
const lines: Readonly<Record<Exclude<TextKind, 'openmetrics'>, readonly string[]>> = {
  influx: ['cpu,host=a user=1.5,system=2i 1700000000000000000', 'cpu,host=a user=1.5,system=3i 1700000001000000000', 'cpu,host=b user=-0.25 1700000000000000000', 'cpu,host=ab user=1,system=2', 'cpu,host=a\\ b value=1', 'm value=12345678901234567890', 'm value=t', 'm s="x y",value=1e3 1', '# x', ''],
  prometheus: ['cpu{host="a"} 1.5 1700000000000', 'cpu{host="b"} 2 1700000000000', 'cpu 1', 'cpu_total 3', 'cpu {host="a"} 4', 'up NaN', '# TYPE cpu gauge', 'cpu{host="a b}"} 1'],
  ndjson: ['{"metric_name":"a","value":1,"timestamp":"2023-11-14T22:00:00Z","labels":{"h":"x"}}', '{"metric_name":"b","value":-0.5,"timestamp":"2023-11-14T22:00:00Z","labels":{"h":"x"}}', '{"metric_name":"a","labels":{"h":"xy"},"value":2,"timestamp":1700000000000}', '{"value":3e2,"metric_name":"a"}', '{"metric_name":"a","value":1.0,"labels":{}}', '{ "metric_name" : "a", "value" : 4 }'],
  json: [],
};

/** A payload of such lines, in which a few bytes may be another's. */
const payload = (form: keyof typeof lines): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(fc.constantFrom(...lines[form === 'json' ? 'ndjson' : form]), { minLength: 1, maxLength: 8 }), fc.array(fc.tuple(fc.nat(), fc.constantFrom('', ' ', '1', '.', ',', '"', '\\', 'i', 'e', '-', '}', '\n', '\r\n', 'a', '=', '00')), { maxLength: 2 }), fc.boolean())
    .map(([some, edits, insert]) => {
      let text = form === 'json' ? `[${some.join(',')}]` : some.join('\n');
      for (const [place, piece] of edits) {
        const at = place % text.length;
        text = text.slice(0, at) + piece + text.slice(insert ? at : at + 1);
      }
      return text;
    });

for (const form of ['influx', 'prometheus', 'ndjson', 'json'] as const) {
  t.test(`${form}: what a decoder has seen changes nothing of what it reads`, async (t) => {
    let added = 0;
    fc.assert(
      fc.property(fc.array(payload(form), { minLength: 1, maxLength: 6 }), (payloads) => {
        const kept = new TextDecoders().get(form);
        for (const each of [...payloads, ...payloads]) {
          const told = decoded(kept, each);
          added += told.added;
          t.strictSame(told, decoded(new TextDecoders().get(form), each), each);
        }
      }),
      { numRuns: 300 },
    );
    t.ok(added > 500, `${added} samples`);
  });
}
