const FIRST_ROWS = 64;

/**
 * The rows of one series in order of time, in a ring of numbers that forgets the oldest. With a `step`
 * rows are averaged by such an interval (ms), whose start is their time. A row with the time of another replaces it.
 */
export class Track {
  /** Numbers of a row without its time: the value, and what operators added. */
  readonly width: number;
  readonly step: number;
  private readonly most: number;
  private times = new Float64Array(FIRST_ROWS);
  private data: Float64Array;
  private counts = new Uint32Array(0);
  private first = 0;
  length = 0;

  constructor(width: number, most: number, step = 0) {
    this.width = width;
    this.most = most;
    this.step = step;
    this.data = new Float64Array(FIRST_ROWS * width);
    if (step > 0) this.counts = new Uint32Array(FIRST_ROWS);
  }

  time(row: number): number {
    return this.times[this.at(row)]!;
  }

  /** Column 0 is the value. NaN: there is none. */
  get(row: number, column: number): number {
    return this.data[this.at(row) * this.width + column]!;
  }

  get newest(): number {
    return this.length === 0 ? -Infinity : this.time(this.length - 1);
  }

  /** The first row at or after `time`; `length` where there is none. */
  find(time: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.time(middle) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param numbers the value and columns, from `from` on; null: not finite. */
  push(time: number, numbers: readonly (number | null)[], from: number): void {
    const { step } = this;
    const start = step > 0 ? Math.floor(time / step) * step : time;
    const row = start > this.newest ? this.append(start) : this.place(start);
    if (row < 0) return;
    const slot = this.at(row);
    const seen = step > 0 ? this.counts[slot]! : 0;
    for (let c = 0; c < this.width; c++) {
      const number = numbers[from + c] ?? NaN;
      const at = slot * this.width + c;
      const before = this.data[at]!;
      // A mean of what there is: a gap inside an interval leaves no hole.
      if (seen === 0 || Number.isNaN(before)) this.data[at] = number;
      else if (!Number.isNaN(number)) this.data[at] = before + (number - before) / (seen + 1);
    }
    if (step > 0) this.counts[slot] = seen + 1;
  }

  /** Puts rows before those there are; of the given ones, in order of time, those that are older than all. Each: time, value, columns. */
  prepend(rows: readonly (readonly (number | null)[])[]): void {
    const kept = Array.from({ length: this.length }, (_, row) => [this.time(row), ...this.data.subarray(this.at(row) * this.width, (this.at(row) + 1) * this.width)]);
    const oldest = kept[0]?.[0] ?? Infinity;
    this.clear();
    for (const row of rows) if (row[0] != null && row[0] < oldest) this.push(row[0], row, 1);
    for (const row of kept) this.push(row[0]!, row, 1);
  }

  clear(): void {
    this.first = 0;
    this.length = 0;
  }

  private at(row: number): number {
    const at = this.first + row;
    return at >= this.times.length ? at - this.times.length : at;
  }

  private append(time: number): number {
    if (this.length === this.times.length) {
      if (this.length < this.most) this.grow();
      else {
        this.first = this.at(1);
        this.length -= 1;
      }
    }
    this.length += 1;
    const slot = this.at(this.length - 1);
    this.times[slot] = time;
    if (this.step > 0) this.counts[slot] = 0;
    return this.length - 1;
  }

  /** The row for a time that is not the newest: the one that has it, or a new one between others; -1 where it is older than all that is kept. */
  private place(time: number): number {
    const row = this.find(time);
    if (row < this.length && this.time(row) === time) return row;
    if (row === 0 && this.length >= this.most) return -1;
    const before = this.length;
    this.append(time);
    // Appending to a full ring drops the oldest row.
    const target = this.length > before ? row : row - 1;
    for (let at = this.length - 1; at > target; at--) this.move(at - 1, at);
    const slot = this.at(target);
    this.times[slot] = time;
    if (this.step > 0) this.counts[slot] = 0;
    return target;
  }

  private move(from: number, to: number): void {
    const source = this.at(from);
    const target = this.at(to);
    this.times[target] = this.times[source]!;
    if (this.step > 0) this.counts[target] = this.counts[source]!;
    this.data.copyWithin(target * this.width, source * this.width, (source + 1) * this.width);
  }

  private grow(): void {
    const size = Math.min(this.most, this.times.length * 2);
    const times = new Float64Array(size);
    const data = new Float64Array(size * this.width);
    const counts = new Uint32Array(this.step > 0 ? size : 0);
    for (let row = 0; row < this.length; row++) {
      const slot = this.at(row);
      times[row] = this.times[slot]!;
      if (this.step > 0) counts[row] = this.counts[slot]!;
      data.set(this.data.subarray(slot * this.width, (slot + 1) * this.width), row * this.width);
    }
    this.times = times;
    this.data = data;
    this.counts = counts;
    this.first = 0;
  }
}
