import { rounded, times } from '../anomaly/wording.js';

export interface Band {
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
}

export interface ToldMember extends Band {
  /** Canonical text of the series. */
  readonly series: string;
  /** Its value furthest out, and how far: 1 is the edge of the band. */
  readonly value: number;
  readonly ratio: number;
  readonly direction: 'up' | 'down';
  /** How many of how many members are in the main cluster. */
  readonly agreeing: number;
  readonly members: number;
}

/** `cpu_usage{host="c"} was 91.2; 11 of 12 peers are within 45 to 55 (middle 50.2); 8.3 times as far above the middle as that reaches` */
export function explainAway(told: ToldMember): string {
  return `${told.series} was ${number(told.value, told)}; ${peers(told)}; ${distance(told)}`;
}

/** @param after `20m`: how long the anomaly was open */
export function explainBack(told: ToldMember, after: string): string {
  return `${told.series} is back among its peers after ${after}; it was ${number(told.value, told)} at its furthest; ${distance(told)}`;
}

export function explainGone(told: ToldMember, after: string): string {
  return `${told.series} gives no samples any more, after ${after} away from its peers; it was ${number(told.value, told)} at its furthest; ${distance(told)}`;
}

export function explainStays(told: ToldMember, windows: number, after: string): string {
  return `${told.series} has stayed away from its peers for ${windows} windows (${after}), so that is its place; it was ${number(told.value, told)} at its furthest; ${distance(told)}`;
}

export interface ToldGroup extends Band {
  readonly series: string;
  readonly members: number;
  readonly above: number;
  readonly below: number;
  /** Text of the members furthest out, the furthest first, and the value of each. */
  readonly furthest: readonly (readonly [string, number])[];
}

/** `cpu_usage{job="api"}: 5 of 12 members are away from the rest, 5 above and 0 below 45 to 55 (middle 50.2); furthest: ...` */
export function explainTogether(told: ToldGroup): string {
  const furthest = told.furthest.map(([series, value]) => `${series} (${number(value, told)})`).join(', ');
  return `${told.series}: ${told.above + told.below} of ${told.members} members are away from the rest, ${told.above} above and ${told.below} below ${number(told.lower, told)} to ${number(told.upper, told)} (middle ${number(told.expected, told)})${furthest === '' ? '' : `; furthest: ${furthest}`}`;
}

export function explainTogetherAgain(told: ToldGroup, after: string): string {
  return `${told.series}: the members are together again after ${after}, ${told.above + told.below} of ${told.members} are away from ${number(told.lower, told)} to ${number(told.upper, told)} (middle ${number(told.expected, told)})`;
}

function peers(told: ToldMember): string {
  const whom = told.agreeing === 0 ? `no half of its ${told.members - 1} peers agree; around the middle is` : `${told.agreeing} of ${told.members} members are within`;
  return `${whom} ${number(told.lower, told)} to ${number(told.upper, told)} (middle ${number(told.expected, told)})`;
}

function distance({ ratio, direction, lower, upper }: ToldMember): string {
  const side = direction === 'up' ? 'above' : 'below';
  return lower === upper ? `${side} the middle, which is where all others are` : `${times(ratio)} as far ${side} the middle as that reaches`;
}

function number(value: number, { lower, upper }: Band): string {
  return rounded(value, upper - lower);
}
