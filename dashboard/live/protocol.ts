// The part of `millrace.v1` (docs/live-protocol.md) that the page speaks.

export const PROTOCOL = 'millrace.v1';

export type Channel = 'metrics' | 'anomalies' | 'forecasts' | 'burn-rates' | 'alerts' | 'feedback';

export interface Position {
  readonly epoch: string;
  readonly offset: number;
}

export interface Announced {
  readonly index: number;
  readonly node: string;
  readonly metric_name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
}

/** `[index, time, value, ...columns]` */
export type Row = readonly (number | null)[];

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';

interface FindingBase {
  readonly id: string;
  readonly revision: number;
  readonly state: 'opened' | 'grew' | 'closed';
  readonly node: string;
  readonly series: string;
  readonly metric_name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly opened_at: string;
  readonly timestamp: string;
  readonly severity: Severity;
  readonly explanation: string;
}

export interface Anomaly extends FindingBase {
  readonly kind: 'anomaly';
  readonly value: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly score: number;
  readonly confidence: number;
  readonly direction: 'up' | 'down';
  readonly measure?: string;
  readonly contributions?: Readonly<Record<string, number>>;
}

export type Action = 'immediate_scale_up_required' | 'plan_scale_up' | 'monitor_closely' | 'consider_scale_down' | 'maintain_current_capacity';

export interface Forecast extends FindingBase {
  readonly kind: 'forecast';
  readonly current_value: number;
  readonly predicted_value: number;
  readonly lower_80: number;
  readonly upper_80: number;
  readonly lower_95: number;
  readonly upper_95: number;
  readonly horizon_ms: number;
  readonly growth: number;
  readonly confidence: number;
  readonly recommended_action: Action;
  readonly warning_breach_date?: string;
  readonly critical_breach_date?: string;
}

export interface Burn extends FindingBase {
  readonly kind: 'burn';
  readonly slo: string;
  readonly burn_rate: number;
  readonly short_burn_rate: number;
  readonly threshold: number;
  readonly long_window_ms: number;
  readonly short_window_ms: number;
  readonly compliance: number;
  readonly target: number;
  readonly error_budget_remaining: number;
}

export interface Alert extends FindingBase {
  readonly kind: 'alert';
  readonly correlation_id: string;
  readonly members: readonly string[];
  readonly count: number;
  readonly suppressed: number;
}

export type FeedbackVerdict = 'false_positive' | 'true_positive';

/** What a person said of an anomaly; closed: it is undone. */
export interface Feedback extends FindingBase {
  readonly kind: 'feedback';
  readonly anomaly_id: string;
  readonly told_by: string;
  readonly verdict: FeedbackVerdict;
  readonly note: string;
  readonly by: string;
  readonly said_at: string;
  readonly value: number;
  readonly expected: number;
  readonly lower: number;
  readonly upper: number;
  readonly score: number;
}

export type Finding = Anomaly | Forecast | Burn | Alert | Feedback;

/** A snapshot or a message: what it carries, by the kind of its channel. */
export interface Delivery {
  readonly type: 'snapshot' | 'message';
  readonly id: string;
  readonly epoch: string;
  readonly offset: number;
  readonly series?: readonly Announced[];
  readonly rows?: readonly Row[];
  readonly gone?: readonly number[];
  readonly findings?: readonly Finding[];
  /** A snapshot goes on in the next frame. */
  readonly more?: true;
  /** Series that match but are too many. */
  readonly omitted?: number;
}

export type Frame =
  | Delivery
  | { readonly type: 'ack'; readonly id: string; readonly epoch: string; readonly offset: number; readonly resumed: boolean; readonly server_time: number }
  | { readonly type: 'unsubscribed'; readonly id: string }
  | { readonly type: 'error'; readonly id: string | null; readonly code: string; readonly message: string };
