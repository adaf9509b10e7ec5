import type { Finding } from './finding.js';

const iso = (time: number) => new Date(time).toISOString();

/** A finding in its public form: snake_case, ISO 8601 times. `docs/live-protocol.md` lists the members by kind. */
export function findingJson(finding: Finding): Record<string, unknown> {
  return {
    kind: finding.kind,
    id: finding.id,
    revision: finding.revision,
    state: finding.state,
    node: finding.operator,
    series: finding.series,
    metric_name: finding.metric,
    labels: finding.labels,
    opened_at: iso(finding.openedAt),
    timestamp: iso(finding.time),
    severity: finding.severity,
    explanation: finding.explanation,
    ...particulars(finding),
  };
}

function particulars(finding: Finding): Record<string, unknown> {
  switch (finding.kind) {
    case 'anomaly': {
      const { value, expected, lower, upper, score, confidence, direction, measure, excess, contributions } = finding;
      return { value, expected, lower, upper, score, confidence, direction, ...(measure !== undefined && { measure }), ...(excess !== undefined && { excess }), ...(contributions !== undefined && { contributions }) };
    }
    case 'forecast':
      return {
        current_value: finding.current,
        predicted_value: finding.predicted,
        lower_80: finding.lower80,
        upper_80: finding.upper80,
        lower_95: finding.lower95,
        upper_95: finding.upper95,
        horizon_ms: finding.horizonMs,
        growth: finding.growth,
        confidence: finding.confidence,
        recommended_action: finding.action,
        ...(finding.warningAt === undefined ? {} : { warning_breach_date: iso(finding.warningAt) }),
        ...(finding.criticalAt === undefined ? {} : { critical_breach_date: iso(finding.criticalAt) }),
      };
    case 'burn':
      return {
        slo: finding.slo,
        burn_rate: finding.burnRate,
        short_burn_rate: finding.shortBurnRate,
        threshold: finding.threshold,
        long_window_ms: finding.longMs,
        short_window_ms: finding.shortMs,
        compliance: finding.compliance,
        target: finding.target,
        error_budget_remaining: finding.budgetRemaining,
      };
    case 'alert':
      return { correlation_id: finding.correlationId, members: finding.members, count: finding.count, suppressed: finding.suppressed };
    case 'feedback': {
      const { anomaly, toldBy, verdict, note, by, at, value, expected, lower, upper, score, excess } = finding;
      return { anomaly_id: anomaly, told_by: toldBy, verdict, note, by, said_at: iso(at), value, expected, lower, upper, score, ...(excess !== undefined && { excess }) };
    }
    default:
      return finding satisfies never;
  }
}
