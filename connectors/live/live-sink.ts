import type { Batch } from '../../engine/batch.js';
import type { ConnectorContext, Position, Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import type { Socket } from '../../engine/routes.js';
import { LiveBoard } from './board.js';
import type { LiveConfig } from './sink.js';
import { FindingFeed, newEpoch } from './finding-feed.js';
import { HIGH_BYTES, MAX_SOCKETS, TICK_MS, WAITING_BYTES } from './limits.js';
import { PROTOCOL } from './protocol.js';
import { RowDispatch } from './row-dispatch.js';
import { RowRings } from './row-rings.js';
import { Session, type Feeds } from './session.js';

/** Keeps the newest rows and findings and serves them to sockets. */
export class LiveSink implements Sink {
  readonly board: LiveBoard;
  private readonly config: LiveConfig;
  private readonly context: ConnectorContext;
  private readonly rows: RowRings;
  private readonly dispatch: RowDispatch;
  private readonly findings: FindingFeed;
  private readonly feeds: Feeds;
  private readonly sessions = new Map<Socket, Session>();
  private ticks: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(config: LiveConfig, context: ConnectorContext) {
    this.config = config;
    this.context = context;
    this.rows = new RowRings({ maxSeries: config.max_series, budget: config.memory, onRow: (ring) => this.dispatch.touch(ring), onForget: (ring) => this.dispatch.forget(ring) });
    this.dispatch = new RowDispatch(this.rows);
    this.findings = new FindingFeed(context, config.retain, () => this.each((session) => session.pump()));
    this.feeds = { rows: this.rows, dispatch: this.dispatch, rowEpoch: newEpoch(context), high: HIGH_BYTES, findings: this.findings, clock: context.clock, history: config.history, retain: config.retain };
    this.board = new LiveBoard(this.rows, this.findings.rings);
  }

  async open(from: Position | undefined): Promise<void> {
    const { routes } = this.context;
    await this.findings.open(from, routes !== undefined);
    if (routes === undefined) return;
    routes.socket(this.config.path, PROTOCOL, {
      open: (socket) => this.connect(socket),
      message: (socket, text) => this.sessions.get(socket)?.hear(text),
      drain: (socket) => this.sessions.get(socket)?.pump(),
      close: (socket) => this.disconnect(socket),
    });
    this.ticks = setInterval(() => this.each((session) => session.tick()), TICK_MS);
    this.ticks.unref();
  }

  write(node: string, batch: Batch, names: Names): Promise<void> {
    this.rows.add(node, batch, names, this.context.clock.now());
    return Promise.resolve();
  }

  receive(_node: string, finding: Finding): Promise<void> {
    return this.findings.take(finding);
  }

  flush(): Promise<Position> {
    return this.findings.flush();
  }

  health(): { status: 'ok' | 'down'; detail?: string } {
    const { failure } = this.findings;
    return failure === undefined ? { status: 'ok' } : { status: 'down', detail: `findings are held back: ${failure.message}` };
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.ticks);
    await this.findings.close();
    this.dispatch.close();
    this.each((session) => session.close(1012, 'the graph restarts: connect again and go on from the last position'));
  }

  private connect(socket: Socket): void {
    if (this.closed) socket.close(1012, 'the graph restarts');
    else if (this.sessions.size >= MAX_SOCKETS) {
      this.context.count('refused_socket');
      socket.close(1013, `${MAX_SOCKETS} sockets are open already`);
    } else {
      this.sessions.set(socket, new Session(socket, this.feeds));
      this.share();
    }
  }

  private disconnect(socket: Socket): void {
    this.sessions.get(socket)?.leave();
    this.sessions.delete(socket);
    this.share();
  }

  private share(): void {
    this.feeds.high = Math.min(HIGH_BYTES, Math.floor(WAITING_BYTES / Math.max(1, this.sessions.size)));
  }

  private each(call: (session: Session) => void): void {
    for (const session of this.sessions.values()) call(session);
  }
}
