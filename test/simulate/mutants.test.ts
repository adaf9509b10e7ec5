import t from 'tap';
import { mutants } from './mutants.js';
import { mutated } from './mutate.js';
import { simulate } from './simulate.js';

/** In so many seeds each fault must show. */
const MOST = 300;

for (const { name, says, from = 0 } of mutants) {
  await t.test(`found out: ${says.toLowerCase()}`, async (t) => {
    const planted = await mutated(name);
    for (let seed = from; seed < from + MOST; seed++) {
      const { failure } = await planted.simulate(seed);
      if (failure === undefined) continue;
      t.equal((await simulate(seed)).failure, undefined, `by seed ${seed}, which finds nothing without it`);
      return;
    }
    t.fail(`${MOST} seeds do not tell ${name} from the engine as it is`);
  });
}
