/** Millrace as a library: to run graphs in one's own process, and to write operators, sources and sinks. */
export const version = '0.1.0';

export { defineOperator } from './engine/operator.js';
export type { Columns, Derived, Example, Names, Operator, OperatorContext, OperatorDefinition, Output, Ports, Route, StateSchema } from './engine/operator.js';
export { defineSink, defineSource } from './engine/connector.js';
export type { ConnectorContext, History, HistoryRow, Intake, LocalSource, Position, Reading, Sink, SinkDefinition, Source, SourceDefinition } from './engine/connector.js';
export type { Batch } from './engine/batch.js';
export { findingId, findingSchema } from './engine/finding.js';
export type { Alert, Anomaly, Burn, Finding, FindingKind, Forecast, Severity } from './engine/finding.js';
export { makeSeries, parseSeries, seriesText } from './engine/series.js';
export type { Series } from './engine/series.js';
export { checkGraph } from './engine/graph-check.js';
export type { GraphSpec, NodeSpec, Problem, Registry } from './engine/graph.js';
export { makePlan } from './engine/plan.js';
export type { Plan } from './engine/plan.js';
export { Runtime } from './engine/runtime.js';
export type { RuntimeOptions } from './engine/runtime.js';
export { systemClock } from './engine/clock.js';
export type { Clock, Time } from './engine/clock.js';
export { seeded, systemRandom } from './engine/random.js';
export type { Random } from './engine/random.js';
export { duration, size } from './engine/scalars.js';
