import { formatDuration } from '../../engine/scalars.js';

/** Durations are told to about two digits: `1m40s`, `3h`. */
export function told(ms: number): string {
  const unit = [86_400_000, 3_600_000, 60_000, 1_000].find((each) => ms >= 10 * each) ?? (ms >= 1_000 ? 1_000 : 1);
  return formatDuration(Math.round(ms / unit) * unit);
}

/** `cpu{host="a"} has been silent for 1m10s, since 1970-01-01T00:10:00.000Z; it gives a sample every 10s, and is not silent for more than 12s` */
export function explainSilence({ series, interval, longest }: { series: string; interval: number; longest: number }, silent: number, since: number): string {
  return `${series} has been silent for ${told(silent)}, since ${new Date(since).toISOString()}; it gives a sample every ${told(interval)}, and is not silent for more than ${told(longest)}`;
}

export function explainBack(series: string, interval: number, silent: number): string {
  return `${series} is back after a silence of ${told(silent)}; it gives a sample every ${told(interval)}`;
}

export function explainEnded(series: string, silent: number): string {
  return `${series} has been silent for ${told(silent)}: it has ended`;
}

/** @param first names of some of them @param since the last sample of the first that fell silent */
export function explainTogether(group: string, silent: number, all: number, since: number, first: readonly string[]): string {
  return `${group}: ${silent} of ${all} series are silent, the first since ${new Date(since).toISOString()}; among them ${first.join(', ')}`;
}

export function explainTogetherOver(group: string, silent: number, all: number, most: number, after: string): string {
  return `${group}: no more than ${silent} of ${all} series are silent, ${after} after there were many (${most} at most)`;
}

/** `temperature has been 21.4 for 150 samples (25m); it is not the same for more than 4` */
export function explainFrozen(series: string, value: number, run: number, lasting: number, longest: number): string {
  return `${series} has been ${value} for ${run} samples (${told(lasting)}); it is not the same for more than ${Math.round(longest)}`;
}

export function explainThawed(series: string, value: number, run: number, lasting: number): string {
  return `${series} changes again after ${run} samples of ${value} (${told(lasting)})`;
}
