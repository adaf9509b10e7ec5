import type { Clock } from '../../engine/clock.js';
import type { Socket } from '../../engine/routes.js';
import type { FindingFeed } from './finding-feed.js';
import { FindingSubscription } from './finding-subscription.js';
import { MAX_BAD_MESSAGES, MAX_SUBSCRIPTIONS, PROGRESS_MS, SLOW_MS } from './limits.js';
import { channels, Filter, isChannel, parseMessage, type ClientMessage, type ErrorCode } from './protocol.js';
import type { Listener, RowDispatch } from './row-dispatch.js';
import type { Ring, RowRings } from './row-rings.js';
import { RowSubscription } from './row-subscription.js';

const SLOW_CODE = 4408;
const SLOW_REASON = 'slow subscriber: go on from the last position';

/** What all sessions of a live sink read from. */
export interface Feeds {
  readonly rows: RowRings;
  readonly dispatch: RowDispatch;
  readonly rowEpoch: string;
  readonly findings: FindingFeed;
  readonly clock: Clock;
  /** Bytes waiting for a socket above which nothing more is given to it. */
  high: number;
  /** Length of the past in a snapshot of rows, ms. */
  readonly history: number;
  /** Findings of a channel that are kept for resuming. */
  readonly retain: number;
}

/** One socket: its subscriptions, and how much it takes. Rows are given when the dispatch says so, findings as soon as they are published. */
export class Session {
  private readonly socket: Socket;
  private readonly feeds: Feeds;
  private readonly rows = new Map<string, { readonly subscription: RowSubscription; readonly filter: Filter; readonly listener: Listener }>();
  private readonly findings = new Map<string, FindingSubscription>();
  private badMessages = 0;
  /** Since when too much is waiting (monotonic clock). */
  private highSince: number | undefined;
  /** Subscriptions to rows that missed a message, as too much was waiting. */
  private readonly behind = new Set<RowSubscription>();
  private progressAt: number;
  private closed = false;

  constructor(socket: Socket, feeds: Feeds) {
    this.socket = socket;
    this.feeds = feeds;
    this.progressAt = feeds.clock.elapsed() + PROGRESS_MS;
  }

  get subscriptions(): number {
    return this.rows.size + this.findings.size;
  }

  hear(text: string): void {
    if (this.closed) return;
    const message = parseMessage(text);
    if ('problem' in message) {
      this.error(message.id, 'bad_message', message.problem);
      this.badMessages += 1;
      if (this.badMessages >= MAX_BAD_MESSAGES) this.close(1008, 'too many bad messages');
    } else if (message.type === 'subscribe') this.subscribe(message);
    else this.unsubscribe(message.id);
  }

  /** Findings, while the socket takes them. */
  pump(): void {
    for (const subscription of this.findings.values()) {
      while (!this.closed && !this.isHigh()) {
        const text = subscription.next();
        if (text === undefined) break;
        this.give(text);
      }
    }
    this.judge();
  }

  /** A look at whether the socket keeps up, and what it missed as it did not. */
  tick(): void {
    // Most of many thousands have nothing to look at.
    if (this.findings.size === 0 && this.behind.size === 0) return;
    this.pump();
    for (const subscription of this.behind) this.giveRows(subscription);
    const now = this.feeds.clock.elapsed();
    if (now >= this.progressAt && !this.isHigh()) {
      this.progressAt = now + PROGRESS_MS;
      for (const subscription of this.findings.values()) {
        const text = subscription.progress();
        if (text !== undefined) this.give(text);
      }
    }
  }

  /** The socket has gone. */
  leave(): void {
    for (const { filter, listener } of this.rows.values()) this.feeds.dispatch.leave(filter, listener);
    this.rows.clear();
    this.behind.clear();
  }

  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close(code, reason);
  }

  private isHigh(): boolean {
    return this.socket.buffered() > this.feeds.high;
  }

  private subscribe({ id, channel, filter, from }: Extract<ClientMessage, { type: 'subscribe' }>): void {
    if (!isChannel(channel)) {
      this.error(id, 'unknown_channel', `channel ${JSON.stringify(channel.slice(0, 80))} is not one of ${channels.join(', ')}`);
      return;
    }
    if (this.rows.has(id) || this.findings.has(id)) {
      this.error(id, 'duplicate_id', `id ${JSON.stringify(id)} is subscribed already: unsubscribe it first, or choose another`);
      return;
    }
    if (this.subscriptions >= MAX_SUBSCRIPTIONS) {
      this.error(id, 'too_many_subscriptions', `a socket has at most ${MAX_SUBSCRIPTIONS} subscriptions`);
      return;
    }
    const { feeds } = this;
    const wanted = new Filter(filter);
    const ack = (start: object) => this.send({ type: 'ack', id, channel, ...start, server_time: feeds.clock.now() });
    if (channel === 'metrics') {
      const subscription = new RowSubscription(id, wanted, feeds.rows, feeds.rowEpoch);
      const start = subscription.start(from);
      const listener: Listener = { tell: (changed) => this.giveRows(subscription, changed), forget: (ring) => subscription.forget(ring) };
      this.rows.set(id, { subscription, filter: wanted, listener });
      feeds.dispatch.join(wanted, listener);
      ack({ epoch: start.epoch, offset: start.offset, resumed: start.resumed });
      if (start.resumed) this.giveRows(subscription);
      else for (const text of subscription.snapshot(feeds.history, feeds.clock.now() - feeds.history)) this.give(text);
      return;
    }
    const subscription = new FindingSubscription(id, channel, wanted, feeds.findings);
    const start = subscription.start(from);
    this.findings.set(id, subscription);
    ack({ epoch: start.epoch, offset: start.offset, resumed: start.resumed });
    if (!start.resumed) this.give(subscription.snapshot());
    this.pump();
  }

  private unsubscribe(id: string): void {
    const rows = this.rows.get(id);
    if (rows !== undefined) {
      this.behind.delete(rows.subscription);
      this.feeds.dispatch.leave(rows.filter, rows.listener);
    }
    if (this.rows.delete(id) || this.findings.delete(id)) this.send({ type: 'unsubscribed', id });
    else this.error(id, 'unknown_subscription', `id ${JSON.stringify(id)} is not subscribed`);
  }

  /** Rows since the last message, which are of the series `changed`; later, where too much is waiting. */
  private giveRows(subscription: RowSubscription, changed?: readonly Ring[]): void {
    if (this.closed) return;
    if (this.isHigh()) {
      this.behind.add(subscription);
      return;
    }
    // Who missed a message knows nothing of what was in it.
    const missed = this.behind.delete(subscription);
    const text = subscription.next(missed, missed ? undefined : changed);
    if (text !== undefined) this.give(text);
  }

  /** Whether the socket takes findings as fast as they come, and as long as they are kept. */
  private judge(): void {
    if (this.closed) return;
    const now = this.feeds.clock.elapsed();
    if (this.isHigh()) this.highSince ??= now;
    else this.highSince = undefined;
    if (this.highSince === undefined) return;
    const lag = Math.max(0, ...[...this.findings.values()].map((subscription) => subscription.lag));
    // Half of what is kept: so the other half is there when it comes back, and nothing is trimmed that it has not been given.
    if (lag === 0 || (lag < this.feeds.retain / 2 && now - this.highSince < SLOW_MS)) return;
    for (const subscription of this.findings.values()) {
      this.send({ type: 'error', id: subscription.id, code: 'slow_subscriber', message: 'this subscriber does not keep up: connect again and go on from this position', ...subscription.position });
    }
    this.close(SLOW_CODE, SLOW_REASON);
  }

  private error(id: string | null, code: ErrorCode, message: string): void {
    this.send({ type: 'error', id, code, message });
  }

  private send(message: object): void {
    this.give(JSON.stringify(message));
  }

  /** What the socket refuses is lost, so it is the last that it is given. */
  private give(text: string): void {
    if (!this.closed && !this.socket.send(text)) this.close(SLOW_CODE, SLOW_REASON);
  }
}
