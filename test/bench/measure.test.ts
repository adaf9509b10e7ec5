import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { contest } from '../../bench/contest.js';
import { grow } from '../../bench/growth.js';
import { measure, type Job } from '../../bench/measure.js';
import { workload, type Workload } from '../../bench/workloads.js';

const path = fileURLToPath(new URL('fake-engine.js', import.meta.url));
const fake = (behaviour: string, given: Partial<Job> = {}): Job => ({
  command: { command: process.execPath, args: [path, behaviour] },
  workload: 'W1',
  samples: 1_000,
  series: 10,
  threads: 2,
  jobs: 2,
  limit_s: 120,
  ...given,
});

await t.test('a run is all its jobs, and when the first result came', async (t) => {
  const run = await measure(fake('good'));
  t.strictSame(run.outcomes.map((o) => [o.workload, o.threads, o.samples, o.seconds]), [['W1', 2, 1_000, 1], ['W1', 2, 1_000, 0.5]]);
  t.ok(run.first_result_ms! > 0 && run.first_result_ms! < 120_000, `${run.first_result_ms} ms`);
});

await t.test('processor time is that of the last job; memory that of the process', { skip: !existsSync('/proc/self/stat') }, async (t) => {
  const run = await measure(fake('busy'));
  // Compiling adds to it, and more where others want the processor; ticks are 10 ms.
  t.ok(run.cpu_s! > 0.2 && run.cpu_s! < 1.2, `${run.cpu_s} s`);
  t.ok(run.peak_rss_mb! > 60 && run.peak_rss_mb! < 400, `${run.peak_rss_mb} MB`);
  t.ok(run.others_cpu! >= 0 && run.others_cpu! <= 1, `${run.others_cpu}`);
});

await t.test('an engine that fails is told with what it said', async (t) => {
  await t.rejects(measure(fake('crash')), /fake-engine\.js crash W1 --samples 1000 --series 10 --threads 2 --jobs 2: it ended with exit code 1[^]*the bearings ran dry/);
  await t.rejects(measure(fake('garbage')), /printed a line that is no JSON: ready when you are/);
  await t.rejects(measure(fake('no-outcome')), /no outcome: seconds: /);
  await t.rejects(measure(fake('other-workload')), /it ran W9 instead of W1/);
  await t.rejects(measure(fake('too-few')), /it told 1 of 2 jobs/);
  await t.rejects(measure(fake('slow', { limit_s: 0.5 })), /it took longer than 0\.5 s/);
  await t.rejects(measure({ ...fake('good'), command: { command: '/no/such/engine', args: [] } }), /ENOENT/);
});

await t.test('what engines found is compared: with themselves, where there is no oracle', async (t) => {
  const entry = (behaviour: string) => ({ ...fake(behaviour), engine: behaviour, threads: 1 });
  const said: string[] = [];
  const say = (text: string): void => void said.push(text);
  const { oracle: _, ...free }: Workload = { ...workload('W1'), limit_s: 120 };
  const found = await contest(free, ['good', 'unsteady', 'no-number', 'crash'].map(entry), { runs: 2, warm: false, say });
  t.strictSame([...found.figures.values()].map((f) => [f.engine, f.runs, f.samples_per_second.median, f.cold_samples_per_second!.median]), [['fake', 2, 2_000, 1_000]]);
  t.equal(found.failures.length, 3);
  t.match(found.failures.join('\n'), /W1, unsteady, 1 thread: it disagrees with itself: counts: 1002, expected 1001/);
  t.match(found.failures.join('\n'), /W1, no-number, 1 thread: it disagrees with itself: counts: NaN/);
  t.match(found.failures.join('\n'), /W1, crash, 1 thread: [^]*the bearings ran dry/);
  t.equal(said.filter((text) => /crash/.test(text)).length, 1, 'one that failed is not run again');
});

await t.test('an engine does as many jobs as make it warm, the same in every run', async (t) => {
  const { oracle: _, ...free }: Workload = { ...workload('W1'), limit_s: 120 };
  const { figures } = await contest(free, [{ ...fake('good'), engine: 'good', threads: 1 }, { ...fake('unhurried'), engine: 'unhurried', threads: 1 }], { runs: 2, warm: true, say: () => {} });
  t.strictSame([...figures.values()].map((f) => [f.jobs, f.runs, f.samples_per_second.median]), [[5, 2, 5_000], [2, 2, 100]]);
});

await t.test('growth is the speed at each point; of an engine that is not there, nothing', async (t) => {
  const ready = ['good', 'unhurried'].map((name) => ({ engine: { name, title: '', runs: {}, prepare: () => Promise.resolve({ missing: '' }) }, command: fake(name).command }));
  const said: string[] = [];
  const points = [{ at: 1, engine: 'good' }, { at: 2, engine: 'missing' }, { at: 4, engine: 'unhurried', series: 5, threads: 2 }];
  const { grown, failures } = await grow({ name: 'x', title: 'Over x', axis: 'x', workload: 'W1', samples: 1_000, otherResults: true, points }, ready, { runs: 1, warm: false, samples: undefined, say: (text) => said.push(text) });
  t.strictSame(grown, { name: 'x', points: [{ at: 1, samples_per_second: 2_000 }, { at: 4, samples_per_second: 100 }] });
  t.strictSame(failures, []);
  t.match(said.join('\n'), /Over x: there is no engine missing for 2 x/);
});

await t.test('with the oracle, whatever is not right is told with both values', async (t) => {
  const { failures, figures } = await contest({ ...workload('W1'), limit_s: 120 }, [{ ...fake('good'), engine: 'good', threads: 1 }], { runs: 1, warm: false, say: () => {} });
  t.equal(figures.size, 0);
  t.match(failures[0], /W1, good, 1 thread: it disagrees with the oracle: results: 10, expected \d+ \(and 2 more\)/);
});
