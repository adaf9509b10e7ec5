import fc from 'fast-check';
import t from 'tap';
import type { Anomaly } from '../../engine/finding.js';
import { seeded, type Random } from '../../engine/random.js';
import { bytesOf } from '../../engine/state.js';
import { state } from '../../operators/presence/config.js';
import presence from '../../operators/presence/definition.js';
import { longestUsual } from '../../operators/presence/habit.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { differs, interleaved, modes } from '../kit/modes.js';
import { runReference } from '../kit/reference.js';
import { formatTime, parseMessages, type Message, type Outcome } from '../kit/text.js';

const SECOND = 1_000;
const HOUR = 3_600_000;

interface Sample {
  readonly time: number;
  readonly host: string;
  readonly value: number;
}

/** In order of time, with a watermark at each multiple of `every`, and one at the end. */
function messagesOf(samples: readonly Sample[], every: number, end: number): Message[] {
  const messages: Message[] = [];
  let watermark = 0;
  const passTo = (time: number): void => {
    const next = Math.floor(time / every) * every;
    if (next > watermark) messages.push({ type: 'watermark', time: (watermark = next) });
  };
  for (const { time, host, value } of samples.toSorted((a, b) => a.time - b.time)) {
    passTo(time);
    messages.push({ type: 'row', port: 0, row: { time, series: { name: 'm', labels: { host } }, value, flags: 0, columns: {} } });
  }
  passTo(end);
  return messages;
}

const run = (config: object, messages: readonly Message[]): Outcome => runReference(presence, presence.config.parse(config), messages);
const told = ({ findings }: Pick<Outcome, 'findings'>): string[] => (findings as Anomaly[]).map(({ time, state: of, series, severity }) => `${formatTime(time)} ${of} ${series} ${severity}`);

/** Every ten seconds, another value each time, without those between the silences' ends. */
function regular(host: string, until: number, silences: readonly (readonly [number, number])[] = []): Sample[] {
  const samples: Sample[] = [];
  for (let time = 0; time < until; time += 10 * SECOND) if (!silences.some(([from, to]) => time > from && time < to)) samples.push({ time, host, value: (time / 10_000) % 7 });
  return samples;
}

await t.test('a silence opens after five times the usual, grows and closes', async (t) => {
  const out = run({}, messagesOf(regular('a', HOUR, [[300 * SECOND, 1_500 * SECOND]]), 10 * SECOND, HOUR));
  t.strictSame(told(out), ['6m30s opened m{host="a"} low', '8m20s grew m{host="a"} medium', '18m20s grew m{host="a"} high', '25m closed m{host="a"} high']);
  t.equal(new Set(out.findings.map(({ id }) => id)).size, 1);
  t.match(out.findings[0], { value: 90, expected: 10, lower: 0, measure: 'seconds of silence' });
  t.strictSame(out.findings.map(({ explanation }) => explanation).filter((_, i) => i !== 1 && i !== 2), [
    'm{host="a"} has been silent for 1m30s, since 1970-01-01T00:05:00.000Z; it gives a sample every 10s, and is not silent for more than 10s',
    'm{host="a"} is back after a silence of 20m; it gives a sample every 10s',
  ]);
});

await t.test('what ends for good closes; what comes again then begins anew', async (t) => {
  const samples = [...regular('a', 300 * SECOND), ...regular('a', 3 * HOUR, [[-1, 2 * HOUR]]), ...regular('b', 3 * HOUR)];
  const out = run({ forget: '30m', together: 1 }, messagesOf(samples, 10 * SECOND, 3 * HOUR));
  t.strictSame(told(out).filter((line) => !line.includes('grew')), ['6m30s opened m{host="a"} low', '34m50s closed m{host="a"} high']);
  t.match(out.findings.at(-1)!.explanation, /has been silent for 30m: it has ended/);
  t.ok(Number.isNaN(out.rows.find(({ time, series }) => time === 2 * HOUR && series === 'm{host="a"}')!.columns['same_limit']), 'nothing is known of it');
});

await t.test('the end of the stream is no silence, nor is a slow replay', async (t) => {
  t.strictSame(told(run({}, messagesOf(regular('a', 300 * SECOND), 10 * SECOND, 300 * SECOND))), []);
  t.strictSame(told(run({}, regular('a', HOUR).map((sample): Message => messagesOf([sample], HOUR, 0)[0]!))), []);
});

await t.test('many at once are told once; the few that stay away, one by one', async (t) => {
  const hosts = Array.from({ length: 40 }, (_, h) => `h${10 + h}`);
  const samples = hosts.flatMap((host, h) => regular(host, HOUR, h < 30 ? [[(600 + h) * SECOND, h === 7 ? HOUR : 1_200 * SECOND]] : []));
  const out = run({}, messagesOf(samples, 10 * SECOND, HOUR));
  t.strictSame(told(out), ['11m30s opened m high', '20m30s closed m high', '20m30s opened m{host="h17"} medium', '23m20s grew m{host="h17"} high']);
  t.match(out.findings[0]!.explanation, /^m: 30 of 40 series are silent, the first since 1970-01-01T00:10:00.000Z; among them m\{host="h10"\}, m\{host="h11"\}, m\{host="h12"\}$/);
  t.match(out.findings[1]!.explanation, /^m: no more than 1 of 40 series are silent, 9m after there were many \(30 at most\)$/);
  const apart = run({ by: ['host'] }, messagesOf(samples, 10 * SECOND, HOUR));
  t.equal(apart.findings.filter(({ revision }) => revision === 1).length, 30, 'groups of one are told one by one');
  t.equal(run({ together: 0.9 }, messagesOf(samples, 10 * SECOND, HOUR)).findings.filter(({ revision }) => revision === 1).length, 30, 'and so are fewer than `together`');
});

await t.test('one that always varied is frozen when it does not; one that rests is told once', async (t) => {
  const value = (i: number): number => (i % 400 >= 200 ? 3 : i % 5);
  const out = run({ watch: ['frozen'] }, messagesOf(Array.from({ length: 1_600 }, (_, i) => ({ time: i * 60 * SECOND, host: 'a', value: value(i) })), 60 * SECOND, 1_600 * 60 * SECOND));
  t.strictSame(told(out), ['3h49m opened m{host="a"} low', '5h19m grew m{host="a"} medium', '6h40m closed m{host="a"} medium']);
  t.match(out.findings[0]!.explanation, /^m\{host="a"\} has been 3 for 30 samples \(29m\); it is not the same for more than 1$/);
  t.match(out.findings[2]!.explanation, /^m\{host="a"\} changes again after 200 samples of 3 \(3h20m\)$/);
  t.strictSame(told(run({ watch: ['silence'] }, messagesOf(Array.from({ length: 400 }, (_, i) => ({ time: i * 60 * SECOND, host: 'a', value: value(i) })), 60 * SECOND, 400 * 60 * SECOND))), []);
  t.strictSame(told(run({}, messagesOf(Array.from({ length: 400 }, (_, i) => ({ time: i * 60 * SECOND, host: 'a', value: 5 })), 60 * SECOND, 400 * 60 * SECOND))), [], 'one that never varied is not');
});

const exponential = (random: Random): number => -Math.log(1 - random());

await t.test('series that come irregularly: no findings, and a score above 1 - p on a share p of rows', async (t) => {
  for (const [name, gap] of Object.entries({ exponential: (random: Random) => 1 + Math.floor(60_000 * exponential(random)), 'with jitter': (random: Random) => 9_000 + Math.floor(2_000 * random()) })) {
    const random = seeded(11);
    let time = 0;
    const samples = Array.from({ length: 30_000 }, () => ({ time: (time += gap(random)), host: 'a', value: Math.floor(20 * random()) }));
    const out = run({}, messagesOf(samples, 10 * SECOND, time));
    t.strictSame(told(out), [], name);
    const scores = out.rows.slice(1_000).map(({ columns }) => columns['score']!);
    for (const p of tails) {
      const { least, most } = bounds(p, scores.length);
      const share = shareAbove(scores, p);
      t.ok(share >= least && share <= most, `${name}: ${share} above 1 - ${p}`);
    }
  }
});

/** Some hosts, with silences of their own and of all, and values that freeze. */
function drawn(seed: number, hosts: number): Sample[] {
  const random = seeded(seed);
  const away = random() < 0.5 ? [[200_000 + Math.floor(random() * 200_000), 500_000 + Math.floor(random() * 400_000)] as const] : [];
  return Array.from({ length: hosts }, (_, h) => h).flatMap((h) => {
    const silences = [...(random() < 0.8 ? away : []), ...Array.from({ length: Math.floor(random() * 3) }, () => [Math.floor(random() * 1e6), Math.floor(random() * 1.5e6)] as const)];
    const samples: Sample[] = [];
    for (let time = Math.floor(random() * 10_000); time < 1_200_000; time += 5_000 + Math.floor(random() * 10_000)) {
      if (!silences.some(([from, to]) => time > from && time < to)) samples.push({ time, host: `h${h}`, value: random() < 0.9 ? Math.floor(random() * 10) : 3 });
    }
    return samples;
  });
}

const anyConfig = fc.record({ warmup: fc.integer({ min: 3, max: 6 }), times: fc.constantFrom(1.5, 2, 3), min_silence: fc.constantFrom('0s', '20s'), hold: fc.constantFrom('1s', '10s', '1m'), together: fc.constantFrom(0.2, 0.5), min_same: fc.constantFrom(2, 5), forget: fc.constant('10m') });

await t.test('what is told depends on the samples: not on watermarks, shards, restarts or batches', async () => {
  fc.assert(
    fc.property(fc.nat(), anyConfig, fc.integer({ min: 1, max: 16 }), (seed, config, hosts) => {
      const samples = drawn(seed, hosts);
      const end = 2_400_000;
      const wanted = JSON.stringify(run(config, messagesOf(samples, 1_000, end)).findings.map((finding) => JSON.stringify(finding)).sort());
      for (const every of [7_000, 60_000, 600_000]) {
        const last: Message = { type: 'watermark', time: end };
        const found = JSON.stringify(run(config, [...messagesOf(samples, every, end), last]).findings.map((finding) => JSON.stringify(finding)).sort());
        if (found !== wanted) throw new Error(`watermarks every ${every} ms: ${found} instead of ${wanted}`);
      }
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(fc.nat(), anyConfig, (seed, config) => {
      const subject = { definition: presence, config: presence.config.parse(config), messages: messagesOf(drawn(seed, 12).filter((_, i) => i % 3 === 0), 20_000, 2_400_000) };
      const different = differs(subject, [modes[0]!, modes[3]!, modes[5]!, interleaved(seed)]);
      if (different !== undefined) throw new Error(JSON.stringify(different, undefined, 1));
    }),
    { numRuns: 4 },
  );
});

await t.test('one series by itself: told is what the definition says', async () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1_000, 30_000), fc.constantFrom(2, 3, 5), (seed, hold, times) => {
      const samples = drawn(seed, 1);
      if (samples.length === 0) return;
      const config = { watch: ['silence'], warmup: 5, times, min_silence: '20s', hold: `${hold}ms`, forget: '10d' };
      const wanted: string[] = [];
      let longest = 0;
      for (const [i, { time }] of samples.entries()) {
        if (i === 0) continue;
        const since = samples[i - 1]!.time;
        const gap = time - since;
        const limit = i - 1 < 5 ? Infinity : Math.ceil(Math.max(20_000, times * longest));
        const told = (Math.floor((since + limit) / hold) + 2) * hold;
        if (gap > limit && time >= told) {
          wanted.push(`${told} opened`);
          for (const multiple of [4, 16, 64]) {
            const at = since + multiple * limit;
            if (at > told && at < time) wanted.push(`${at} grew`);
          }
          wanted.push(`${time} closed`);
        }
        longest = longestUsual(longest, gap, gap, limit === Infinity ? Infinity : 2);
      }
      const found = run(config, messagesOf(samples, 1_000, samples.at(-1)!.time)).findings.map(({ time, state: of }) => `${time} ${of}`);
      if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${found.join(', ')} instead of ${wanted.join(', ')}`);
    }),
    { numRuns: 200 },
  );
});

await t.test('late rows, and what is no sample', async (t) => {
  const { rows, late } = run({}, parseMessages(['10s m 1', '20s m stale', '30s m NaN', '40s m 2', '35s m 3']));
  t.strictSame(rows.map(({ columns }) => columns['silence']), [0, NaN, NaN, 30]);
  t.strictSame(late.map(({ time }) => time), [35_000]);
});

await t.test('a series costs 177 bytes', async (t) => {
  t.equal(bytesOf(state) - 8, 177, 'without the timer');
});

await t.test('a config that can only be a mistake is refused', async (t) => {
  const refused = (config: object, message: RegExp) => t.throws(() => presence.config.parse(config), message);
  refused({ by: ['host', 'host'] }, /host is there twice/);
  refused({ forget: '10m', min_silence: '10m' }, /longer than `min_silence`/);
  refused({ watch: [] }, /watch/);
  refused({ hold: '0s' }, /hold/);
});
