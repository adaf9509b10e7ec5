import { signal } from '@preact/signals';
import type { Channel, Delivery, Frame, Position } from './protocol.js';

/** Waits between attempts double from the first to the longest, each taken between half and one and a half times, so that pages do not come back all at once. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** After so long without a frame the server is asked for one: a browser does not tell a page of lost peers or of the server's pings. */
const SILENCE_MS = 15_000;
/** And then has this long to answer. */
const ANSWER_MS = 5_000;

/** Takes in what one channel sends. */
export interface Receiver {
  /** A snapshot begins: what it does not name is gone once `settled` is called. */
  restart(): void;
  /** Messages go on where they stopped; series are announced again. */
  resume(): void;
  take(delivery: Delivery): void;
  /** The snapshot is complete. */
  settled(): void;
}

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** `retryAt`: time of the next attempt by `clock`; undefined while one is under way. */
  | { readonly state: 'reconnecting'; readonly since: number; readonly attempt: number; readonly retryAt: number | undefined };

interface Subscription {
  readonly channel: Channel;
  readonly receiver: Receiver;
  position: Position | undefined;
  /** Where a snapshot stands. */
  snapshot: 'expected' | 'running' | 'none';
}

/** The parts of a browser's WebSocket that are used. */
export type LiveSocket = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

export interface ConnectionOptions {
  readonly open: () => LiveSocket;
  readonly receivers: Readonly<Partial<Record<Channel, Receiver>>>;
  /** ms since the epoch; the jitter of waits, in [0, 1). */
  readonly clock: () => number;
  readonly random: () => number;
  /** The server's clock, as told at each ack. */
  readonly onServerTime: (time: number) => void;
}

/** One socket to `/live` with a subscription to each channel, that comes back by itself and goes on by epoch and offset. */
export class Connection {
  readonly link = signal<Link>({ state: 'connecting' });
  /** What the server refused, as it said it. */
  readonly refusal = signal<string | undefined>(undefined);
  private readonly options: ConnectionOptions;
  private readonly subscriptions = new Map<string, Subscription>();
  private socket: LiveSocket | undefined;
  private attempt = 0;
  private lostAt: number | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private lastFrame = 0;
  private frames = 0;

  constructor(options: ConnectionOptions) {
    this.options = options;
    for (const [channel, receiver] of Object.entries(options.receivers) as [Channel, Receiver][]) {
      // A channel has one subscription, which it names.
      this.subscriptions.set(channel, { channel, receiver, position: undefined, snapshot: 'none' });
    }
  }

  /** Connects now, also where it was waiting for the next attempt. */
  connect(): void {
    if (this.socket !== undefined) return;
    clearTimeout(this.retry);
    if (this.lostAt !== undefined) this.link.value = { state: 'reconnecting', since: this.lostAt, attempt: this.attempt, retryAt: undefined };
    const socket = this.options.open();
    this.socket = socket;
    this.watch();
    socket.onopen = () => {
      for (const { channel, position } of this.subscriptions.values()) {
        socket.send(JSON.stringify({ type: 'subscribe', id: channel, channel, ...(position === undefined ? {} : { from: position }) }));
      }
    };
    socket.onmessage = (event: MessageEvent) => this.hear(JSON.parse(String(event.data)) as Frame);
    socket.onclose = () => this.lose(socket);
  }

  close(): void {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private hear(frame: Frame): void {
    this.lastFrame = this.options.clock();
    this.frames += 1;
    const subscription = frame.id === null ? undefined : this.subscriptions.get(frame.id);
    switch (frame.type) {
      case 'ack':
        this.attempt = 0;
        this.lostAt = undefined;
        if (this.link.peek().state !== 'live') this.link.value = { state: 'live' };
        this.refusal.value = undefined;
        this.options.onServerTime(frame.server_time);
        if (subscription === undefined) break;
        subscription.snapshot = frame.resumed ? 'none' : 'expected';
        if (frame.resumed) subscription.receiver.resume();
        break;
      case 'snapshot':
      case 'message':
        if (subscription !== undefined) this.deliver(subscription, frame);
        break;
      case 'error':
        // The answer to `probe` says only that the server is there.
        if (subscription !== undefined) this.refusal.value = frame.message;
        break;
      case 'unsubscribed':
        break;
      default:
        frame satisfies never;
    }
  }

  private deliver(subscription: Subscription, delivery: Delivery): void {
    const { receiver } = subscription;
    if (subscription.snapshot === 'expected') {
      receiver.restart();
      subscription.snapshot = 'running';
      subscription.position = undefined;
    }
    receiver.take(delivery);
    // Half a snapshot is no position to go on from.
    if (delivery.more === true) return;
    if (subscription.snapshot === 'running') receiver.settled();
    subscription.snapshot = 'none';
    subscription.position = { epoch: delivery.epoch, offset: delivery.offset };
  }

  private lose(socket: LiveSocket): void {
    if (socket !== this.socket) return;
    this.socket = undefined;
    clearTimeout(this.silence);
    const now = this.options.clock();
    this.lostAt ??= now;
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempt) * (0.5 + this.options.random());
    this.attempt += 1;
    this.link.value = { state: 'reconnecting', since: this.lostAt, attempt: this.attempt, retryAt: now + wait };
    this.retry = setTimeout(() => this.connect(), wait);
  }

  /** Gives a socket up that stays silent though it was asked. */
  private watch(): void {
    this.lastFrame = this.options.clock();
    /** `asked`: how many frames there had been when the server was asked. */
    const look = (asked?: number) => {
      const quiet = this.options.clock() - this.lastFrame;
      const { socket } = this;
      if (socket === undefined) return;
      if (asked === this.frames) {
        socket.close();
        this.lose(socket);
      } else if (quiet >= SILENCE_MS) {
        probe(socket);
        this.silence = setTimeout(look, ANSWER_MS, this.frames);
      } else this.silence = setTimeout(look, SILENCE_MS - quiet);
    };
    this.silence = setTimeout(look, SILENCE_MS);
  }
}

/** Asks for something that the server must answer. */
function probe(socket: LiveSocket): void {
  try {
    socket.send(JSON.stringify({ type: 'unsubscribe', id: 'probe' }));
  } catch {
    // Not open yet: it is given up when the time for an answer is over.
  }
}
