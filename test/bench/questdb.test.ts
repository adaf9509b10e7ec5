import t from 'tap';
import { contest, entries, prepare } from '../../bench/contest.js';
import { engines } from '../../bench/peers/list.js';
import { workload } from '../../bench/workloads.js';
import { serversNeeded } from '../services/in-tests.js';

const needed = await serversNeeded('questdb');

// What needs more than npm is not in the test of all engines.
t.test('each engine of the workload questdb, once and small: its rows are checked, its times are not', needed, async (t) => {
  const questdb = workload('questdb');
  const { ready, absent } = await prepare(engines.filter(({ runs }) => runs.questdb !== undefined), () => {});
  t.strictSame(absent, []);
  const rows = entries(questdb, ready, questdb.smoke);
  t.strictSame(rows.map(({ engine }) => engine), ['millrace-binary-encoder', 'millrace-client-encoder', 'questdb-client', 'questdb-posts']);
  const { figures, failures } = await contest({ ...questdb, jobs: 1, limit_s: 240 }, rows, { runs: 1, warm: false, say: () => {} });
  t.strictSame(failures, []);
  t.equal(figures.size, rows.length);
});
