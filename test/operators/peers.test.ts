import fc from 'fast-check';
import t from 'tap';
import { shapes } from '../../bench/quality/shapes.js';
import type { Anomaly } from '../../engine/finding.js';
import { hash32, seeded } from '../../engine/random.js';
import { bytesOf } from '../../engine/state.js';
import { stateOf } from '../../operators/peers/config.js';
import peers from '../../operators/peers/definition.js';
import { judgeFleet, learnDistance, ratioOf } from '../../operators/peers/fleet.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { differs, interleaved, modes } from '../kit/modes.js';
import { runReference } from '../kit/reference.js';
import { formatTime, parseMessages, type Message, type Outcome } from '../kit/text.js';

const MINUTE = 60_000;

/** A fleet by the minute; a value that is undefined is not there. */
function compare(config: Record<string, unknown>, windows: number, hosts: number, valueOf: (host: number, window: number) => number | undefined): Outcome {
  const messages: Message[] = [];
  for (let w = 0; w < windows; w++) {
    if (w > 0) messages.push({ type: 'watermark', time: w * MINUTE });
    for (let h = 0; h < hosts; h++) {
      const value = valueOf(h, w);
      if (value !== undefined) messages.push({ type: 'row', port: 0, row: { time: w * MINUTE + 30_000, series: { name: 'm', labels: { host: `h${h}` } }, value, flags: 0, columns: {} } });
    }
  }
  return runReference(peers, peers.config.parse(config), messages);
}

const told = ({ findings }: Outcome): string[] => (findings as Anomaly[]).map(({ time, state, series, severity, direction }) => `${formatTime(time)} ${state} ${series} ${severity} ${direction}`);
/** Within 2 of 50, another each minute. */
const usual = (h: number, w: number): number => 50 + 2 * Math.sin(h * 2.4 + w * 1.7);

await t.test('one host unlike its fleet opens, grows and closes', async (t) => {
  const out = compare({}, 40, 10, (h, w) => (h === 3 && w >= 20 && w < 30 ? (w < 25 ? 64 : 200) : usual(h, w)));
  t.strictSame(told(out), ['23m opened m{host="h3"} medium up', '26m grew m{host="h3"} critical up', '33m closed m{host="h3"} critical up']);
  t.equal(new Set(out.findings.map(({ id }) => id)).size, 1);
  t.match(out.findings[0]!.explanation, /^m\{host="h3"\} was 64; 9 of 10 members are within 4\d\.?\d? to 5\d\.?\d? \(middle \d\d\.?\d?\); 1\.\d times as far above the middle as that reaches$/);
});

await t.test('a single window opens nothing, only the chosen side counts', async (t) => {
  const at = (value: number, from: number, to: number) => (h: number, w: number) => (h === 3 && w >= from && w < to ? value : usual(h, w));
  t.strictSame(told(compare({}, 40, 10, at(500, 20, 21))), []);
  t.strictSame(told(compare({ for: 1 }, 40, 10, at(500, 20, 21))).length, 2);
  t.strictSame(told(compare({}, 40, 10, at(500, 20, 22))).length, 2, 'two, far out, do');
  t.strictSame(told(compare({ direction: 'down' }, 40, 10, at(500, 20, 30))), []);
  t.strictSame(told(compare({ direction: 'down' }, 40, 10, at(-500, 20, 30)))[0], '22m opened m{host="h3"} critical down');
});

await t.test('a false alarm of a host needs more the next time, until it is undone; wherever its fleet is judged', async (t) => {
  const rows = Array.from({ length: 30 }, (_, w) => [
    ...(w === 0 ? [] : [`watermark ${w}m`]),
    ...Array.from({ length: 5 }, (_, h) => `${w * 60 + 30}s m{host="h${h}"} ${h === 3 && [10, 11, 18, 19, 26, 27].includes(w) ? 61 : usual(h, w)}`),
  ]);
  const config = peers.config.parse({ for: 2 });
  const told = (more: Readonly<Record<number, string>>): { readonly opened: readonly (readonly [number, number])[]; readonly messages: readonly Message[] } => {
    const messages = parseMessages(rows.flatMap((each, w) => [...each, ...(more[w] === undefined ? [] : [`port 1: ${w}m finding feedback ${more[w]} m{host="h3"} info toldBy=peers excess=1.8`])]));
    const opened = (runReference(peers, config, messages).findings as Anomaly[]).filter(({ state, series }) => state === 'opened' && series === 'm{host="h3"}');
    return { opened: opened.map(({ time, excess }) => [time / MINUTE, excess!]), messages };
  };
  const all = told({}).opened;
  t.strictSame(all.map(([time]) => time), [12, 20, 28]);
  t.ok(all.every(([, excess]) => excess > 1 && excess < 1.9), all.map(([, excess]) => excess).join(' '));
  t.strictSame(told({ 14: 'opened' }).opened, [all[0]!]);
  const undone = told({ 14: 'opened', 22: 'closed' });
  t.strictSame(undone.opened, [all[0]!, all[2]!], 'as if it had never been said');
  t.equal(differs({ definition: peers, config, messages: undone.messages }, [...modes, interleaved(1), interleaved(2)]), undefined);
});

await t.test('when many deviate it is told once, of the group, with those furthest out', async (t) => {
  const out = compare({}, 60, 100, (h, w) => (h < 50 && w >= 20 && w < 30 ? 90 + h : usual(h, w)));
  t.strictSame(told(out), ['23m opened m medium up', '33m closed m medium up']);
  t.match(out.findings[0]!.explanation, /^m: 50 of 100 members are away from the rest, 50 above and 0 below .* furthest: m\{host="h49"\} \(139\), m\{host="h48"\} \(138\), m\{host="h47"\} \(137\)$/);
  t.strictSame(told(compare({}, 60, 10, (h, w) => (h < 2 && w >= 20 ? 90 : usual(h, w)))), ['22m opened m{host="h0"} critical up', '22m opened m{host="h1"} critical up'].sort(), 'two of ten are two');
  t.strictSame(told(compare({ together: 0.2 }, 60, 10, (h, w) => (h < 2 && w >= 20 ? 90 : usual(h, w)))), ['23m opened m low up'], 'unless that is many');
});

await t.test('members that are away when the group is together again are told then', async (t) => {
  const out = compare({}, 60, 100, (h, w) => (h < 50 && w >= 20 && (w < 30 || h === 7) ? 90 + h : usual(h, w)));
  t.strictSame(told(out), ['23m opened m medium up', '33m closed m medium up', '34m opened m{host="h7"} critical up']);
});

await t.test('what stays is the place of the member; twice as far is told again', async (t) => {
  const out = compare({ adapt: 20 }, 120, 10, (h, w) => usual(h, w) + (h === 3 && w >= 20 ? (w < 80 ? 30 : 200) : 0));
  t.strictSame(told(out).map((line) => line.split(' ').slice(0, 2).join(' ')), ['22m opened', '41m closed', '1h22m opened', '1h41m closed']);
  t.match(out.findings[1]!.explanation, /has stayed away from its peers for 20 windows \(19m\), so that is its place/);
});

await t.test('an anomaly of a member that falls silent closes, that of a group without samples stays open', async (t) => {
  const gone = compare({}, 40, 10, (h, w) => (h === 3 ? (w < 25 ? (w < 20 ? usual(h, w) : 90) : undefined) : usual(h, w)));
  t.strictSame(told(gone), ['22m opened m{host="h3"} critical up', '28m closed m{host="h3"} critical up']);
  t.match(gone.findings[1]!.explanation, /gives no samples any more, after 6m away/);
  t.strictSame(told(compare({}, 40, 10, (h, w) => (w >= 25 ? undefined : h === 3 && w >= 20 ? 90 : usual(h, w)))).length, 1);
});

await t.test('too few peers, and a young group, are not judged', async (t) => {
  const few = compare({}, 30, 3, (h, w) => (h === 1 ? 500 : usual(h, w)));
  t.ok(few.rows.length === 90 && few.rows.every(({ columns }) => columns['score'] === 0) && few.findings.length === 0);
  const young = compare({ warmup: 10 }, 11, 8, (h, w) => (h === 1 ? 500 : usual(h, w)));
  t.strictSame([...new Set(young.rows.filter(({ columns }) => columns['score']! > 0).map(({ time }) => time / MINUTE))], [11]);
});

await t.test('series without the labels, late rows, and what is no number', async (t) => {
  const { rows, late } = runReference(
    peers,
    peers.config.parse({ across: ['host'] }),
    parseMessages(['1s m{pod="a"} 5', '2s m{host="a",pod="b"} 1', '3s m{host="a",pod="b"} 3', '4s m{host="a",pod="b"} NaN', '5s m{host="a",pod="b"} stale', 'watermark 1m', '59s m{host="a",pod="b"} 9', '1m m{host="a",pod="b"} 7']),
  );
  t.strictSame(rows.map(({ time, series, value }) => [time, series, value]), [[MINUTE, 'm{host="a",pod="b"}', 2], [2 * MINUTE, 'm{host="a",pod="b"}', 7]]);
  t.strictSame(late.map(({ series, value }) => [series, value]), [['m{host="a",pod="b"}', 9]]);
});

await t.test('whatever the noise: a score above 1 - p comes on a share p of rows, and hardly anything is found', async (t) => {
  const HOSTS = 12;
  const WINDOWS = 2_000;
  const LEARNING = 500;
  let found = 0;
  for (const shape of shapes) {
    const values = Array.from({ length: HOSTS }, (_, h) => shape.values(WINDOWS, hash32(`${h}`, 7)));
    const out = compare({}, WINDOWS, HOSTS, (h, w) => values[h]![w]);
    const scores = out.rows.filter(({ time }) => time > LEARNING * MINUTE).map(({ columns }) => columns['score']!);
    found += out.findings.filter(({ revision }) => revision === 1).length;
    for (const p of tails) {
      const { least, most } = bounds(p, scores.length);
      const share = shareAbove(scores, p);
      t.ok(share >= least && share <= most, `${shape.name}: ${share} for ${p}`);
    }
  }
  // 15 shapes of 24,000 values each.
  t.ok(found <= 4, `${found} findings`);
});

await t.test('the band is DBSCAN: outside of it is what is further than eps from every core of the main cluster', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 4, maxLength: 40 }), fc.double({ min: 0.1, max: 20, noNaN: true }), (values, eps) => {
      const fleet = judgeFleet(Float64Array.from(values), 0, { eps, sensitivity: 3, minPoints: undefined, leastAbsolute: 0, leastRelative: 0 });
      for (const value of values) {
        const ratio = ratioOf(value, fleet);
        const outside = fleet.lowestCore - value > eps || value - fleet.highestCore > eps;
        if (outside !== ratio >= 1 || !(ratio >= 0)) throw new Error(`${value} has ${ratio} in ${JSON.stringify(fleet)}`);
      }
    }),
  );
});

await t.test('order of arrival and the unit change nothing', async () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: -20, max: 20 }), (seed, power) => {
      const random = seeded(seed);
      const values = Array.from({ length: 40 * 8 }, () => 50 + random() + (random() < 0.02 ? 40 : 0));
      const of = (unit: number, backwards: boolean): string => {
        const { rows, findings } = compare({ for: 1, warmup: 2 }, 40, 8, (h, w) => values[w * 8 + (backwards ? 7 - h : h)]! * unit);
        return JSON.stringify([rows.map(({ columns }) => columns['score']!).sort((a, b) => a - b), findings.length]);
      };
      if (of(1, false) !== of(2 ** power, false)) throw new Error(`differs in units of ${2 ** power}`);
    }),
    { numRuns: 20 },
  );
});

await t.test('the usual distance takes time to grow', async (t) => {
  let distance = 1;
  for (let i = 0; i < 60; i++) distance = learnDistance(distance, 100 + i, 1e9, 60);
  t.ok(distance > 2 && distance < 3, `${distance}`);
  t.equal(learnDistance(0, 0, 5, 60), 5);
});

await t.test('a member costs 89 bytes and 25 a window', async (t) => {
  const config = peers.config.parse({});
  t.equal(bytesOf(stateOf(config, 0)) - 8, 89 + 2 * 25, 'without the timer');
  t.equal(bytesOf(stateOf(config, 61_000)) - 8, 89 + 4 * 25);
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  const refused = (config: object, message: RegExp) => t.throws(() => peers.config.parse(config), message);
  refused({ across: ['host', 'host'] }, /host is there twice/);
  refused({ adapt: 3, for: 3 }, /greater than `for`/);
  refused({ eps: 0 }, /eps/);
  refused({ lateness: '10d', window: '1s' }, /3600 times/);
});
