import t from 'tap';
import { systemRandom } from '../../engine/random.js';
import { serversNeeded } from '../services/in-tests.js';
import { kills } from './chaos.js';
import { victims } from './faults.js';
import { differences } from './stored.js';

const needed = await serversNeeded('nats', 'questdb');
const KILLS = 20;
const MESSAGES_PER_SECOND = 60;
const GAP_MS = 1_200;
/** A busy machine makes fewer while it kills: detectors would not be warm. */
const MESSAGES = 1_500;

await t.test('what two runs have stored is compared row by row, in every table', async (t) => {
  const calm = new Map([['a', ['1,2', '3,4', '5,6']], ['b', ['1']]]);
  t.same(differences(new Map([['b', ['1']], ['a', ['1,2', '3,4', '5,6']]]), calm, 5), []);
  t.same(differences(new Map([['a', ['1,2', '1,2', '5,7']], ['b', ['1']]]), calm, 1), [
    'a: 2 rows of the undisturbed run are missing, 2 are there that it has not',
    '  - 3,4',
    '  + 1,2',
  ]);
  t.same(differences(new Map([['a', calm.get('a')!]]), calm, 5), ['b: 1 rows of the undisturbed run are missing, 0 are there that it has not', '  - 1']);
});

await t.test('Millrace, NATS and QuestDB are killed at random moments and their connections broken: what is stored is that of the undisturbed run', needed, async (t) => {
  const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? Math.floor(systemRandom() * 2 ** 31));
  t.comment(`seed ${seed}: MILLRACE_TEST_SEED=${seed} takes the same faults again`);
  const outcome = await kills({ seed, perSecond: MESSAGES_PER_SECOND, messages: MESSAGES, say: (line) => t.comment(line) }, { kills: KILLS, only: new Set(victims), gapMs: GAP_MS });
  t.comment(outcome.faults, outcome.rows);
  t.same(outcome.differences, []);
  t.equal(outcome.rows['in'], outcome.samples);
  t.ok(Math.min(...['rates', 'sums', 'odd', 'findings', 'findings told'].map((table) => outcome.rows[table] ?? 0)) > 0, 'there was something of everything');
});
