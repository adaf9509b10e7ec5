import fc from 'fast-check';
import t from 'tap';
import { allocateBatch } from '../../engine/batch.js';
import { findingId, type Anomaly, type Feedback } from '../../engine/finding.js';
import type { Columns, Names, Output } from '../../engine/operator.js';
import { state, type State } from '../../operators/detect/config.js';
import detect from '../../operators/detect/definition.js';
import { Detector } from '../../operators/detect/detector.js';
import { factorOf, lower, raise, rarityAt, share, withoutVerdict, withVerdict, type Verdicts } from '../../operators/anomaly/feedback.js';

type Column = 'score' | 'agree' | 'expected' | 'lower' | 'upper';

const HOSTS = ['a', 'b', 'c'];
const text = (slot: number): string => `cpu{host="${HOSTS[slot]}"}`;
const names = { series: (slot: number) => ({ name: 'cpu', labels: { host: HOSTS[slot]! } }), text } as unknown as Names;

/** A detector of three hosts, turned by hand. */
class Bench {
  readonly detector: Detector;
  columns: Columns<State>;
  readonly anomalies: Anomaly[] = [];
  upper = NaN;

  constructor(config: object = {}) {
    this.detector = new Detector(detect.config.parse(config), { node: 'odd', names, lead: 0, self: 0, seed: 1 });
    const arrays = { f64: Float64Array, u32: Uint32Array, i32: Int32Array, u8: Uint8Array };
    this.columns = Object.fromEntries(Object.entries(state).map(([name, spec]) => [name, new arrays[typeof spec === 'string' ? spec : spec.type](HOSTS.length * (typeof spec === 'string' ? 1 : spec.per))])) as unknown as Columns<State>;
  }

  row(slot: number, time: number, value: number): void {
    const batch = allocateBatch([]);
    batch.length = 1;
    [batch.time[0], batch.slot[0], batch.value[0]] = [time, slot, value];
    const added = Object.fromEntries(['score', 'agree', 'expected', 'lower', 'upper'].map((name) => [name, new Float64Array(1)])) as Record<Column, Float64Array>;
    this.detector.push(batch, this.columns, { extend: () => added, finding: (finding: Anomaly) => this.anomalies.push(finding) } as unknown as Output<Column>);
    this.upper = added.upper[0]!;
  }

  /** All columns, and what is kept beside them. */
  get everything(): unknown {
    return [structuredClone(this.columns), HOSTS.map((_, slot) => this.detector.save(slot))];
  }
}

function said(verdict: Feedback['verdict'], of: Partial<Feedback> = {}): Feedback {
  const { series = text(0), openedAt = 0 } = of;
  return {
    kind: 'feedback',
    id: findingId('odd', 'feedback', series, openedAt),
    revision: 1,
    state: 'opened',
    operator: 'people',
    ...{ series, metric: 'cpu', labels: {}, openedAt, time: 0, severity: 'info', explanation: '', anomaly: 'x', toldBy: 'odd', note: '', by: 'me', at: 0, value: 70, expected: 50, lower: 40, upper: 60, score: 0.9995 },
    verdict,
    ...of,
  };
}

await t.test('a factor is what stands, in the order in which it was said, and stays in its bounds', async (t) => {
  const say = fc.record({ id: fc.constantFrom('p', 'q', 'r', 's'), by: fc.option(fc.oneof(fc.constant(lower()), fc.double({ min: 1, max: 2, noNaN: true }))) });
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(say, { maxLength: 25 }), (all) => {
        let verdicts: Verdicts | undefined;
        let standing: (readonly [id: string, by: number])[] = [];
        for (const { id, by } of all) {
          verdicts = by === null ? withoutVerdict(verdicts, id) : withVerdict(verdicts, id, by);
          const known = standing.some(([other]) => other === id);
          standing = by === null ? standing.filter(([other]) => other !== id) : known ? standing.map((one) => (one[0] === id ? [id, by] : one)) : [...standing, [id, by]];
          let factor = 1;
          for (const [, each] of standing) factor = Math.min(4, Math.max(0.5, factor * each));
          if (verdicts === undefined ? standing.length > 0 : factorOf(verdicts) !== factor) throw new Error(`${JSON.stringify(verdicts)}, not ${factor}`);
        }
      }),
    ),
  );
  let many: Verdicts | undefined;
  for (let i = 0; i < 40; i++) many = withVerdict(many, String(i), lower());
  t.equal(factorOf(many!), 0.5, 'lower bound');
  t.ok(many!.steps.length <= 32 && many!.base < 1, 'the oldest are kept as their product');
  t.equal(withoutVerdict(many, '0'), many, 'and can not be undone');
  for (let i = 0; i < 40; i++) many = withVerdict(many, `up${i}`, 2);
  t.equal(factorOf(many!), 4, 'upper bound');
});

await t.test('by how much', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.double({ min: 1, max: 20, noNaN: true }), (expected, reach, ratio) => {
        const furthest = { value: expected + ratio * reach, expected, lower: expected - reach, upper: expected + reach };
        const by = raise({ ...furthest, score: 0.9995 }, 0.999999, 1);
        if (by < 1 || by > 2) throw new Error(`${by}`);
        if (ratio < 1.8 && !(by > ratio)) throw new Error(`${ratio} is still outside at ${by}`);
        // The same far out, by its score.
        const score = 1 - 10 ** (-6 * ratio);
        const bySurprise = raise({ ...furthest, value: expected, score }, 0.999999, 1);
        if (bySurprise < 1 || bySurprise > 2) throw new Error(`${bySurprise}`);
        if (ratio < 1.8 && 1 - score <= rarityAt(1e-6, bySurprise)) throw new Error(`${score} is still a surprise at ${bySurprise}`);
        const again = raise({ ...furthest, value: expected, score }, 0.999999, 2);
        if (again > bySurprise) throw new Error('it was told at a higher threshold: less is needed');
        if (raise({ ...furthest, value: expected, score }, 1, 1) !== 1) throw new Error('scores open nothing there');
      }),
    ),
  );
  t.equal(raise({ value: 5, expected: 4, lower: 4, upper: 4, score: 0.999 }, 1, 1), 2, 'of a series that had never varied nothing can be told');
  t.equal(share(lower()) ** 4 - lower() < 1e-12, true);
});

await t.test('an anomaly that was said to be a false alarm would not have opened; undone, it does, and all is as it was', async (t) => {
  const calm = (bench: Bench): void => {
    for (let i = 0; i < 100; i++) for (let slot = 0; slot < 2; slot++) bench.row(slot, i * 1_000, 50 + Math.sin(i * 2.4 + slot));
  };
  for (const further of [1.05, 1.3, 1.75]) {
    const without = new Bench({ for: 1 });
    calm(without);
    const edge = without.upper - 50;
    const spike = 50 + further * edge;
    without.row(0, 100_000, spike);
    const [anomaly] = without.anomalies;
    t.equal(anomaly?.state, 'opened', `${further} times the band`);

    const { value, expected, lower: from, upper: to, score } = anomaly!;
    const feedback = said('false_positive', { value, expected, lower: from, upper: to, score });
    const taught = new Bench({ for: 1 });
    calm(taught);
    const before = taught.everything;
    taught.detector.receive(feedback, taught.columns);
    t.ok(taught.columns.factor[0]! > further && taught.columns.factor[0]! <= 2);
    t.equal(taught.columns.factor[1], share(taught.columns.factor[0]!), 'another host of the metric');
    t.equal(taught.columns.factor[2], 0, 'a series that is not followed');
    const learned = taught.everything;
    taught.detector.receive(said('false_positive', { toldBy: 'another' }), taught.columns);
    t.strictSame(taught.everything, learned, 'anomalies of others are not its own');

    taught.detector.receive({ ...feedback, revision: 2, state: 'closed' }, taught.columns);
    t.strictSame(taught.everything, before, 'undone, every column is as before');
    taught.detector.receive(feedback, taught.columns);
    taught.row(0, 100_000, spike);
    t.strictSame(taught.anomalies, []);
  }
});

await t.test('a surprise inside of the band is told no more, either', async (t) => {
  /** A series with rare bursts, whose band holds them, and then a value that it never had, between. */
  const follow = (bench: Bench): void => {
    for (let i = 0; i < 2_900; i++) bench.row(0, i * 300_000, 50 + Math.sin(i * 2.4) + (i % 300 === 299 ? 30 : 0));
  };
  const without = new Bench();
  follow(without);
  without.anomalies.length = 0;
  without.row(0, 2_900 * 300_000, 35);
  const [anomaly] = without.anomalies;
  t.match(anomaly?.explanation, /inside of the band, but a surprise/);
  const { value, expected, lower: from, upper: to, score } = anomaly!;
  const taught = new Bench();
  follow(taught);
  taught.anomalies.length = 0;
  taught.detector.receive(said('false_positive', { value, expected, lower: from, upper: to, score }), taught.columns);
  t.ok(taught.columns.factor[0]! > 1 && taught.columns.factor[0]! <= 2, `raised by ${taught.columns.factor[0]}`);
  taught.row(0, 2_900 * 300_000, 35);
  t.strictSame(taught.anomalies, []);
});

await t.test('what was said comes back with the state, of each series by itself', async (t) => {
  const bench = new Bench();
  for (let slot = 0; slot < 2; slot++) bench.row(slot, 0, 50);
  for (let openedAt = 0; openedAt < 3; openedAt++) bench.detector.receive(said(openedAt === 1 ? 'true_positive' : 'false_positive', { openedAt }), bench.columns);
  const again = new Bench();
  again.columns = structuredClone(bench.columns);
  for (const slot of HOSTS.keys()) {
    const saved = bench.detector.save(slot);
    if (saved !== undefined) again.detector.restore(slot, saved);
  }
  t.strictSame(again.everything, bench.everything);
  for (const { detector, columns } of [bench, again]) detector.receive(said('true_positive', { openedAt: 1, state: 'closed' }), columns);
  t.strictSame(again.everything, bench.everything);
  t.equal(again.columns.factor[0], 4, 'two false alarms at twice the band');
  again.detector.release(0);
  t.equal(again.detector.save(0), undefined);
  t.not(again.detector.save(1), undefined);
});

await t.test('a lower threshold opens what was inside of the band', async (t) => {
  const bench = new Bench({ for: 1 });
  for (let i = 0; i < 100; i++) bench.row(0, i * 1_000, 50 + Math.sin(i * 2.4));
  const inside = 50 + 0.95 * (bench.upper - 50);
  for (let openedAt = 0; openedAt < 2; openedAt++) bench.detector.receive(said('true_positive', { openedAt }), bench.columns);
  t.equal(bench.columns.factor[0], 0.9 * 0.9);
  bench.row(0, 100_000, inside);
  t.match(bench.anomalies, [{ state: 'opened', explanation: /; the band is 0\.81 times as wide, by feedback$/ }]);
});
