import type { Unit } from '../format/units.js';
import type { Anomaly } from '../live/protocol.js';
import type { Series } from '../store/series-store.js';
import type { Track } from '../store/track.js';
import type { Range } from './view.js';

/** A line of a chart. */
export interface Shown {
  readonly series: Series;
  /** Whose columns say where it is expected. */
  readonly band: Series | undefined;
  readonly label: string;
  /** Index in the palette. */
  readonly colour: number;
}

/** What a chart is made of, and where it asks for it. */
export interface PlotContent {
  readonly id: string;
  readonly unit: Unit;
  readonly members: readonly Shown[];
  readonly anomaliesOf: (key: string) => readonly Anomaly[];
  /** The rows of a series for a range; where they have to be fetched, the plot is drawn again once they are there. */
  readonly trackOf: (series: Series, range: Range) => Track;
  /** The newest value of each member, after each drawing; NaN where it is not current. */
  readonly onValues: (values: readonly number[]) => void;
}

/** What was drawn last; arrays by member. */
export interface Scene {
  /** From when to when, ms since the epoch. */
  readonly window: readonly [number, number];
  readonly tracks: readonly Track[];
  readonly bandTracks: readonly (Track | undefined)[];
  /** Longest time between two rows that is no hole, ms. */
  readonly holes: readonly number[];
  /** Members whose band is shown. */
  readonly banded: readonly number[];
  /** In the window, with the member that each is of. */
  readonly anomalies: readonly { readonly anomaly: Anomaly; readonly member: number }[];
}
