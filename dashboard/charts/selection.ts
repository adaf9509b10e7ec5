import type { Track } from '../store/track.js';
import type { Group, Member } from './grouping.js';

/** More lines in one chart can't be told apart. */
export const MOST_SERIES = 8;

/** The members that are drawn at first: all, or those that vary most. `urgent`: keys of series that must be among them. */
export function chooseMembers({ members }: Group, urgent: ReadonlySet<string>): ReadonlySet<string> {
  const candidates = members.filter(({ aside, series }) => !aside || urgent.has(series.key));
  const ranked =
    candidates.length <= MOST_SERIES
      ? candidates
      : candidates
          .map((member) => ({ member, weight: urgent.has(member.series.key) ? Infinity : variance(member.series.live) }))
          .toSorted((a, b) => b.weight - a.weight || order(members, a.member, b.member))
          .slice(0, MOST_SERIES)
          .map(({ member }) => member);
  return new Set(ranked.map(({ series }) => series.key));
}

function order(members: readonly Member[], a: Member, b: Member): number {
  return members.indexOf(a) - members.indexOf(b);
}

function variance(track: Track): number {
  let count = 0;
  let mean = 0;
  let sum = 0;
  for (let row = 0; row < track.length; row++) {
    const value = track.get(row, 0);
    if (Number.isNaN(value)) continue;
    count += 1;
    const delta = value - mean;
    mean += delta / count;
    sum += delta * (value - mean);
  }
  return count === 0 ? -1 : sum / count;
}
