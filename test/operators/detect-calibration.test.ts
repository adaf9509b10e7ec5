import t from 'tap';
import { shapes } from '../../bench/quality/shapes.js';
import detect from '../../operators/detect/definition.js';
import { bounds, shareAbove, tails } from '../../quality/calibration.js';
import { sharesAbove } from './calibration.js';

const ROWS = 6_000;
const SEED = 11;

await t.test('bounds and shares, by hand', (t) => {
  t.equal(shareAbove([0.95, 0.9, 0.2, NaN], 0.1), 0.25, 'at 1 - p is not above it');
  const { least, most } = bounds(0.01, 9_900);
  t.ok(Math.abs(least - (0.005 - 0.003)) < 1e-12 && Math.abs(most - (0.015 + 0.003)) < 1e-12);
  t.equal(bounds(0.001, 100).least, 0);
  t.end();
});

await t.test('whatever the noise and the season: a score above 1 - p comes on a fraction p of rows', (t) => {
  for (const shape of shapes) {
    const shares = sharesAbove(detect, {}, shape, { rows: ROWS, seed: SEED });
    for (const [i, p] of tails.entries()) {
      const { least, most } = bounds(p, ROWS);
      t.ok(shares[i]! >= least && shares[i]! <= most, `${shape.name}: ${shares[i]} for ${p}`);
    }
  }
  t.end();
});
