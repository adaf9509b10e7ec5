import type { Severity } from '../engine/finding.js';

/** A row of a detector. */
export interface ChartRow {
  readonly time: number;
  readonly value: number;
  readonly score: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
}

/** From when to when something was unusual. */
export interface ChartAnomaly {
  readonly from: number;
  readonly to: number;
  readonly severity: Severity;
}

const WIDTH = 960;
const LEFT = 100;
const RIGHT = 20;
const PLOT = WIDTH - LEFT - RIGHT;
/** The value above, its score below it. */
const VALUE = { top: 64, height: 260 };
const SCORE = { top: 364, height: 84 };
const HEIGHT = 492;

/** Scores are drawn by how rare they are: the axis ends where one normal row in a million scores as high. */
const RAREST = 6;
const rarity = (score: number): number => Math.min(RAREST, -Math.log10(Math.max(1 - score, 10 ** -RAREST)));

const colours = { text: '#1e293b', quiet: '#64748b', grid: '#e2e8f0', band: '#bfdbfe', expected: '#60a5fa', value: '#1e293b', score: '#7c3aed', info: '#94a3b8', low: '#facc15', medium: '#fb923c', high: '#f87171', critical: '#dc2626' } as const;

/** An SVG picture: the value in its band, what was expected, when it was an anomaly, and below it the score. Rows in order of time. */
export function anomalyChart(title: string, subtitle: string, rows: readonly ChartRow[], anomalies: readonly ChartAnomaly[]): string {
  const drawn = withGaps(condense(rows));
  const [from, to] = [rows[0]?.time ?? 0, rows.at(-1)?.time ?? 1];
  const x = (time: number): number => LEFT + (PLOT * (time - from)) / Math.max(1, to - from);
  const { least, most, ticks } = valueScale(drawn);
  const y = (value: number): number => VALUE.top + (VALUE.height * (most - value)) / (most - least);
  const s = (score: number): number => SCORE.top + SCORE.height * (1 - rarity(score) / RAREST);
  const bottom = SCORE.top + SCORE.height;
  const shown = anomalies.filter((each) => each.to >= from && each.from <= to);
  const parts = [
    text(LEFT, 26, title, 'font-size="15" font-weight="600"'),
    text(LEFT, 46, subtitle, `font-size="12" fill="${colours.quiet}"`),
    ...shown.map(({ from: opened, to: closed, severity }) => {
      const left = x(Math.max(from, opened));
      return `<rect class="anomaly ${severity}" x="${n(left)}" y="${VALUE.top}" width="${n(Math.max(2, x(Math.min(to, closed)) - left))}" height="${bottom - VALUE.top}" fill="${colours[severity]}" fill-opacity="0.18"/>`;
    }),
    ...ticks.map((value) => axisLine(y(value), String(value))),
    text(LEFT, SCORE.top - 10, 'score: how many normal rows score as high', `font-size="11" fill="${colours.quiet}"`),
    ...([[0, 'all'], [1, '1 in 10'], [3, '1 in 1,000'], [RAREST, '1 in a million']] as const).map(([power, label]) => axisLine(SCORE.top + SCORE.height * (1 - power / RAREST), label)),
    ...timeTicks(from, to).map(({ time, label }) => text(x(time), bottom + 20, label, `font-size="11" fill="${colours.quiet}" text-anchor="${x(time) > WIDTH - RIGHT - 30 ? 'end' : 'middle'}"`)),
    text(WIDTH - RIGHT, HEIGHT - 6, `UTC, from ${new Date(from).toISOString().slice(0, 10)}`, `font-size="11" fill="${colours.quiet}" text-anchor="end"`),
    `<path class="band" d="${bandPath(drawn, x, y)}" fill="${colours.band}" fill-opacity="0.6"/>`,
    line('expected', drawn.map(({ time, expected }) => [x(time), y(expected)]), `stroke="${colours.expected}" stroke-width="1.2" stroke-dasharray="4 3"`),
    line('value', drawn.flatMap(({ time, low, high }) => (low === high ? [[x(time), y(low)] as const] : [[x(time), y(low)] as const, [x(time), y(high)] as const])), `stroke="${colours.value}" stroke-width="1.3" stroke-linejoin="round"`),
    ...drawn.flatMap(({ time, low, high, lower, upper, score }) => {
      // A series that is hardly known has a band, but is not judged: its score is 0.
      const out = !(score > 0) ? undefined : high > upper ? high : low < lower ? low : undefined;
      return out === undefined ? [] : [`<circle class="outside" cx="${n(x(time))}" cy="${n(y(out))}" r="2.6" fill="${colours.critical}"/>`];
    }),
    line('score', drawn.map(({ time, score }) => [x(time), s(score)]), `stroke="${colours.score}" stroke-width="1.2" stroke-linejoin="round"`),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" fill="${colours.text}">\n<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>\n${parts.join('\n')}\n</svg>\n`;
}

/** What is drawn at one place: one row, or several. */
interface Drawn extends Omit<ChartRow, 'value'> {
  readonly low: number;
  readonly high: number;
}

/** Of rows that fall on the same pixel the extremes are kept, so that no spike is lost. */
function condense(rows: readonly ChartRow[]): Drawn[] {
  const most = PLOT;
  if (rows.length <= most) return rows.map(({ value, ...rest }) => ({ ...rest, low: value, high: value }));
  const groups = Array.from({ length: most }, (_, i) => rows.slice(Math.floor((i * rows.length) / most), Math.floor(((i + 1) * rows.length) / most)));
  return groups.map((group) => {
    const of = (column: keyof ChartRow): number[] => group.map((row) => row[column]).filter((value) => !Number.isNaN(value));
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const values = of('value');
    return {
      time: group[0]!.time,
      low: values.length === 0 ? NaN : Math.min(...values),
      high: values.length === 0 ? NaN : Math.max(...values),
      score: of('score').length === 0 ? NaN : Math.max(...of('score')),
      expected: mean(of('expected')),
      lower: mean(of('lower')),
      upper: mean(of('upper')),
    };
  });
}

/** Rows are apart so many times as far as is usual: between them there is nothing. */
const GAP = 8;

/** A line is broken where rows are missing. */
function withGaps(drawn: readonly Drawn[]): Drawn[] {
  const apart = drawn.slice(1).map(({ time }, i) => time - drawn[i]!.time);
  const usual = apart.toSorted((a, b) => a - b)[apart.length >> 1] ?? 0;
  return drawn.flatMap((row, i) => (i > 0 && apart[i - 1]! > GAP * usual ? [{ ...row, low: NaN, high: NaN, score: NaN, expected: NaN, lower: NaN, upper: NaN }, row] : [row]));
}

/** From a round number below all to one above all. A band far wider than the values, as of a series that is hardly known, is cut. */
function valueScale(drawn: readonly Drawn[]): { least: number; most: number; ticks: number[] } {
  const values = drawn.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite);
  const [lowest, highest] = values.length === 0 ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const room = Math.max(highest - lowest, 1e-9 * Math.abs(highest), Number.MIN_VALUE);
  const bounds = drawn.flatMap(({ lower, upper }) => [lower, upper]).filter((bound) => bound >= lowest - room && bound <= highest + room);
  const [from, to] = [Math.min(lowest, ...bounds), Math.max(highest, ...bounds)];
  const step = roundStep((to - from || Math.abs(from) || 1) / 5);
  const least = Math.floor(from / step) * step;
  const most = Math.max(Math.ceil(to / step) * step, least + step);
  return { least, most, ticks: Array.from({ length: Math.round((most - least) / step) + 1 }, (_, i) => Number((least + i * step).toPrecision(12))) };
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return power * (size <= power ? 1 : size <= 2 * power ? 2 : size <= 5 * power ? 5 : 10);
}

const MINUTE = 60_000;
const steps = [1_000, 5_000, 15_000, 30_000, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE, 3 * 60 * MINUTE, 6 * 60 * MINUTE, 12 * 60 * MINUTE, 1_440 * MINUTE, 2 * 1_440 * MINUTE, 7 * 1_440 * MINUTE, 30 * 1_440 * MINUTE];

/** At round times, UTC: the clock within days, else the day. */
function timeTicks(from: number, to: number): { time: number; label: string }[] {
  const step = steps.find((each) => (to - from) / each <= 8) ?? (to - from) / 8;
  const label = (time: number): string => {
    const iso = new Date(time).toISOString();
    if (step >= 1_440 * MINUTE || time % (1_440 * MINUTE) === 0) return iso.slice(0, 10);
    return step < MINUTE ? iso.slice(11, 19) : iso.slice(11, 16);
  };
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => ({ time: first + i * step, label: label(first + i * step) }));
}

type Point = readonly [x: number, y: number];

/** A line that has gaps where there is no number. */
function line(name: string, points: readonly Point[], style: string): string {
  return `<path class="${name}" d="${strokes(points).map(polyline).join('')}" fill="none" ${style}/>`;
}

function bandPath(drawn: readonly Drawn[], x: (time: number) => number, y: (value: number) => number): string {
  const [top, bottom] = [VALUE.top, VALUE.top + VALUE.height];
  const within = (at: number): number => Math.max(top, Math.min(bottom, at));
  const uppers = strokes(drawn.map(({ time, upper }) => [x(time), within(y(upper))]));
  const lowers = strokes(drawn.map(({ time, lower }) => [x(time), within(y(lower))]));
  return uppers.map((upper, i) => `${polyline([...upper, ...(lowers[i] ?? []).toReversed()])}Z`).join('');
}

/** The stretches of points without a gap. */
function strokes(points: readonly Point[]): Point[][] {
  const found: Point[][] = [];
  let open = false;
  for (const point of points) {
    const there = Number.isFinite(point[1]);
    if (there && !open) found.push([]);
    if (there) found.at(-1)!.push(point);
    open = there;
  }
  return found;
}

const n = (value: number): string => String(Math.round(value * 100) / 100);
const polyline = (points: readonly Point[]): string => points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${n(x)} ${n(y)}`).join('');

function axisLine(y: number, label: string): string {
  return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y)}" y2="${n(y)}" stroke="${colours.grid}"/>${text(LEFT - 8, y + 4, label, `font-size="11" fill="${colours.quiet}" text-anchor="end"`)}`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${n(x)}" y="${n(y)}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</text>`;
}
