import t from 'tap';
import { forwardClock } from '../../engine/clock.js';

t.test('the clock steps forward with the wall clock, and never back', (t) => {
  let [wall, passed] = [1_700_000_000_000, 5];
  const clock = forwardClock(() => wall, () => passed);
  t.equal(clock.now(), wall);
  wall += 10;
  passed += 10.25;
  t.equal(clock.now(), 1_700_000_000_010);
  wall -= 3_600_000;
  t.equal(clock.now(), 1_700_000_000_010, 'set back by an hour: it does not follow');
  wall += 2_000;
  passed += 2_000;
  t.equal(clock.now(), 1_700_000_002_010, 'and goes on from where it was');
  wall += 2 * 3_600_000;
  t.equal(clock.now(), wall, 'set forward: it follows');
  t.equal(clock.elapsed(), passed);
  t.end();
});
