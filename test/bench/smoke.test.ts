import t from 'tap';
import { contest, entries, prepare } from '../../bench/contest.js';
import { engines } from '../../bench/peers/list.js';
import { workloads } from '../../bench/workloads.js';

// Whatever engines there are that npm alone brings: each once at each of its workloads, small, with as many threads as it takes,
// its results checked and its times not.
const { ready, absent } = await prepare(engines.filter((engine) => engine.toolchain === undefined), () => {});
t.strictSame(absent, [], 'what npm brings is there');

// Side by side, as some go by the clock and only wait.
t.jobs = 2;
for (const workload of workloads) {
  const all = entries(workload, ready, workload.smoke);
  const rows = all.filter(({ engine, threads }) => all.every((other) => other.engine !== engine || other.threads <= threads));
  if (rows.length === 0) continue;
  t.test(workload.title, { buffered: true }, async (t) => {
    const { figures, failures } = await contest({ ...workload, jobs: 1, limit_s: 240 }, rows, { runs: 1, warm: false, say: () => {} });
    t.strictSame(failures, []);
    t.equal(figures.size, rows.length);
    t.ok([...figures.values()].every((f) => f.samples_per_second.median > 0));
  });
}
