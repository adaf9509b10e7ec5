import { compareFindings, type Finding } from '../../engine/finding.js';
import { findingJson } from '../../engine/finding-json.js';
import type { FindingFeed } from './finding-feed.js';
import { FRAME_FINDINGS, SNAPSHOT_FINDINGS } from './limits.js';
import { channelOf, type ClientPosition, type Filter, type FindingChannel } from './protocol.js';
import type { FindingRing } from './finding-rings.js';

/** One subscription to the findings of a channel: how far it has sent. Makes frames, knows no socket. */
export class FindingSubscription {
  readonly id: string;
  readonly channel: FindingChannel;
  private readonly feed: FindingFeed;
  private readonly filter: Filter;
  private readonly ring: FindingRing;
  /** Everything up to here has been looked at, and the client has been told so up to `told`. */
  private cursor = 0;
  private told = 0;

  constructor(id: string, channel: FindingChannel, filter: Filter, feed: FindingFeed) {
    this.id = id;
    this.channel = channel;
    this.filter = filter;
    this.feed = feed;
    this.ring = feed.rings.channels[channel];
  }

  /** Where the client stands. */
  get position(): { epoch: string; offset: number } {
    return { epoch: this.feed.epoch, offset: this.told };
  }

  /** How many findings of the channel it has not looked at. */
  get lag(): number {
    return this.ring.entries.length - this.ring.after(this.cursor);
  }

  start(from: ClientPosition | undefined): { resumed: boolean; epoch: string; offset: number } {
    const { ring } = this;
    const resumed = from !== undefined && from.epoch === this.feed.epoch && from.offset <= ring.head && from.offset >= ring.lost;
    this.cursor = this.told = resumed ? from.offset : ring.head;
    return { resumed, ...this.position };
  }

  /** What is open, and the newest besides. */
  snapshot(): string {
    const kind = (Object.keys(channelOf) as (keyof typeof channelOf)[]).find((each) => channelOf[each] === this.channel)!;
    const shown = new Map<string, Finding>(this.feed.rings.open(kind).map((finding) => [finding.id, finding]));
    let more = SNAPSHOT_FINDINGS;
    for (const finding of this.feed.rings.latest(this.channel)) {
      if (more === 0) break;
      if (!this.lets(finding)) continue;
      more -= 1;
      shown.set(finding.id, finding);
    }
    const findings = [...shown.values()].filter((finding) => this.lets(finding)).sort(compareFindings);
    return `${this.opening('snapshot')},"findings":[${findings.map((finding) => JSON.stringify(findingJson(finding))).join()}]}`;
  }

  /** The next findings; undefined where there are none that match. */
  next(): string | undefined {
    const { entries } = this.ring;
    const texts: string[] = [];
    let at = this.ring.after(this.cursor);
    for (; at < entries.length && texts.length < FRAME_FINDINGS; at++) {
      const entry = entries[at]!;
      this.cursor = entry.offset;
      if (!this.lets(entry.finding)) continue;
      texts.push(entry.text);
    }
    if (texts.length === 0) return undefined;
    this.told = this.cursor;
    return `${this.opening('message')},"findings":[${texts.join()}]}`;
  }

  /** Moves the client's position on where nothing matched for a while. */
  progress(): string | undefined {
    if (this.told === this.cursor) return undefined;
    this.told = this.cursor;
    return `${this.opening('message')},"findings":[]}`;
  }

  private lets(finding: Finding): boolean {
    return this.filter.matches(finding.operator, finding.metric, finding.labels);
  }

  private opening(type: string): string {
    return `{"type":"${type}","id":${JSON.stringify(this.id)},"epoch":"${this.feed.epoch}","offset":${this.told}`;
  }
}
