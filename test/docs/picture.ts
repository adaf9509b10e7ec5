import { anomalyChart, type ChartAnomaly, type ChartRow } from '../../cli/anomaly-chart.js';
import type { Anomaly } from '../../engine/finding.js';
import { operators } from '../../operators/list.js';
import { runReference } from '../kit/reference.js';
import type { Scene } from './scenes.js';

export interface Picture {
  readonly svg: string;
  /** What people are told in the time that is shown, of any series: the first sentence of each anomaly. */
  readonly told: readonly string[];
}

/** Runs the operator on the scene, and draws what came out. */
export function pictureOf({ title, operator, config, messages, shown, from }: Scene): Picture {
  const definition = operators.find(({ name }) => name === operator)!;
  const { rows, findings } = runReference(definition, definition.config.parse(config), messages);
  const drawn = rows.filter(({ time, series }) => time >= from && series === shown);
  const anomalies = findings.filter((finding): finding is Anomaly => finding.kind === 'anomaly' && finding.openedAt >= from);
  const closed = new Map(anomalies.filter(({ state }) => state === 'closed').map(({ id, time, severity }) => [id, { time, severity }]));
  const opened = anomalies.filter(({ state }) => state === 'opened');
  const last = drawn.at(-1)!.time;
  return {
    svg: anomalyChart(
      title,
      shown,
      drawn.map(({ time, value, columns: { score = NaN, expected = NaN, lower = NaN, upper = NaN } }): ChartRow => ({ time, value, score, expected, lower, upper })),
      opened.filter(({ series }) => series === shown).map(({ id, openedAt, severity }): ChartAnomaly => ({ from: openedAt, to: closed.get(id)?.time ?? last, severity: closed.get(id)?.severity ?? severity })),
    ),
    told: opened.map(({ explanation }) => explanation),
  };
}
