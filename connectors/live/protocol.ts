import { z } from 'zod';
import type { FindingKind } from '../../engine/finding.js';

/** The subprotocol; `docs/live-protocol.md` is its description. */
export const PROTOCOL = 'millrace.v1';

export const channels = ['metrics', 'anomalies', 'forecasts', 'burn-rates', 'alerts', 'feedback'] as const;
export type Channel = (typeof channels)[number];
export type FindingChannel = Exclude<Channel, 'metrics'>;

export const channelOf: Readonly<Record<FindingKind, FindingChannel>> = { anomaly: 'anomalies', forecast: 'forecasts', burn: 'burn-rates', alert: 'alerts', feedback: 'feedback' };
export const findingChannels = Object.values(channelOf);

const id = z.string().min(1).max(64);
const filterSchema = z.strictObject({
  metric_name: z.string().max(4_096).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  node: z.string().max(256).optional(),
});
const positionSchema = z.strictObject({ epoch: z.string().max(64), offset: z.number().int().min(0) });

const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('subscribe'), id, channel: z.string(), filter: filterSchema.optional(), from: positionSchema.optional() }),
  z.strictObject({ type: z.literal('unsubscribe'), id }),
]);
export type ClientMessage = z.infer<typeof clientMessage>;
export type ClientPosition = z.infer<typeof positionSchema>;

export type ErrorCode = 'bad_message' | 'unknown_channel' | 'unknown_subscription' | 'duplicate_id' | 'too_many_subscriptions' | 'slow_subscriber';

/** A client's frame, or what is wrong with it. */
export function parseMessage(text: string): ClientMessage | { readonly id: string | null; readonly problem: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { id: null, problem: `not JSON: ${(error as Error).message}` };
  }
  const parsed = clientMessage.safeParse(json);
  if (parsed.success) return parsed.data;
  const said = (json as { id?: unknown } | null)?.id;
  const problem = parsed.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; ');
  return { id: typeof said === 'string' ? said.slice(0, 64) : null, problem };
}

export function isChannel(name: string): name is Channel {
  return (channels as readonly string[]).includes(name);
}

/** What a subscription asks for. */
export class Filter {
  private readonly metric: string | undefined;
  private readonly node: string | undefined;
  private readonly labels: readonly (readonly [string, string])[];

  /** Equal where what they ask for is. */
  readonly key: string;

  constructor(filter: z.infer<typeof filterSchema> = {}) {
    this.metric = filter.metric_name;
    this.node = filter.node;
    this.labels = Object.entries(filter.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    this.key = JSON.stringify([this.metric ?? null, this.node ?? null, this.labels]);
  }

  matches(node: string, metric: string, labels: Readonly<Record<string, string>>): boolean {
    if (this.node !== undefined && this.node !== node) return false;
    if (this.metric !== undefined && this.metric !== metric) return false;
    return this.labels.every(([name, value]) => (labels[name] ?? '') === value);
  }
}
