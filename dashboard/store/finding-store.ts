import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Receiver } from '../live/connection.js';
import type { Delivery, Finding, Severity } from '../live/protocol.js';

/** Closed findings that are kept, the newest. */
const CLOSED = 300;

const ranks: Readonly<Record<Severity, number>> = { info: 0, low: 1, medium: 2, high: 3, critical: 4 };

export function rank(severity: Severity): number {
  return ranks[severity];
}

/** The findings of one channel, each at its highest revision. */
export class FindingStore<T extends Finding> implements Receiver {
  private readonly kept = signal<ReadonlyMap<string, T>>(new Map());
  /** The most severe first, then the newest. */
  readonly open: ReadonlySignal<readonly T[]> = computed(() =>
    [...this.kept.value.values()].filter(({ state }) => state !== 'closed').sort((a, b) => rank(b.severity) - rank(a.severity) || (a.opened_at < b.opened_at ? 1 : -1)),
  );
  /** The last to close first. */
  readonly closed: ReadonlySignal<readonly T[]> = computed(() => [...this.kept.value.values()].filter(({ state }) => state === 'closed').sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1)));
  private readonly onNews: (finding: T) => void;

  /** @param onNews called for each finding that comes after the snapshot */
  constructor(onNews: (finding: T) => void = () => undefined) {
    this.onNews = onNews;
  }

  get(id: string): T | undefined {
    return this.kept.value.get(id);
  }

  restart(): void {
    this.kept.value = new Map();
  }

  resume(): void {
    // Nothing to do: findings name themselves.
  }

  settled(): void {
    // Nothing to do: `restart` has dropped what is gone.
  }

  take({ type, findings = [] }: Delivery): void {
    if (findings.length === 0) return;
    const next = new Map(this.kept.peek());
    for (const finding of findings as readonly T[]) {
      const before = next.get(finding.id);
      if (before !== undefined && before.revision >= finding.revision) continue;
      next.set(finding.id, finding);
      if (type === 'message') this.onNews(finding);
    }
    const closed = [...next.values()].filter(({ state }) => state === 'closed').sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    for (const { id } of closed.slice(0, Math.max(0, closed.length - CLOSED))) next.delete(id);
    this.kept.value = next;
  }
}
