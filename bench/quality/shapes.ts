import { hash32, seeded, type Random } from '../../engine/random.js';

/** Rows of a day: a sample every quarter of an hour. */
const DAY = 96;
export const STEP_MS = 900_000;
/** Rows that say nothing about calibration: two weeks make a season known. */
export const LEARNING = 14 * DAY;

/** Series in which nothing is unusual. */
export interface Shape {
  readonly name: string;
  values(rows: number, seed: number): Float64Array;
}

/** A standard normal number (Box and Muller 1958). */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const exponential = (random: Random): number => -Math.log(1 - random());

/** Noise about 0, of about 1. */
const noises: readonly (readonly [name: string, draw: (random: Random) => number])[] = [
  ['normal', normal],
  ['uniform', (random) => Math.sqrt(12) * (random() - 0.5)],
  ['exponential', (random) => exponential(random) - 1],
  ['lognormal', (random) => 2 * (Math.exp(0.5 * normal(random)) - Math.exp(0.125))],
  // Student's t of 4 degrees of freedom.
  ['heavy-tailed', (random) => normal(random) / Math.sqrt((exponential(random) + exponential(random)) / 2)],
];

const patterns: readonly (readonly [name: string, at: (row: number) => number])[] = [
  ['flat', () => 0],
  ['a wave a day', (row) => 15 * Math.sin((2 * Math.PI * row) / DAY)],
  ['working hours', (row) => (row % DAY > 36 && row % DAY < 68 ? 20 : 0)],
];

/** Every pattern with every noise, about 100. */
export const shapes: readonly Shape[] = patterns.flatMap(([pattern, at]) =>
  noises.map(([noise, draw]): Shape => {
    const name = `${noise} noise, ${pattern}`;
    return {
      name,
      values(rows, seed) {
        const random = seeded(hash32(name, seed));
        return Float64Array.from({ length: rows }, (_, row) => 100 + at(row) + 2 * draw(random));
      },
    };
  }),
);
