import type { Time } from '../../engine/clock.js';
import { seeded } from '../../engine/random.js';
import type { Shape } from './shape.js';

export const anomalyKinds = ['spike', 'shift', 'drop'] as const;
export type AnomalyKind = (typeof anomalyKinds)[number];

export interface SignalSettings {
  readonly seed: number;
  readonly series: number;
  readonly count: number;
  readonly level: number;
  /** Change of the level a day. */
  readonly trend: number;
  readonly season: number;
  readonly amplitude: number;
  readonly noise: number;
  readonly anomalies: readonly AnomalyKind[];
  readonly anomalyEvery: number;
  /** Time of the first sample, and from step to step, ms. */
  readonly start: Time;
  readonly interval: number;
}

/** What was injected: samples with from <= time <= to. */
export interface Injected {
  readonly series: number;
  readonly kind: AnomalyKind;
  readonly from: Time;
  readonly to: Time;
  /** What a spike or shift adds; what a drop multiplies by. */
  readonly size: number;
}

const DAY_MS = 86_400_000;
/** What is left of a value in a drop: the service is down, its last clients are not. */
const DROP_FACTOR = 0.05;

/** Levels, a daily or other season, a trend, Gaussian noise, and an injected anomaly in every stretch of `anomalyEvery` but the first. */
export interface Signal extends Shape {
  /** The anomaly of a series in stretch `index` (from `start + index * anomalyEvery`); undefined in the first and where none are asked for. */
  injected(series: number, index: number): Injected | undefined;
}

export function signalShape(settings: SignalSettings): Signal {
  const { series, start, interval, anomalyEvery } = settings;
  const timeOf = (step: number): Time => Math.floor(start + step * interval);
  const levels = new Float64Array(series);
  const phases = new Float64Array(series);
  for (let s = 0; s < series; s++) {
    const random = seeded(mix(settings.seed, s, 1));
    levels[s] = settings.level * (0.75 + 0.5 * random());
    phases[s] = 2 * Math.PI * random();
  }
  // The stretch each series is in: made anew when it enters the next.
  const current = new Array<Injected | undefined>(series);
  const stretch = new Int32Array(series).fill(-1);

  function injected(s: number, index: number): Injected | undefined {
    if (index === 0 || settings.anomalies.length === 0) return undefined;
    const random = seeded(mix(mix(settings.seed, s, 2), index, 3));
    const kind = settings.anomalies[Math.floor(random() * settings.anomalies.length)]!;
    const step = Math.ceil(((index + 0.1 + 0.5 * random()) * anomalyEvery) / interval);
    const steps = (part: number): number => Math.ceil((part * anomalyEvery) / interval);
    const span = (more: number): { from: Time; to: Time } => ({ from: timeOf(step), to: timeOf(step + more) });
    const sign = random() < 0.5 ? -1 : 1;
    const size = (8 * settings.noise + 0.5 * settings.amplitude) * (0.75 + 0.5 * random());
    const length = random();
    switch (kind) {
      case 'spike':
        return { series: s, kind, ...span(Math.floor(3 * length)), size: sign * size };
      case 'shift':
        return { series: s, kind, ...span(steps(0.1 + 0.15 * length)), size: sign * size };
      case 'drop':
        return { series: s, kind, ...span(steps(0.02 + 0.06 * length)), size: DROP_FACTOR };
      default:
        return kind satisfies never;
    }
  }

  function valueOf(s: number, step: number, time: Time): number {
    const value = levels[s]! + (settings.trend * (time - start)) / DAY_MS + settings.amplitude * Math.sin((2 * Math.PI * (time - start)) / settings.season + phases[s]!) + settings.noise * gaussian(mix(mix(settings.seed, s, 4), step, 5));
    const index = Math.floor((time - start) / anomalyEvery);
    if (stretch[s] !== index) {
      stretch[s] = index;
      current[s] = injected(s, index);
    }
    const anomaly = current[s];
    if (anomaly === undefined || time < anomaly.from || time > anomaly.to) return value;
    return anomaly.kind === 'drop' ? value * anomaly.size : value + anomaly.size;
  }

  return {
    series,
    count: settings.count,
    disorder: 0,
    injected,
    timeOf,
    fill(step, own, from, to, time, value, at) {
      const stepTime = timeOf(step);
      for (let j = from; j < to; j++, at++) {
        time[at] = stepTime;
        value[at] = valueOf(own[j]!, step, stepTime);
      }
    },
  };
}

/** A well mixed 32-bit hash of three integers (finaliser of MurmurHash3). */
function mix(a: number, b: number, c: number): number {
  let h = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b + 0x7f4a7c15, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A standard normal number from a seed (Box and Muller 1958). */
function gaussian(seed: number): number {
  const random = seeded(seed);
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return radius * Math.cos(2 * Math.PI * random());
}
