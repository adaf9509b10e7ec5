import { z } from 'zod';
import type { LatestRow } from '../engine/board.js';
import type { Burn, Finding, Forecast } from '../engine/finding.js';
import type { Routes } from '../engine/routes.js';
import { parseSeries } from '../engine/series.js';
import { addEndpoint } from './endpoint.js';
import { iso, type Reader } from './reader.js';
import { capacityBody, capacityQuery, sloBody, type sloStatuses } from './schemas.js';

const DAY_MS = 86_400_000;

/** What this file needs of the config of a burn-rate node. */
const burnRateConfig = z.object({ slos: z.array(z.object({ name: z.string(), target_percentage: z.number() })) });

/** What is left of error budgets, and of capacity. */
export function addOutlookRoutes(routes: Routes, reader: Reader): void {
  addEndpoint(routes, {
    path: '/api/slo-compliance',
    summary: 'Compliance, error budget and burn rate of every SLO',
    body: sloBody,
    answer: async () => {
      const open = (await reader.open('burn')).filter(isBurn);
      const body: z.input<typeof sloBody> = {};
      for (const { spec } of reader.view.plan.operators.filter((operator) => operator.spec.type === 'burn-rate')) {
        const rows = new Map((await reader.latest(spec.name)).map((row) => [parseSeries(row.series).labels['slo'], row]));
        for (const { name, target_percentage } of burnRateConfig.parse(spec.config).slos) {
          const burns = open.filter((finding) => finding.slo === name && finding.operator === spec.name);
          body[name] = compliance(target_percentage, rows.get(name), burns);
        }
      }
      return body;
    },
  });

  addEndpoint(routes, {
    path: '/api/capacity-report',
    summary: 'What every forecast series will need, the most urgent first',
    query: capacityQuery,
    body: capacityBody,
    answer: async ({ forecast_days }) => {
      const forecasts = (await reader.open('forecast')).filter(isForecast);
      const rows = new Map<string, LatestRow>();
      for (const node of new Set(forecasts.map((forecast) => forecast.operator))) for (const row of await reader.latest(node)) rows.set(`${node} ${row.series}`, row);
      const now = reader.clock.now();
      return {
        timestamp: iso(now),
        forecast_days,
        predictions: forecasts.sort(byUrgency).map((forecast) => prediction(forecast, rows.get(`${forecast.operator} ${forecast.series}`), now + forecast_days * DAY_MS, forecast_days * DAY_MS)),
      };
    },
  });
}

const isBurn = (finding: Finding) => finding.kind === 'burn';
const isForecast = (finding: Finding) => finding.kind === 'forecast';

function compliance(target: number, row: LatestRow | undefined, burns: readonly Burn[]): z.input<typeof sloBody>[string] {
  if (row === undefined) return { compliance: 100, target, error_budget_remaining: 100, burn_rate: 0, status: 'no_data' };
  const { compliance: percent = 100, budget_remaining = 100, burn_rate = row.value } = row.columns;
  return { compliance: percent, target, error_budget_remaining: budget_remaining, burn_rate, status: sloStatus(budget_remaining, burns) };
}

function sloStatus(budgetRemaining: number, burns: readonly Burn[]): (typeof sloStatuses)[number] {
  if (budgetRemaining <= 0) return 'breached';
  if (burns.some(({ severity }) => severity === 'critical' || severity === 'high')) return 'critical';
  return burns.length > 0 ? 'warning' : 'good';
}

const urgency: readonly Forecast['action'][] = ['immediate_scale_up_required', 'plan_scale_up', 'monitor_closely', 'consider_scale_down', 'maintain_current_capacity'];

function byUrgency(a: Forecast, b: Forecast): number {
  return urgency.indexOf(a.action) - urgency.indexOf(b.action) || (a.series < b.series ? -1 : 1);
}

/**
 * A forecast for another time than its horizon: on the straight line between now and the horizon; beyond
 * it the confidence falls in proportion. The row, which comes with each forecast, is newer than the finding, which comes with changes.
 */
function prediction(forecast: Forecast, row: LatestRow | undefined, until: number, ahead: number): z.input<typeof capacityBody>['predictions'][number] {
  const fresh = row !== undefined && row.time >= forecast.time;
  const current = fresh ? row.value : forecast.current;
  const predicted = fresh ? (row.columns['predicted'] ?? forecast.predicted) : forecast.predicted;
  const confidence = fresh ? (row.columns['confidence'] ?? forecast.confidence) : forecast.confidence;
  const share = ahead / forecast.horizonMs;
  const breach = [forecast.criticalAt, forecast.warningAt].find((at) => at !== undefined && at <= until);
  return {
    metric_name: forecast.metric,
    labels: forecast.labels,
    current_value: current,
    predicted_value: current + (predicted - current) * share,
    confidence: confidence / Math.max(1, share),
    recommended_action: forecast.action,
    threshold_breach_date: breach === undefined ? null : iso(breach),
  };
}
