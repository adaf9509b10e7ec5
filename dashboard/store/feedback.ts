import { computed, signal } from '@preact/signals';
import type { Feedback, FeedbackVerdict } from '../live/protocol.js';
import { FindingStore } from './finding-store.js';

/** What people said of anomalies. */
export const feedback = new FindingStore<Feedback>();

/** What stands, by the anomaly's id. */
export const standing = computed(() => new Map(feedback.open.value.map((said) => [said.anomaly_id, said])));

/** Nodes that change their thresholds by what is said of their anomalies. */
export const learners = signal<ReadonlySet<string>>(new Set());

/** Anomalies of which something is on its way to the server; and of which it took nothing, with why. */
export const sending = signal<ReadonlySet<string>>(new Set());
export const refused = signal<ReadonlyMap<string, string>>(new Map());

interface GraphBody {
  readonly nodes: readonly { readonly name: string; readonly type: string; readonly from: readonly string[] }[];
}

/** Asks the server who learns. */
export async function findLearners(): Promise<void> {
  try {
    const response = await fetch('/api/graph');
    if (!response.ok) return;
    const { nodes } = (await response.json()) as GraphBody;
    const sources = nodes.filter(({ type }) => type === 'feedback').map(({ name }) => name);
    learners.value = new Set(nodes.filter(({ from }) => from.some((name) => sources.includes(name))).map(({ name }) => name));
  } catch {
    // The connection's state says that the server is away.
  }
}

/** Says something of an anomaly, or takes back what stands. What then stands comes over the live connection. */
export async function say(anomaly: string, verdict: FeedbackVerdict | 'undo'): Promise<void> {
  sending.value = new Set([...sending.value, anomaly]);
  const failure = await send(anomaly, verdict);
  sending.value = new Set([...sending.value].filter((id) => id !== anomaly));
  const others = [...refused.value].filter(([id]) => id !== anomaly);
  refused.value = new Map(failure === undefined ? others : [...others, [anomaly, failure]]);
}

/** Why it was not taken. */
async function send(anomaly: string, verdict: FeedbackVerdict | 'undo'): Promise<string | undefined> {
  try {
    const response = await fetch(`/api/anomalies/${encodeURIComponent(anomaly)}/feedback`, verdict === 'undo' ? { method: 'DELETE' } : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ verdict }) });
    if (response.ok) return undefined;
    const { detail } = (await response.json()) as { detail?: string };
    return detail ?? `The server answered ${response.status}.`;
  } catch {
    return 'The server does not answer.';
  }
}
