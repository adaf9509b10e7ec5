import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { generateSource } from '../../connectors/generate/source.js';
import { allocateBatch } from '../../engine/batch.js';
import type { LocalSource, Position } from '../../engine/connector.js';
import { seriesText } from '../../engine/series.js';
import { Basket, folder, readAll, readSome, samplesOf, source, stage, type Sample } from './stage.js';

const local = (config: Readonly<Record<string, unknown>>): LocalSource => generateSource.local!(generateSource.config.parse(config))!;

/** What shards give: series s lies in partition `s mod partitions`, a partition on shard `partition mod shards`. */
interface Placement {
  readonly partitions: number;
  readonly shards: number;
  readonly rows: number;
}

/** Reads shard by shard until they have given `stop` samples in all; also checks that no row precedes its watermark. */
function readShards(config: Readonly<Record<string, unknown>>, { partitions, shards, rows }: Placement, from: ReadonlyMap<number, Position>, stop = Infinity): { samples: Sample[]; positions: Map<number, Position>; watermarks: Set<number> } {
  const samples: Sample[] = [];
  const positions = new Map<number, Position>();
  const watermarks = new Set<number>();
  const open = Array.from({ length: shards }, (_, shard) => {
    const of = local(config);
    const index = Uint32Array.from(of.series.keys()).filter((s) => (s % partitions) % shards === shard);
    // Slots that are neither in order nor dense, as in a running engine.
    of.open(index, index.map((s) => 1_000 - s), index.map((s) => s % partitions), from);
    return { of, ended: false, watermark: -Infinity };
  });
  while (open.some(({ ended }) => !ended) && samples.length < stop) {
    for (const shard of open) {
      if (shard.ended) continue;
      const batch = allocateBatch([], rows);
      const watermark = shard.of.fill(batch);
      if (watermark === 'ended') {
        shard.ended = true;
        continue;
      }
      if (watermark < shard.watermark) throw new Error(`watermark ${watermark} after ${shard.watermark}`);
      shard.watermark = watermark;
      watermarks.add(watermark);
      for (let i = 0; i < batch.length; i++) {
        if (batch.time[i]! < watermark) throw new Error(`row at ${batch.time[i]!} after watermark ${watermark}`);
        const { name, labels } = shard.of.series[1_000 - batch.slot[i]!]!;
        samples.push([batch.time[i]!, seriesText(name, labels), batch.value[i]!]);
      }
    }
  }
  for (const { of } of open) for (const [partition, position] of of.positions()) positions.set(partition, JSON.parse(JSON.stringify(position)) as Position);
  return { samples, positions, watermarks };
}

/** The samples of each series, in their order. */
function bySeries(samples: readonly Sample[]): Record<string, (readonly [number, number])[]> {
  const found: Record<string, (readonly [number, number])[]> = {};
  for (const [time, series, value] of samples) (found[series] ??= []).push([time, value]);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The workloads of the engine comparison, word by word, in whole numbers of any size. */
function specSample(i: number, series: number): Sample {
  const h = (BigInt(i) * 2654435761n) % 2n ** 32n;
  let time = 1_700_000_000_000n + (BigInt(i) / BigInt(series)) * 1_000n;
  if (h % 20n === 0n) time -= 1_000n * (1n + ((BigInt(i) >> 3n) % 5n));
  return [Number(time), `s{key="${i % series}"}`, Number(h % 1_000n) / 10];
}

t.test('the benchmark workloads are those of their formula', async (t) => {
  for (const [spec, series] of [['W1', 10_000], ['W2', 1_000], ['W3', 10_000]] as const) {
    const samples = await samplesOf(generateSource, { spec, count: 25_003 }, stage('.'));
    t.equal(samples.length, 25_003);
    t.equal(samples.findIndex((sample, i) => JSON.stringify(sample) !== JSON.stringify(specSample(i, series))), -1, spec);
  }
  // Far into the run: sample numbers of 31 bits and more.
  const far = source(generateSource, { spec: 'W1', count: 3_000_000_100 }, stage('.'));
  for (const next of [19_999_990, 2_147_483_640, 3_000_000_000]) {
    await far.open({ next, began: 0, truth: { length: 0, stretches: 0 } });
    const { samples } = await readSome(far, 50);
    t.same(samples, Array.from({ length: 50 }, (_, k) => specSample(next + k, 10_000)), `from ${next}`);
  }
  const config = generateSource.config.parse({ spec: 'W2' });
  t.equal(generateSource.disorder(config), 5_000);
  t.equal(local({ spec: 'W2' }).series.length, 1_000);
});

t.test('read on shards it gives the same samples, wherever series lie and wherever it stopped', async (t) => {
  const configs = [
    { spec: 'W1', series: 13, count: 100 },
    { spec: 'W2', series: 5, count: 1_000 },
    { series: 7, interval: '1m', duration: '1h', anomaly_every: '10m' },
    { series: 3, interval: '1s', count: 200, seed: 5, anomalies: ['drop'], anomaly_every: '20s' },
  ];
  const whole = await Promise.all(configs.map(async (config) => bySeries(await samplesOf(generateSource, config, stage('.')))));
  const placement = fc.record({ partitions: fc.constant(6), shards: fc.integer({ min: 1, max: 6 }), rows: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(fc.nat(configs.length - 1), placement, placement, fc.nat(300), (which, one, other, stop) => {
      const config = configs[which]!;
      const first = readShards(config, one, new Map(), stop);
      const rest = readShards(config, other, first.positions);
      const samples = bySeries([...first.samples, ...rest.samples]);
      if (JSON.stringify(samples) !== JSON.stringify(whole[which])) throw new Error('other samples');
    }),
    // Two partitions in the middle of a step on one shard.
    { examples: [[0, { partitions: 6, shards: 2, rows: 1 }, { partitions: 6, shards: 1, rows: 3 }, 1]] },
  );
  const spec = { spec: 'W1', series: 13, count: 100 };
  const watermarks = (shards: number, rows: number): number[] => [...readShards(spec, { partitions: 6, shards, rows }, new Map()).watermarks].sort((a, b) => a - b);
  t.same(watermarks(1, 1_000), Array.from({ length: 8 }, (_, k) => 1_700_000_000_000 + (k - 1) * 1_000 - 5_000), 'after step k: its time less 5 s');
  t.same(watermarks(4, 2), watermarks(1, 1_000));
});

t.test('goes on from every position', async (t) => {
  const on = stage('.');
  const config = { series: 3, interval: '1m', count: 50, anomaly_every: '10m' };
  const first = source(generateSource, config, on);
  await first.open(undefined);
  const { samples, positions } = await readAll(first, 1);
  t.equal(samples.length, 50);
  for (const { at, position } of positions) {
    const rest = source(generateSource, config, on);
    await rest.open(JSON.parse(JSON.stringify(position)) as Position);
    t.same((await readAll(rest, 9)).samples, samples.slice(at), `after ${at}`);
  }
});

t.test('the truth says which samples are anomalous', async (t) => {
  const base = folder(t);
  const settings = { series: 4, interval: '1m', duration: '2d', anomaly_every: '6h', seed: 3, noise: 1, amplitude: 10 };
  const config = { ...settings, truth: 'truth/t.ndjson' };
  const samples = await samplesOf(generateSource, config, stage(base));
  const clean = new Map((await samplesOf(generateSource, { ...settings, anomalies: [] }, stage(base))).map(([time, series, value]) => [`${time} ${series}`, value]));
  const path = join(base, 'truth/t.ndjson');
  const truth = readFileSync(path, 'utf8');
  const injected = truth.trim().split('\n').map((line) => JSON.parse(line) as { series: string; kind: string; from: string; to: string; size: number });
  t.equal(injected.length, 4 * 7, 'one in every stretch of each series but the first');
  t.same([...new Set(injected.map(({ kind }) => kind))].sort(), ['drop', 'shift', 'spike']);
  const wrong = samples.filter(([time, series, value]) => {
    const normal = clean.get(`${time} ${series}`)!;
    const of = injected.find((one) => one.series === series && time >= Date.parse(one.from) && time <= Date.parse(one.to));
    const expected = of === undefined ? normal : of.kind === 'drop' ? normal * of.size : normal + of.size;
    return Math.abs(value - expected) > 1e-9;
  });
  t.equal(wrong.length, 0, JSON.stringify(wrong[0]));
  t.ok(injected.every(({ from, to }) => samples.some(([time]) => time === Date.parse(from)) && Date.parse(to) >= Date.parse(from)));
  t.equal(generateSource.local!(generateSource.config.parse(config)), undefined, 'the file is written in one place');

  const first = source(generateSource, config, stage(base));
  await first.open(undefined);
  const { position } = await readSome(first, 5_000);
  await readSome(first, 3_000);
  await first.close();
  const rest = source(generateSource, config, stage(base));
  await rest.open(position);
  await readAll(rest);
  t.equal(readFileSync(path, 'utf8'), truth, 'and nothing is in it twice after a restart');
});

t.test('a seed decides everything; noise and level are as told', async (t) => {
  const config = { series: 50, interval: '1m', duration: '12h', anomalies: [], level: 100, amplitude: 0, noise: 2, trend: 48 };
  const values = async (seed: number): Promise<Sample[]> => samplesOf(generateSource, { ...config, seed }, stage('.'));
  const samples = await values(1);
  t.equal(JSON.stringify(await values(1)), JSON.stringify(samples));
  t.not(JSON.stringify(await values(2)), JSON.stringify(samples));
  for (const of of Object.values(bySeries(samples)).slice(0, 5)) {
    // 720 samples: the mean of the noise is within .3 of 0 but once in 10^4, its deviation within 10 %.
    const noise = of.map(([time, value]) => value - (48 * (time - of[0]![0])) / 86_400_000);
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    const deviation = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length);
    t.ok(mean > 75 && mean < 125, 'level');
    t.ok(deviation > 1.8 && deviation < 2.2, `noise ${deviation}`);
  }
});

t.test('with a rate samples come as the clock asks for them', async (t) => {
  const on = stage('.');
  const config = { series: 4, rate: 100 };
  const paced = source(generateSource, config, on);
  await paced.open(undefined);
  const began = on.clock.time;
  const read = async (): Promise<Sample[]> => {
    const basket = new Basket();
    await paced.read(basket, 1_000, AbortSignal.timeout(50));
    return basket.samples;
  };
  t.same((await read()).map(([time]) => time), [began], 'the first at once');
  t.same(await read(), [], 'then it waits, until it is told not to');
  on.clock.time += 1_000;
  const second = await read();
  t.equal(second.length, 100);
  t.equal(second.at(-1)![0], began + 1_000, 'their time is that of the clock');
  t.ok(generateSource.live(generateSource.config.parse(config)));
  t.equal(generateSource.local!(generateSource.config.parse(config)), undefined);
  const replayed = await samplesOf(generateSource, { ...config, count: 500 }, stage('.', { replay: true }));
  t.equal(replayed.length, 500, 'a replay does not wait');
});

t.test('what can not be meant is refused', async (t) => {
  const issue = (config: Record<string, unknown>): string | undefined => generateSource.config.safeParse(config).error?.issues[0]?.message;
  t.match(issue({}), /would never end: give rate, count or duration/);
  t.match(issue({ spec: 'W1', rate: 5 }), /is not for a benchmark workload/);
  t.match(issue({ spec: 'W9' }), /W1/);
});
