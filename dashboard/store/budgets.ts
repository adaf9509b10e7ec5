import { signal } from '@preact/signals';

export interface Budget {
  readonly name: string;
  /** Percent of good events over the period, and what it should be. */
  readonly compliance: number;
  readonly target: number;
  /** Percent; negative when overspent. */
  readonly remaining: number;
  /** 1 spends the budget exactly in the period. */
  readonly burnRate: number;
  readonly status: 'good' | 'warning' | 'critical' | 'breached' | 'no_data';
}

interface ComplianceBody {
  readonly [name: string]: { readonly compliance: number; readonly target: number; readonly error_budget_remaining: number; readonly burn_rate: number; readonly status: Budget['status'] };
}

/** The most urgent first. */
const urgency: readonly Budget['status'][] = ['breached', 'critical', 'warning', 'good', 'no_data'];

/** Undefined before the first answer. */
export const budgets = signal<readonly Budget[] | undefined>(undefined);

let underWay = false;

/** Asks how the error budgets are; what was known stays where the server does not answer. */
export async function refreshBudgets(): Promise<void> {
  if (underWay) return;
  underWay = true;
  try {
    const response = await fetch('/api/slo-compliance');
    if (!response.ok) return;
    const body = (await response.json()) as ComplianceBody;
    budgets.value = Object.entries(body)
      .map(([name, slo]) => ({ name, compliance: slo.compliance, target: slo.target, remaining: slo.error_budget_remaining, burnRate: slo.burn_rate, status: slo.status }))
      .toSorted((a, b) => urgency.indexOf(a.status) - urgency.indexOf(b.status) || a.remaining - b.remaining || (a.name < b.name ? -1 : 1));
  } catch {
    // The connection's state says that the server is away.
  } finally {
    underWay = false;
  }
}
