import fc from 'fast-check';
import t from 'tap';
import { editDistance, nearest } from '../../config/nearest.js';

/** By its definition, without a table: the fewest edits over all ways, no part edited twice. */
function naive(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const same = a.at(-1) === b.at(-1) ? 0 : 1;
  let edits = Math.min(naive(a.slice(0, -1), b) + 1, naive(a, b.slice(0, -1)) + 1, naive(a.slice(0, -1), b.slice(0, -1)) + same);
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) edits = Math.min(edits, naive(a.slice(0, -2), b.slice(0, -2)) + 1);
  return edits;
}

t.test('edits are counted as by the definition', async (t) => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
  fc.assert(fc.property(word, word, (a, b) => editDistance(a, b) === naive(a, b)));
  t.equal(editDistance('nab', 'nba'), 1, 'neighbours that are swapped are one');
});

t.test('what was probably meant', async (t) => {
  const keys = ['sensitivity', 'warmup', 'direction', 'for', 'close', 'close_for', 'min_deviation'];
  const cases: readonly (readonly [written: string, meant: string | undefined])[] = [
    ['sensitivty', 'sensitivity'],
    ['Sensitivity', 'sensitivity'],
    ['warm_up', 'warmup'],
    ['closeFor', 'close_for'],
    ['min-deviaton', 'min_deviation'],
    ['fro', 'for'],
    ['threshold', undefined],
    ['x', undefined],
    ['', undefined],
    ['s'.repeat(1_000), undefined],
  ];
  for (const [written, meant] of cases) t.equal(nearest(written, keys), meant, written.slice(0, 20));
});
