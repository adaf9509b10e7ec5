import type { ConnectorContext, Position } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import { CHECKPOINTS_KEPT } from '../../engine/limits.js';
import { FindingLog } from './finding-log.js';
import { FindingRings } from './finding-rings.js';
import { LOG_REWRITE_BYTES, PENDING_FINDINGS } from './limits.js';
import { findingChannels, type FindingChannel } from './protocol.js';

const RETRY_MS = 1_000;

/**
 * Findings on their way to subscribers: on disk first, then published under an offset, and never the same
 * revision twice, also when a replay sends it again. Without a log (nobody can subscribe) they get offsets
 * in memory.
 */
export class FindingFeed {
  readonly rings: FindingRings;
  epoch = '';
  private readonly context: ConnectorContext;
  private readonly published: () => void;
  private log: FindingLog | undefined;
  private offset = 0;
  /** Offsets at the last flushes, the oldest first: a replay begins at one of them. */
  private flushed: number[] = [];
  private pending: Finding[] = [];
  private pump: Promise<void> | undefined;
  private closing = false;
  failure: Error | undefined;

  constructor(context: ConnectorContext, retain: number, published: () => void) {
    this.context = context;
    this.rings = new FindingRings(retain);
    this.published = published;
  }

  async open(from: Position | undefined, durable: boolean): Promise<void> {
    const known = positionOf(from);
    this.offset = known.offset;
    this.flushed = [known.offset];
    this.epoch = newEpoch(this.context);
    if (!durable) return;
    const { log, contents } = await FindingLog.open(`${this.context.folder}/findings`, known.offset, (message) => this.context.log.warn(message));
    this.log = log;
    // What was concluded after the checkpoint is unknown to the operators that were restored from it: it is open when they say so again.
    for (const { offset, finding } of contents.findings) {
      if (offset === 0) this.rings.restoreOpen(finding);
      else this.rings.add(offset, finding, offset <= known.offset && contents.epoch === known.epoch);
    }
    for (const channel of findingChannels) this.rings.channels[channel].lost = contents.lost[channel] ?? 0;
    if (contents.epoch === undefined) await log.begin(this.epoch);
    else this.epoch = contents.epoch;
    this.trim();
  }

  /** Takes a finding. Resolves at once unless too many wait for the disk. */
  async take(finding: Finding): Promise<void> {
    if (!this.rings.claim(finding)) {
      this.context.count('replayed_finding');
      return;
    }
    this.pending.push(finding);
    this.pump ??= this.run();
    while (this.pending.length >= PENDING_FINDINGS && this.pump !== undefined) await Promise.race([this.pump, pause(RETRY_MS)]);
  }

  /** Everything taken is on disk; the position to go on from. Rejects while the disk refuses. */
  async flush(): Promise<Position> {
    while (this.pump !== undefined && this.failure === undefined) await Promise.race([this.pump, pause(RETRY_MS)]);
    if (this.failure !== undefined) throw this.failure;
    this.flushed = [...this.flushed, this.offset].slice(-CHECKPOINTS_KEPT);
    this.trim();
    await this.rewriteIfLong();
    return { epoch: this.epoch, offset: this.offset };
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.pump;
    await this.log?.close();
  }

  private async run(): Promise<void> {
    // A turn later: what is taken in this one shares a write.
    await Promise.resolve();
    while (this.pending.length > 0) {
      const group = [...this.pending];
      const results = await Promise.allSettled(group.map((finding) => this.write(finding)));
      const refused: Finding[] = [];
      results.forEach((result, index) => {
        if (result.status === 'fulfilled') {
          this.offset = Math.max(this.offset, result.value);
          this.rings.add(result.value, group[index]!, true);
        } else refused.push(group[index]!);
      });
      this.pending = [...refused, ...this.pending.slice(group.length)];
      if (refused.length < group.length) this.published();
      this.trim();
      const reason = results.find((result) => result.status === 'rejected')?.reason as Error | undefined;
      if (reason !== undefined && this.failure === undefined) this.context.log.error({ err: reason }, 'findings cannot be written to disk and are held back');
      this.failure = reason;
      if (reason !== undefined) {
        if (this.closing) break;
        await pause(RETRY_MS);
      }
    }
    this.pump = undefined;
  }

  private write(finding: Finding): Promise<number> {
    if (this.log !== undefined) return this.log.append(finding);
    this.offset += 1;
    return Promise.resolve(this.offset);
  }

  private trim(): void {
    this.rings.trim(this.flushed[0]!);
  }

  /** The log grows by appending; now and then it is written anew with what is still kept. */
  private async rewriteIfLong(): Promise<void> {
    if (this.log === undefined || this.log.bytes < LOG_REWRITE_BYTES || this.log.bytes < 2 * this.rings.bytes()) return;
    const lost = Object.fromEntries(findingChannels.map((channel) => [channel, this.rings.channels[channel].lost])) as Record<FindingChannel, number>;
    await this.log.rewrite(this.epoch, lost, this.rings.kept());
  }
}

/** An epoch no other run has had. */
export function newEpoch({ random }: Pick<ConnectorContext, 'random'>): string {
  return Math.floor(random() * 36 ** 8)
    .toString(36)
    .padStart(8, '0');
}

function positionOf(position: Position | undefined): { epoch: string | undefined; offset: number } {
  const { epoch, offset } = (position ?? {}) as { epoch?: string; offset?: number };
  return { epoch, offset: offset ?? 0 };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
