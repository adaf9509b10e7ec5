import type { Alert, Anomaly, Feedback, Finding } from '../engine/finding.js';
import { MAX_FUTURE_MS } from '../engine/limits.js';
import { HttpError, type Routes } from '../engine/routes.js';
import { addEndpoint } from './endpoint.js';
import { feedbackEntry } from './feedback-routes.js';
import { ANSWER_FINDINGS } from './limits.js';
import { iso, type Reader } from './reader.js';
import { activeAlertsBody, anomaliesBody, anomaliesQuery, correlatedBody, correlatedQuery } from './schemas.js';

/** How long before an alert the findings that it holds may have opened, ms. */
const MEMBERS_BEFORE_MS = 7 * 86_400_000;

/** Anomalies and alerts. */
export function addFindingRoutes(routes: Routes, reader: Reader): void {
  addEndpoint(routes, {
    path: '/api/anomalies',
    summary: 'Anomalies, newest first',
    query: anomaliesQuery,
    body: anomaliesBody,
    answer: async ({ metric_name, time_range, limit }) => {
      const now = reader.clock.now();
      const found = await reader.findings({ kind: 'anomaly', from: now - time_range, to: now + MAX_FUTURE_MS, limit, ...(metric_name === undefined ? {} : { metric: metric_name }) });
      const book = reader.view.feedback();
      return { anomalies: found.filter(isAnomaly).map((anomaly) => anomalyBody(anomaly, book?.about(anomaly.id).at(-1))) };
    },
  });

  addEndpoint(routes, {
    path: '/api/alerts/active',
    summary: 'Alerts that are firing, oldest first',
    body: activeAlertsBody,
    answer: async () => ({ alerts: (await reader.open('alert')).filter(isAlert).map(alertBody) }),
  });

  addEndpoint(routes, {
    path: '/api/alerts/correlated',
    summary: 'Alerts with the findings that they hold, newest first',
    query: correlatedQuery,
    body: correlatedBody,
    answer: async ({ correlation_id, time_range, limit }) => {
      const now = reader.clock.now();
      const from = now - time_range;
      const recent = await reader.findings({ kind: 'alert', from, to: now + MAX_FUTURE_MS, limit: correlation_id === undefined ? limit : ANSWER_FINDINGS });
      const open = await reader.open('alert');
      const alerts = [...new Map([...open, ...recent].map((alert) => [alert.id, alert])).values()]
        .filter(isAlert)
        .filter((alert) => correlation_id === undefined || alert.correlationId === correlation_id)
        .sort((a, b) => b.openedAt - a.openedAt)
        .slice(0, limit);
      if (correlation_id !== undefined && alerts.length === 0) {
        throw new HttpError(404, 'Not Found', `There is no alert with correlation_id ${JSON.stringify(correlation_id)} in the time range.`);
      }
      const members = await membersOf(reader, alerts);
      return {
        alerts: alerts.map((alert) => ({
          ...alertBody(alert),
          explanation: alert.explanation,
          count: alert.count,
          findings: alert.members.flatMap((id) => members.get(id) ?? []).map(memberBody),
        })),
      };
    },
  });
}

async function membersOf(reader: Reader, alerts: readonly Alert[]): Promise<ReadonlyMap<string, Finding>> {
  if (alerts.length === 0) return new Map();
  const from = Math.min(...alerts.map((alert) => alert.openedAt)) - MEMBERS_BEFORE_MS;
  const to = Math.max(...alerts.map((alert) => alert.time)) + MAX_FUTURE_MS;
  const found = new Map<string, Finding>();
  for (const kind of ['anomaly', 'forecast', 'burn'] as const) {
    for (const finding of await reader.findings({ kind, from, to, limit: 10 * ANSWER_FINDINGS })) found.set(finding.id, finding);
  }
  return found;
}

const isAnomaly = (finding: Finding) => finding.kind === 'anomaly';
const isAlert = (finding: Finding) => finding.kind === 'alert';

function anomalyBody({ id, metric, labels, operator, state, openedAt, time, value, expected, lower, upper, score, confidence, severity, explanation, measure, contributions }: Anomaly, said: Feedback | undefined) {
  return { id, metric_name: metric, labels, timestamp: iso(openedAt), node: operator, state, revised_at: iso(time), value, expected, lower, upper, score, confidence, severity, explanation, ...(measure !== undefined && { measure }), ...(contributions !== undefined && { contributions }), ...(said !== undefined && said.state !== 'closed' && { feedback: feedbackEntry(said) }) };
}

function alertBody({ id, correlationId, severity, state, openedAt, labels, suppressed }: Alert) {
  return { id, correlation_id: correlationId, severity, status: state === 'closed' ? ('resolved' as const) : ('firing' as const), started_at: iso(openedAt), labels, suppressed };
}

function memberBody({ id, kind, metric, labels, severity, openedAt, explanation }: Finding) {
  return { id, kind, metric_name: metric, labels, severity, timestamp: iso(openedAt), explanation };
}
