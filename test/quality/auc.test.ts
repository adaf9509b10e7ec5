import fc from 'fast-check';
import t from 'tap';
import { readOdds, setsMissing } from '../../bench/quality/sets.js';
import { auc } from '../../quality/auc.js';

await t.test('by hand', async (t) => {
  t.equal(auc([false, false, true], [1, 2, 3]), 1);
  t.equal(auc([true, false, false], [1, 2, 3]), 0);
  t.equal(auc([true, false], [5, 5]), 0.5, 'ties count half');
  t.equal(auc([true, false, true, false], [1, 1, 2, 0]), 0.875);
  t.ok(Number.isNaN(auc([true, true], [1, 2])), 'there must be both');
});

await t.test('it is the share of pairs in which the unusual row is higher', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5 })), { minLength: 2, maxLength: 40 }), (rows) => {
      const usual = rows.filter(([unusual]) => !unusual);
      const pairs = rows.filter(([unusual]) => unusual).flatMap(([, high]) => usual.map(([, low]) => (high > low ? 1 : high === low ? 0.5 : 0)));
      const got = auc(rows.map(([unusual]) => unusual), rows.map(([, score]) => score));
      return pairs.length === 0 ? Number.isNaN(got) : Math.abs(got - pairs.reduce<number>((sum, x) => sum + x, 0) / pairs.length) < 1e-12;
    }),
  );
  t.pass();
});

await t.test('the tables are read whole', { skip: setsMissing() ?? false }, async (t) => {
  const tables = readOdds();
  t.equal(tables.length, 9);
  for (const { name, points, outlier } of tables) t.ok(points.length === outlier.length && points.every((point) => point.length === points[0]!.length && point.every(Number.isFinite)) && outlier.includes(true), name);
  t.match(Object.fromEntries(tables.map(({ name, points, outlier }) => [name, [points.length, points[0]!.length, outlier.filter(Boolean).length]])), { wbc: [378, 30, 21], glass: [214, 9, 9], mnist: [7603, 100, 700] });
});
