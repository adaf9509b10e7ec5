const HOUR = 3_600_000;

/** Whether there is such a time zone, by its name in the IANA database. */
export function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export function noTimeZone(name: string): string {
  return `there is no time zone ${name}: write Europe/Berlin, UTC`;
}

/** What clocks on the wall show, as ms since an epoch of theirs: UTC plus the offset of the zone at that time. */
export class LocalTime {
  readonly #format: Intl.DateTimeFormat | undefined;
  /** The quarter of an hour last asked for, in which no zone changes its offset, and the offset in it. */
  #quarter = NaN;
  #offset = 0;
  #times = new Float64Array(0);

  constructor(zone: string) {
    this.#format = zone === 'UTC' ? undefined : new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  }

  /** Of each of the first `length` times; valid until the next call. */
  of(times: Float64Array, length: number): Float64Array {
    if (this.#format === undefined) return times;
    if (this.#times.length < length) this.#times = new Float64Array(length);
    for (let i = 0; i < length; i++) this.#times[i] = times[i]! + this.#offsetAt(times[i]!);
    return this.#times;
  }

  #offsetAt(time: number): number {
    // Zones change at whole quarters of an hour UTC.
    const quarter = Math.floor(time / (HOUR / 4));
    if (quarter !== this.#quarter) {
      this.#quarter = quarter;
      this.#offset = this.#read(quarter * (HOUR / 4));
    }
    return this.#offset;
  }

  /** `GMT`, `GMT+05:30`, and before there was standard time `GMT-00:01:15`. */
  #read(time: number): number {
    // What a date can't hold has no local time.
    if (!(Math.abs(time) <= 8.64e15)) return 0;
    const name = this.#format!.formatToParts(time).find(({ type }) => type === 'timeZoneName')!.value;
    const found = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(name);
    if (found === null) throw new Error(`an offset ${name} is none`);
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = found;
    return (sign === '-' ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * 60_000 + Number(seconds) * 1_000);
  }
}
