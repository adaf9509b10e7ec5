import type uPlot from 'uplot';
import { formatTick } from '../format/number.js';
import { formatClock, formatMinutes } from '../format/time.js';
import type { Unit } from '../format/units.js';
import { palette } from './palette.js';

/** The room that labels of the axes have, the same in all charts, so that their times stand under each other. */
const Y_AXIS = 62;
const X_AXIS = 24;
const MARGIN = 10;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Between labels of time: also two minutes and two hours, for which narrow screens have room. */
const STEPS = [1, 2, 5, 10, 15, 30].flatMap((n) => [n * SECOND, n * MINUTE]).concat([1, 2, 3, 6, 12, 24].map((n) => n * HOUR)).toSorted((a, b) => a - b);

export interface Look {
  readonly unit: Unit;
  readonly width: number;
  readonly height: number;
  /** Colour of each series, asked at each drawing. */
  readonly colours: readonly (() => string)[];
  readonly limits: uPlot.Range.Function;
  /** Longest time between two rows of a series that a line may cross. */
  readonly hole: (series: number) => number;
  readonly hooks: uPlot.Hooks.Arrays;
}

/** How every chart looks and behaves; sizes in CSS pixels, times in ms. */
export function plotOptions({ unit, width, height, colours, limits, hole, hooks }: Look): uPlot.Options {
  const grid = { stroke: () => palette().grid, width: 1 };
  const font = palette().font;
  return {
    width,
    height,
    ms: 1,
    padding: [8, MARGIN, 0, 0],
    legend: { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    focus: { alpha: 0.22 },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      bind: { dblclick: () => null },
      sync: { key: 'millrace', scales: ['x', null], setSeries: false },
      points: { size: 7, width: 1.5, stroke: (u, i) => colours[i - 1]!(), fill: () => palette().surface },
    },
    scales: { x: { time: true, auto: false }, y: { range: limits } },
    axes: [
      {
        font,
        size: X_AXIS,
        gap: 6,
        space: 58,
        incrs: STEPS,
        stroke: () => palette().text,
        grid: { show: false },
        ticks: { show: false },
        border: { ...grid, show: true },
        values: (u, splits, _axis, _space, step) => {
          const [format, half] = step < MINUTE ? [formatClock, 28] : [formatMinutes, 18];
          const right = u.bbox.width / devicePixelRatio + MARGIN;
          // The last would be cut off.
          return splits.map((time) => (u.valToPos(time, 'x') + half > right ? '' : format(time)));
        },
      },
      {
        font,
        size: Y_AXIS,
        gap: 6,
        space: 34,
        stroke: () => palette().text,
        grid,
        ticks: { show: false },
        values: (_u, splits, _axis, _space, step) => splits.map((value) => formatTick(value, step, unit)),
      },
    ],
    series: [{}, ...colours.map((colour, i) => line(colour, () => hole(i)))],
    hooks,
  };
}

function line(stroke: () => string, hole: () => number): uPlot.Series {
  return {
    stroke,
    width: 1.5,
    spanGaps: false,
    // Alone between two holes a row would not be seen.
    points: { show: (u, _series, from, to) => to - from < 2, size: 4 },
    gaps: (u, series, from, to, gaps) => {
      const most = hole();
      const times = u.data[0];
      const values = u.data[series]!;
      let before = -1;
      for (let i = from; i <= to; i++) {
        if (values[i] == null) continue;
        if (before >= 0 && times[i]! - times[before]! > most) gaps.push([Math.round(u.valToPos(times[before]!, 'x', true)), Math.round(u.valToPos(times[i]!, 'x', true))]);
        before = i;
      }
      return gaps.sort((a, b) => a[0]! - b[0]!);
    },
  };
}
