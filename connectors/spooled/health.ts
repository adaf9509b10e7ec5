import type { Time } from '../../engine/clock.js';
import type { ConnectorHealth } from '../../engine/connector.js';
import { formatDuration } from '../../engine/scalars.js';
import type { SpoolFigures } from '../../engine/spool.js';

/** How a sink is whose store takes nothing because of some `trouble`; `records`: what it calls what waits. */
export function waitingHealth(trouble: string, records: string, { records: count, bytes, limit, oldest }: SpoolFigures, now: Time): ConnectorHealth {
  const since = oldest === undefined ? '' : `, the oldest for ${formatDuration(Math.max(1_000, Math.floor((now - oldest) / 1_000) * 1_000))}`;
  const waits = `${count} ${records} wait on disk (${megabytes(bytes)} of ${megabytes(limit)}${since})`;
  // What does not fit makes the graph wait.
  const full = bytes > limit * 0.95;
  return { status: full ? 'down' : 'degraded', detail: `${trouble}; ${waits}${full ? ': the graph waits until there is room' : '; nothing is lost'}` };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
