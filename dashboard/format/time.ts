const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

const DAY_MS = 86_400_000;

/** `03:12:07` */
export function formatClock(time: number): string {
  return clock.format(time);
}

/** `03:12` */
export function formatMinutes(time: number): string {
  return minutes.format(time);
}

/** The time alone where it was today, else with its day. */
export function formatMoment(time: number, now: number): string {
  return Math.abs(now - time) < DAY_MS / 2 ? clock.format(time) : `${dayName(time, now)}, ${minutes.format(time)}`;
}

/** `14 Dec`, with the year where it is not near. */
export function dayName(time: number, now: number): string {
  return Math.abs(now - time) < 180 * DAY_MS ? day.format(time) : dayOfYear.format(time);
}

const lengths: readonly (readonly [one: string, many: string, ms: number])[] = [
  ['day', 'days', DAY_MS],
  ['h', 'h', 3_600_000],
  ['min', 'min', 60_000],
  ['s', 's', 1_000],
];

/** Roughly how long: `40 s`, `4 min`, `3 h`, `12 days`. */
export function formatLength(ms: number): string {
  const size = Math.max(0, ms);
  const [one, many, length] = lengths.find(([, , each]) => size >= each) ?? lengths.at(-1)!;
  const count = Math.floor(size / length);
  return `${count}\u202f${count === 1 ? one : many}`;
}

/** `4 min ago` */
export function formatAgo(time: number, now: number): string {
  return now - time < 2_000 ? 'just now' : `${formatLength(now - time)} ago`;
}
