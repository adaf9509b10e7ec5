/** Publishes samples as columnar frames (docs/columnar-frame.md), from Node and browsers. */
export { Publisher, type PublisherOptions, type Timers } from './publisher.js';
export type { Labels, PublishedSeries } from './series.js';

/** The Content-Type of a frame. */
export const FRAME_TYPE = 'application/vnd.millrace.frame';
