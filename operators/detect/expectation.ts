import { FoundSeasons } from './found-season.js';
import { LocalTime } from './local-time.js';
import { follow, LEVEL, spread, type Followed } from './robust-scale.js';
import { column, type Rows } from './rows.js';
import { believed, CLEARLY, FOUND, NONE, predict, prediction, rings, seasons, type SeasonName, type Seasons } from './season.js';

export interface Expected extends Seasons, Followed {
  /** Values learned. */
  readonly learned: Uint32Array;
  readonly judgedAt: Float64Array;
  readonly previous: Float64Array;
  /** What the season added to it; 0: none was clear. */
  readonly lifted: Float64Array;
}

/** What rows are expected to be, by what has predicted their series best: level, time of hour, of day, of week, or of a period that was found. Columns, a value a row. */
export class Expectation {
  readonly #local: LocalTime;
  readonly #watched: readonly SeasonName[];
  /** Seasons whose period is looked for, where they are. */
  readonly found: FoundSeasons | undefined;
  #rows = 0;
  #level = spread(0);
  #rings = [prediction(0), prediction(0), prediction(0), prediction(0)] as const;
  /** Values of the series before, ms since the last of them, and the step from it, less what a clear season makes of it. */
  seen = column(0);
  elapsed = column(0);
  step = column(0);
  value = column(0);
  /** Standard deviation of what is not predicted. */
  error = column(0);
  /** The season that predicts the series clearly better than its level does, and by how much this time is above the mean of all times. */
  season = new Uint8Array(0);
  lift = column(0);

  /** @param watched seasons that are looked at @param zone whose clocks they go by */
  constructor(watched: readonly SeasonName[], zone: string) {
    this.#watched = watched;
    this.#local = new LocalTime(zone);
    this.found = watched.includes('found') ? new FoundSeasons() : undefined;
  }

  /** Fills the columns, and learns the rows. @param warmup values before which no season is believed */
  expect(of: Expected, rows: Rows, memory: number, warmup: number): void {
    this.#makeRoom(rows.length);
    this.#compare(of, rows);
    const times = this.#local.of(rows.time, rows.length);
    for (const ring of rings) if (this.#watched.includes(seasons[ring])) predict(of, ring, rows, times, this.elapsed, memory, this.#rings[ring]);
    this.found?.predict(rows, this.elapsed, memory, this.#rings[FOUND]);
    follow(of, LEVEL, rows, rows.value, this.seen, 0, memory, this.#level);
    this.#choose(of, rows, warmup);
  }

  #makeRoom(rows: number): void {
    if (rows <= this.#rows) return;
    this.#rows = rows;
    this.#level = spread(rows);
    this.#rings = [prediction(rows), prediction(rows), prediction(rows), prediction(rows)];
    this.seen = column(rows);
    this.elapsed = column(rows);
    this.step = column(rows);
    this.value = column(rows);
    this.error = column(rows);
    this.season = new Uint8Array(rows);
    this.lift = column(rows);
  }

  /** Each row and the one before it. */
  #compare({ learned, judgedAt, previous }: Expected, { length, time, slot, value }: Rows): void {
    const { seen, elapsed, step } = this;
    for (let i = 0; i < length; i++) {
      const at = slot[i]!;
      const n = learned[at]!;
      seen[i] = n;
      elapsed[i] = n === 0 ? 0 : time[i]! - judgedAt[at]!;
      step[i] = n === 0 ? 0 : value[i]! - previous[at]!;
      previous[at] = value[i]!;
      judgedAt[at] = time[i]!;
      if (n < 0xffffffff) learned[at] = n + 1;
    }
  }

  #choose({ lifted }: Expected, { length, slot }: Rows, warmup: number): void {
    const { seen, step, season, lift } = this;
    const level = this.#level;
    const byRing = this.#rings;
    const [hour, day, week, found] = byRing;
    for (let i = 0; i < length; i++) {
      const at = slot[i]!;
      const levelError = Math.sqrt(level.variance[i]!);
      const ring = seen[i]! < warmup ? NONE : believed(Number.isNaN(hour.middle[i]) ? Infinity : hour.error[i]!, day.error[i]!, week.error[i]!, Number.isNaN(found.middle[i]) ? Infinity : found.error[i]!, levelError);
      season[i] = NONE;
      lift[i] = 0;
      this.value[i] = level.mean[i]!;
      this.error[i] = levelError;
      if (ring !== NONE) {
        const { expected, error, middle } = byRing[ring];
        this.value[i] = expected[i]!;
        this.error[i] = error[i]!;
        if (error[i]! * CLEARLY < levelError && !Number.isNaN(middle[i])) {
          season[i] = ring;
          lift[i] = expected[i]! - middle[i]!;
          if (lifted[at] !== 0) step[i] = step[i]! - (lift[i]! - lifted[at]!);
        }
      }
      lifted[at] = lift[i]!;
    }
  }
}
