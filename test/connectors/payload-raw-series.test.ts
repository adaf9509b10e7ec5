import fc from 'fast-check';
import t from 'tap';
import { viewOf } from '../../connectors/payload/decoding.js';
import { RawSeries } from '../../connectors/payload/raw-series.js';

/** A text between others, where it begins and ends. */
const placed = (text: string): [view: DataView, from: number, to: number] => [viewOf(Buffer.from(`<${text}>`)), 1, 1 + Buffer.byteLength(text)];
const nothing = (): number => 0;

/** Asks for a series as decoders do; whether it was followed, found or is new. */
function ask(known: RawSeries<string>, text: string): 'followed' | 'found' | 'new' {
  const [view, from, to] = placed(text);
  if (known.follow(view, from) === to) {
    t.equal(known.followed, text);
    return 'followed';
  }
  const found = known.find(view, from, to);
  if (found === undefined) known.keep(view, from, to, text);
  else t.equal(found, text);
  return found === undefined ? 'new' : 'found';
}

t.test('a series is never mistaken for another, in whatever order they come', async (t) => {
  const text = fc.oneof(fc.constantFrom('a', 'ab', 'abc', 'abcd', 'abcde', 'bcde', 'abcdf', 'é'), fc.string({ minLength: 1, maxLength: 12 }));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 80 }), fc.constantFrom(0, 200, 1_000, 1e6), (order, limit) => {
      const known = new RawSeries<string>(nothing, limit);
      const asked = new Set<string>();
      for (const text of order) {
        const how = ask(known, text);
        if (how !== 'new') t.ok(asked.has(text));
        else t.ok(!asked.has(text) || limit < 1e6, 'nothing is forgotten while there is room');
        asked.add(text);
      }
    }),
  );
});

t.test('what stands at the end of the bytes is not read past it', async (t) => {
  const known = new RawSeries<string>(nothing);
  ask(known, 'a');
  ask(known, 'abcdefgh');
  ask(known, 'a');
  t.equal(known.follow(viewOf(Buffer.from('abcdefg')), 0), -1);
  t.equal(known.find(viewOf(Buffer.from('abc')), 0, 3), undefined);
});

t.test('series in the order of the time before are followed', async (t) => {
  const known = new RawSeries<string>(nothing);
  const texts = Array.from({ length: 3_000 }, (_, i) => `cpu,host=host-${i}>`);
  const pass = (): Record<string, number> => {
    const count: Record<string, number> = {};
    for (const text of texts) {
      const how = ask(known, text);
      count[how] = (count[how] ?? 0) + 1;
    }
    return count;
  };
  t.same([pass(), pass(), pass()], [{ new: 3_000 }, { found: 1, followed: 2_999 }, { followed: 3_000 }]);
});

t.test('memory is bounded, and what is asked for stays', async (t) => {
  const known = new RawSeries<string>(() => 1_000, 200_000);
  const often = 'often';
  ask(known, often);
  for (let i = 0; i < 10_000; i++) {
    ask(known, `once-${i}`);
    if (i % 50 === 0) t.not(ask(known, often), 'new');
  }
  const found = Array.from({ length: 10_000 }, (_, i) => known.find(...placed(`once-${i}`))).filter((text) => text !== undefined);
  t.ok(found.length >= 90 && found.length <= 400, `${found.length} are known`);
  t.equal(found.at(-1), 'once-9999');
});

t.test('series of one hash take the places of each other', async (t) => {
  // As it is mixed: the second half of eight bytes takes back what the first did.
  const first = (word: number): number => {
    const hash = Math.imul(8 ^ word, 0x9e3779b1);
    return hash ^ (hash >>> 15);
  };
  const known = new RawSeries<number>(nothing);
  const views = Array.from({ length: 1_000 }, (_, i) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setInt32(0, i, true);
    view.setInt32(4, first(i), true);
    return view;
  });
  for (const [i, view] of views.entries()) if (known.find(view, 0, 8) === undefined) known.keep(view, 0, 8, i);
  const found = views.filter((view, i) => known.find(view, 0, 8) === i);
  t.ok(found.length > 0 && found.length <= 8, `${found.length}`);
});
