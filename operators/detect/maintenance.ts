import { Cron } from 'croner';
import { z } from 'zod';
import { isTimeZone, noTimeZone } from './local-time.js';
import type { Names } from '../../engine/operator.js';
import { duration } from '../../engine/scalars.js';
import { compileMatchers, selector } from '../../engine/selector.js';

/** A graph has a handful; each series costs a bit for each. */
const MOST = 32;
/** Stretches of a schedule that are known at once: rows come nearly in the order of time. */
const STRETCHES = 8;

const where = selector().optional().describe('Which series: a selector of Prometheus. Default: all.');
const moment = z.iso.datetime({ offset: true });

const recurring = z
  .strictObject({
    schedule: z.string().describe('When it begins: a cron expression of five fields, such as `0 2 * * SUN`; also `L`, `W` and `#`.'),
    duration: duration({ min: '1m', max: '31d' }).describe('How long it lasts.'),
    time_zone: z.string().default('UTC').describe('Of the schedule, such as `Europe/Berlin`. What the clock skips in spring begins when it is set; what comes twice in autumn begins once.'),
    where,
  })
  .superRefine(({ schedule, time_zone }, context) => {
    const refuse = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (!isTimeZone(time_zone)) return refuse('time_zone', noTimeZone(time_zone));
    try {
      // What `?` stands for depends on the clock.
      if (schedule.includes('?')) refuse('schedule', 'a schedule can not have `?`');
      else if (cronOf(schedule, time_zone).nextRun(new Date(0)) === null) refuse('schedule', 'this never begins');
    } catch (error) {
      refuse('schedule', (error as Error).message.replace(/^CronPattern: /, ''));
    }
  });

const once = z
  .strictObject({ from: moment.describe('When it begins, ISO 8601.'), to: moment.describe('When it is over.'), where })
  .refine((of) => Date.parse(of.from) < Date.parse(of.to), { path: ['to'], message: 'must be after `from`' });

export const maintenance = z
  .array(z.union([recurring, once]))
  .max(MOST)
  .default([])
  .describe('Times in which nothing is told and nothing learned, by the time of the samples.');

export type Window = z.output<typeof maintenance>[number];

function cronOf(schedule: string, timezone: string): Cron {
  return new Cron(schedule, { timezone, mode: '5-part', paused: true });
}

/** From one beginning of a schedule to the next. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Whether a time is in a window. */
class Times {
  readonly #cron: Cron | undefined;
  /** Of a schedule, how long each lasts; else the only one. */
  readonly #duration: number;
  #known: Stretch[];

  constructor(window: Window) {
    if ('schedule' in window) {
      this.#cron = cronOf(window.schedule, window.time_zone);
      this.#duration = window.duration;
      this.#known = [];
    } else {
      const from = Date.parse(window.from);
      this.#duration = Date.parse(window.to) - from;
      this.#known = [{ from: -Infinity, to: from }, { from, to: Infinity }];
    }
  }

  has(time: number): boolean {
    let stretch = this.#known.find(({ from, to }) => time >= from && time < to);
    if (stretch === undefined) {
      stretch = this.#stretchAt(this.#cron!, time);
      this.#known.unshift(stretch);
      this.#known.length = Math.min(this.#known.length, STRETCHES);
    }
    return time - stretch.from < this.#duration;
  }

  #stretchAt(cron: Cron, time: number): Stretch {
    // It goes by whole seconds, and looks for what was before.
    const [before] = cron.previousRuns(1, new Date(Math.floor(time / 1_000) * 1_000 + 1_000));
    const next = cron.nextRun(new Date(time));
    return { from: before?.getTime() ?? -Infinity, to: next?.getTime() ?? Infinity };
  }
}

/** The windows of a detector, for its series by slot. */
export class Maintenance {
  readonly #names: Names;
  readonly #windows: readonly { readonly times: Times; readonly applies: (series: ReturnType<Names['series']>) => boolean }[];
  /** By slot, where it has been asked for: a bit for each window that applies. */
  readonly #applying: (number | undefined)[] = [];

  constructor(windows: readonly Window[], names: Names) {
    this.#names = names;
    this.#windows = windows.map((window) => ({ times: new Times(window), applies: window.where === undefined ? () => true : compileMatchers(window.where) }));
  }

  /** Nothing is ever in one. */
  get none(): boolean {
    return this.#windows.length === 0;
  }

  covers(slot: number, time: number): boolean {
    const applying = (this.#applying[slot] ??= this.#applyingTo(slot));
    return this.#windows.some(({ times }, i) => (applying & (1 << i)) !== 0 && times.has(time));
  }

  #applyingTo(slot: number): number {
    const series = this.#names.series(slot);
    return this.#windows.reduce((bits, { applies }, i) => (applies(series) ? bits | (1 << i) : bits), 0);
  }

  /** The slot is of another series from now on. */
  release(slot: number): void {
    this.#applying[slot] = undefined;
  }
}
