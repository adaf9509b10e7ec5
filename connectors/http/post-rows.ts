import type { Time } from '../../engine/clock.js';
import type { Intake } from '../../engine/connector.js';

/** Bytes of a body for a sample, about: columns that are too short grow. */
const BYTES_A_ROW = 48;
const FEWEST = 16;

/** A post has more samples and bad lines than are taken at once. */
export class TooMany extends Error {
  override readonly name = 'TooMany';
}

/** The samples of a decoded body, by column. */
export class PostRows {
  length = 0;
  /** So many samples at most. */
  #room: number;
  earliest: Time = Infinity;
  #time: Float64Array;
  #value: Float64Array;
  readonly #series: string[] = [];

  /** `bytes`: length of the body. `room`: samples and bad lines that are taken. */
  constructor(bytes: number, room: number) {
    this.#room = room;
    const rows = FEWEST + Math.floor(bytes / BYTES_A_ROW);
    this.#time = new Float64Array(rows);
    this.#value = new Float64Array(rows);
  }

  /** A bad line takes the room of a sample. Throws `TooMany`. */
  refuse(): void {
    this.#room -= 1;
    if (this.length > this.#room) throw new TooMany();
  }

  /** Throws `TooMany`. */
  add(time: Time, series: string, value: number): true {
    if (this.length >= this.#room) throw new TooMany();
    if (this.length === this.#time.length) {
      this.#time = grown(this.#time);
      this.#value = grown(this.#value);
    }
    if (time < this.earliest) this.earliest = time;
    this.#time[this.length] = time;
    this.#value[this.length] = value;
    this.#series.push(series);
    this.length += 1;
    return true;
  }

  addTo(into: Pick<Intake, 'add'>): void {
    for (let i = 0; i < this.length; i++) into.add(this.#time[i]!, this.#series[i]!, this.#value[i]!, 0);
  }
}

function grown(column: Float64Array): Float64Array {
  const longer = new Float64Array(2 * column.length);
  longer.set(column);
  return longer;
}
