import t from 'tap';
import { ThreadNames, type Announcement } from '../../engine/names.js';

const announce = (members: Announcement['members']): Announcement => ({ blocks: [], series: { slots: [], texts: [] }, members, derived: [] });

await t.test('a member that is forgotten and has come again by another slot stays in its group', (t) => {
  const GROUP = 5;
  const names = new ThreadNames(1, [0]);
  names.learn(announce([[10, GROUP, 'b', 0], [11, GROUP, 'c', 0], [12, GROUP, 'a', 0]]));
  t.same(names.at(0).members(GROUP), [12, 10, 11], 'in order of their text');
  names.learn(announce([[20, GROUP, 'b', 0]]));
  names.release([10]);
  t.same(names.at(0).members(GROUP), [12, 20, 11]);
  names.release([12, 20, 11]);
  t.same(names.at(0).members(GROUP), []);
  t.end();
});
