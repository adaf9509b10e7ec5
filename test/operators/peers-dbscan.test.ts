import fc from 'fast-check';
import t from 'tap';
import { dbscan, middleDistance, NOISE } from '../../operators/peers/dbscan.js';

/** The paper's definitions, word by word, in O(n²): what a core point is, what it reaches, what is noise. */
function naive(points: readonly number[], eps: number, minPoints: number): { cores: boolean[]; clusters: number[] } {
  const near = (a: number, b: number): boolean => Math.abs(points[a]! - points[b]!) <= eps;
  const all = points.map((_, i) => i);
  const cores = all.map((i) => all.filter((j) => near(i, j)).length >= minPoints);
  const clusters = all.map(() => NOISE);
  let found = 0;
  for (const seed of all) {
    if (!cores[seed] || clusters[seed] !== NOISE) continue;
    const reached = [seed];
    clusters[seed] = found;
    for (const from of reached) {
      for (const to of all) {
        if (!cores[to] || clusters[to] !== NOISE || !near(from, to)) continue;
        clusters[to] = found;
        reached.push(to);
      }
    }
    found += 1;
  }
  for (const border of all) {
    if (cores[border]) continue;
    const reaching = all.filter((core) => cores[core] && near(core, border)).sort((a, b) => Math.abs(points[a]! - points[border]!) - Math.abs(points[b]! - points[border]!) || points[a]! - points[b]!);
    if (reaching.length > 0) clusters[border] = clusters[reaching[0]!]!;
  }
  return { cores, clusters };
}

/** On a grid of eps / 2, many points are the same, and many at exactly eps. */
const points = fc.oneof(
  fc.array(fc.integer({ min: -20, max: 20 }).map((n) => n / 2), { minLength: 1, maxLength: 60 }),
  fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 60 }),
);
const ascending = (of: readonly number[]): number[] => [...of].sort((a, b) => a - b);

await t.test('clusters, cores and noise are those of the definition', async () => {
  fc.assert(
    fc.property(points, fc.constantFrom(0, 0.5, 1, 1.7), fc.integer({ min: 1, max: 12 }), (of, eps, minPoints) => {
      const sorted = ascending(of);
      const clusters = new Int32Array(sorted.length);
      const cores = new Uint8Array(sorted.length);
      const found = dbscan(Float64Array.from(sorted), eps, minPoints, clusters, cores);
      const wanted = naive(sorted, eps, minPoints);
      if (found !== new Set(wanted.clusters.filter((cluster) => cluster !== NOISE)).size) throw new Error(`${found} clusters`);
      if (JSON.stringify([...clusters]) !== JSON.stringify(wanted.clusters)) throw new Error(`${clusters.join(' ')} instead of ${wanted.clusters.join(' ')}`);
      if (JSON.stringify([...cores].map((core) => core === 1)) !== JSON.stringify(wanted.cores)) throw new Error(`cores ${cores.join(' ')}`);
    }),
    { numRuns: 500 },
  );
});

await t.test('by hand: at exactly eps is close, and a point counts itself', async (t) => {
  const clusters = new Int32Array(6);
  const cores = new Uint8Array(6);
  t.equal(dbscan(Float64Array.of(0, 1, 2, 3.5, 9, 9), 1, 3, clusters, cores), 1);
  t.strictSame([...clusters], [0, 0, 0, -1, -1, -1]);
  t.strictSame([...cores], [0, 1, 0, 0, 0, 0]);
});

await t.test('the middle distance is the smallest eps at which half of the points are cores', async () => {
  fc.assert(
    fc.property(points, fc.double({ min: 0, max: 1, noNaN: true }), (of, share) => {
      const sorted = ascending(of);
      const minPoints = 1 + Math.floor(share * (sorted.length - 1));
      const distances = sorted.map((point) => ascending(sorted.map((other) => Math.abs(other - point)))[minPoints - 1]!);
      const wanted = ascending(distances)[(sorted.length - 1) >> 1];
      const found = middleDistance(Float64Array.from(sorted), minPoints, new Float64Array(sorted.length));
      if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
    }),
    { numRuns: 500 },
  );
});
