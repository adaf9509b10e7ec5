import { compareFindings, type Finding, type FindingKind } from '../../engine/finding.js';
import { findingJson } from '../../engine/finding-json.js';
import { OPEN_FINDINGS, PROTECTED_FINDINGS } from './limits.js';
import { channelOf, findingChannels, type FindingChannel } from './protocol.js';

export interface Entry {
  readonly offset: number;
  readonly finding: Finding;
  /** Its public JSON. */
  readonly text: string;
}

/** The findings of one channel by offset, ascending. */
export class FindingRing {
  entries: Entry[] = [];
  /** Offset of the newest, and of the newest that is not kept any more. */
  head = 0;
  lost = 0;

  /** Index of the first entry with an offset above this. */
  after(offset: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.entries[middle]!.offset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** What is known of findings, in memory: the newest of each channel, which are open, and which revision of each has been seen. */
export class FindingRings {
  readonly channels: Readonly<Record<FindingChannel, FindingRing>>;
  private readonly retain: number;
  /** By id: the highest revision, and the offset of its entry. */
  private readonly known = new Map<string, { revision: number; offset: number }>();
  private readonly openById = new Map<string, Finding>();

  constructor(retain: number) {
    this.retain = retain;
    this.channels = Object.fromEntries(findingChannels.map((channel) => [channel, new FindingRing()])) as Record<FindingChannel, FindingRing>;
  }

  /**
   * Marks the finding as seen. False: this revision, or a higher one, was seen before, a replay sends it
   * again; the finding may be open for all that.
   */
  claim(finding: Finding): boolean {
    const known = this.known.get(finding.id);
    if (known !== undefined && known.revision >= finding.revision) {
      if (known.revision === finding.revision) this.track(finding);
      return false;
    }
    this.known.set(finding.id, { revision: finding.revision, offset: Infinity });
    return true;
  }

  /** Takes a finding under its offset. `confirmed`: the operators know of it, so that an open one will be closed. */
  add(offset: number, finding: Finding, confirmed: boolean): Entry {
    const ring = this.channels[channelOf[finding.kind]];
    const entry = { offset, finding, text: JSON.stringify(findingJson(finding)) };
    ring.entries.push(entry);
    ring.head = Math.max(ring.head, offset);
    const known = this.known.get(finding.id);
    if (known === undefined || known.revision <= finding.revision) this.known.set(finding.id, { revision: finding.revision, offset });
    if (confirmed) this.track(finding);
    return entry;
  }

  /** Forgets the oldest past `retain`, but none above `protectedAfter`: a replay may send those again. */
  trim(protectedAfter: number): void {
    for (const ring of Object.values(this.channels)) {
      const most = ring.entries.length - this.retain;
      if (most <= 0) continue;
      const free = Math.max(Math.min(most, ring.after(protectedAfter)), most - PROTECTED_FINDINGS);
      if (free <= 0) continue;
      for (const { offset, finding } of ring.entries.splice(0, free)) {
        ring.lost = offset;
        if (this.known.get(finding.id)?.offset === offset && !this.openById.has(finding.id)) this.known.delete(finding.id);
      }
    }
  }

  open(kind: FindingKind): readonly Finding[] {
    return [...this.openById.values()].filter((finding) => finding.kind === kind).sort(compareFindings);
  }

  /** Highest revisions, newest first, for as long as `take` says. */
  *latest(channel: FindingChannel): Iterable<Finding> {
    const seen = new Set<string>();
    const { entries } = this.channels[channel];
    for (let i = entries.length - 1; i >= 0; i--) {
      const { finding } = entries[i]!;
      if (seen.has(finding.id)) continue;
      seen.add(finding.id);
      yield finding;
    }
  }

  /** All that must be on disk: what the channels keep, and open findings older than that (offset 0). */
  *kept(): Iterable<{ offset: number; finding: Finding }> {
    const listed = new Set<Finding>();
    for (const ring of Object.values(this.channels)) {
      for (const entry of ring.entries) {
        listed.add(entry.finding);
        yield entry;
      }
    }
    for (const finding of this.openById.values()) if (!listed.has(finding)) yield { offset: 0, finding };
  }

  /** About how long the channels are as text. */
  bytes(): number {
    let bytes = 0;
    for (const { entries } of Object.values(this.channels)) for (const { text } of entries) bytes += text.length;
    return bytes;
  }

  /** An open finding of an earlier run that has left its channel. */
  restoreOpen(finding: Finding): void {
    this.known.set(finding.id, { revision: finding.revision, offset: 0 });
    this.track(finding);
  }

  private track(finding: Finding): void {
    this.openById.delete(finding.id);
    if (finding.state === 'closed') return;
    this.openById.set(finding.id, finding);
    if (this.openById.size <= OPEN_FINDINGS) return;
    const oldest = this.openById.values().next().value!;
    this.openById.delete(oldest.id);
    if (this.known.get(oldest.id)!.offset <= this.channels[channelOf[oldest.kind]].lost) this.known.delete(oldest.id);
  }
}
