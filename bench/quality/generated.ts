/** Series by formula of which all is known: `generate`'s, without anomalies and with. */
import { generateConfig, seriesOf, signalOf, START } from '../../connectors/generate/config.js';
import { judge, rowsOf, type Recorded } from '../../cli/judge.js';
import { seriesText } from '../../engine/series.js';
import type { Span } from '../../quality/labelled.js';
import { alarmFigure, type AlarmFigure, type CleanFigure } from './figures.js';

const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;

/** Clean seasonal series, of the defaults of `generate` and of what differs most from them. */
const clean: readonly { readonly set: string; readonly config: Readonly<Record<string, unknown>> }[] = [
  { set: 'a sample a minute, daily season', config: { series: 5, interval: '1m', duration: '30d' } },
  { set: 'every 5 minutes, daily season, noise of half its height', config: { series: 20, interval: '5m', duration: '30d', noise: 10 } },
  { set: 'every hour, weekly season', config: { series: 20, interval: '1h', duration: '120d', season: '7d' } },
];

interface Generated extends Recorded {
  readonly rows: number;
  readonly spans: readonly Span[];
}

function generate(config: Readonly<Record<string, unknown>>): Generated[] {
  const parsed = generateConfig.parse(config);
  const signal = signalOf(parsed, START);
  return seriesOf(parsed).map(({ name, labels }, s) => {
    const rows = signal.count / signal.series;
    const times = new Float64Array(rows);
    const values = new Float64Array(rows);
    for (let row = 0; row < rows; row++) signal.fill(row, Uint32Array.of(s), 0, 1, times, values, row);
    const stretches = Math.ceil((rows * parsed.interval) / parsed.anomaly_every);
    const spans = Array.from({ length: stretches }, (_, i) => signal.injected(s, i)).flatMap((injected) => {
      const span = { first: times.findIndex((time) => time >= (injected?.from ?? Infinity)), last: times.findLastIndex((time) => time <= (injected?.to ?? -Infinity)) };
      return span.first >= 0 && span.last >= span.first ? [span] : [];
    });
    return { series: seriesText(name, labels), times, values, rows, spans };
  });
}

export async function cleanFigures(): Promise<CleanFigure[]> {
  const figures: CleanFigure[] = [];
  for (const { set, config } of clean) {
    const series = generate({ ...config, anomalies: [] });
    const judged = await judge(series);
    const spanned = series.reduce((sum, { times }) => sum + (times.at(-1)! - times[0]!) / MONTH_MS, 0);
    figures.push({ set, alarms: judged.reduce((sum, { anomalies }) => sum + anomalies.filter(({ revision }) => revision === 1).length, 0), seriesMonths: spanned });
  }
  return figures;
}

/** Spikes, shifts and drops, one a day and series. */
export async function injectedFigure(): Promise<AlarmFigure> {
  const series = generate({ series: 10, interval: '1m', duration: '14d', anomaly_every: '1d' });
  const judged = await judge(series);
  return alarmFigure('generated, one anomaly a day', series, judged.map(({ anomalies }, i) => rowsOf(series[i]!, anomalies)));
}
