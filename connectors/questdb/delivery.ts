import type { ConnectorContext, ConnectorHealth, DeadLetter } from '../../engine/connector.js';
import type { Spool } from '../../engine/spool.js';
import { pause, systemTimers } from '../../engine/timers.js';
import { waitingHealth } from '../spooled/health.js';
import { RECORD_BYTES, RETRY_FIRST_MS, RETRY_LONGEST_MS, ROWS_AFTER_REFUSAL, SEND_BYTES, TRIES_AFTER_CHANGE, WATCH_MS } from './limits.js';
import { lineEnds, readableLine } from './line.js';
import { decodeLines, type TableLines } from './record.js';
import { LinesRefused, Unavailable, type Server } from './server.js';
import { TableUnfit, type Tables } from './tables.js';

/** What QuestDB says where automatic creation is off. */
const MISSING = /does not exist, creating new (tables|columns) is disabled/;

/** QuestDB takes rows and does not show them: they are held back until somebody has looked at it. */
class Suspended extends Error {
  override readonly name = 'Suspended';
}

/** A record at the head of the spool. */
interface Waiting {
  readonly lines: TableLines;
  readonly sequence: number;
}

/**
 * Brings what is in the spool to QuestDB, in order and one request at a time, so that of two rows with one key the later one
 * wins. A record leaves the spool once QuestDB has it: whatever fails on the way is done again, later and later, for ever, and
 * by the tables' keys twice is the same as once. Rows that it refuses as they are become dead letters.
 */
export class Delivery {
  readonly #spool: Spool;
  readonly #server: Server;
  readonly #tables: Tables;
  readonly #context: ConnectorContext;
  /** Why the newest try failed. */
  #trouble: Error | undefined;
  #watched = -Infinity;
  #running: Promise<void> | undefined;
  /** One request at a time, also of those that are not of the spool. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();

  constructor(spool: Spool, server: Server, tables: Tables, context: ConnectorContext) {
    this.#spool = spool;
    this.#server = server;
    this.#tables = tables;
    this.#context = context;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is under way is given up: it stays in the spool, which is closed beside it. */
  async stop(): Promise<void> {
    this.#closing.abort();
    this.#server.close();
    await this.#running;
  }

  get well(): boolean {
    return this.#trouble === undefined;
  }

  health(): ConnectorHealth {
    if (this.#trouble === undefined) return { status: 'ok' };
    return waitingHealth(this.#trouble.message, 'records', this.#spool.figures, this.#context.clock.now());
  }

  /** Sends a row that was refused once more; by its key, twice is once. Rejects with the reason why not. */
  resubmit({ payload, encoding, headers }: DeadLetter): Promise<void> {
    const header = headers?.['lines'];
    if (header === undefined) return Promise.reject(new Error('this row has no form that QuestDB could take'));
    return this.#inTurn(async () => {
      this.#server.refresh();
      const lines = { ...(JSON.parse(header) as Omit<TableLines, 'body'>), body: Buffer.concat([Buffer.from(payload, encoding ?? 'utf8'), NEWLINE]) };
      await this.#send([lines]);
    });
  }

  async #run(): Promise<void> {
    let delay = RETRY_FIRST_MS;
    let bytes = SEND_BYTES;
    // At first nothing: whether QuestDB is there is told before the first row comes.
    for (let records: readonly Waiting[] | undefined = []; records !== undefined; ) {
      let sent: readonly Waiting[] = records;
      try {
        await this.#inTurn(() => this.#deliver(sent.map(({ lines }) => lines)));
        this.#recovered();
        delay = RETRY_FIRST_MS;
        bytes = Math.min(bytes + RECORD_BYTES, SEND_BYTES);
        const upTo = sent.at(-1)?.sequence ?? 0;
        // Whatever fails from here on, other rows may lie where these were.
        sent = [];
        await this.#spool.acknowledge(upTo);
        records = await this.#next(bytes);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        this.#failed(error as Error);
        // It may have been more than a slow network brings there in time.
        bytes = Math.max(RECORD_BYTES, bytes / 2);
        records = sent.slice(0, Math.ceil(sent.length / 2));
        await pause(systemTimers, delay * (0.5 + this.#context.random() / 2), this.#closing.signal);
        delay = Math.min(delay * 2, RETRY_LONGEST_MS);
      }
    }
  }

  async #next(limitBytes: number): Promise<readonly Waiting[] | undefined> {
    const records = await this.#spool.next(limitBytes);
    return records?.map(({ sequence, bytes }) => ({ sequence, lines: decodeLines(bytes) }));
  }

  #inTurn(send: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(send);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #deliver(lines: readonly TableLines[]): Promise<void> {
    await this.#watch();
    if (lines.length === 0) return;
    try {
      await this.#send(lines);
    } catch (error) {
      if (!(error instanceof LinesRefused)) throw error;
      // A table that was mended since is another one for a new connection alone.
      this.#server.refresh();
      for (const each of lines) await this.#sendAround(each);
    }
  }

  /** All of it or nothing. */
  async #send(lines: readonly TableLines[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      for (const each of lines) await this.#tables.prepare(each);
      try {
        await this.#server.write(lines.map(({ body }) => body));
        return;
      } catch (error) {
        if (!(error instanceof LinesRefused && MISSING.test(error.message))) throw error;
        // Somebody has dropped a table or a column: it is made anew.
        for (const each of lines) this.#tables.forget(each.table);
        if (tries === TRIES_AFTER_CHANGE) throw new TableUnfit(`QuestDB refuses rows though it was told to make what they need: ${error.message}`, { cause: error });
      }
    }
  }

  /** Leaves out the rows that are refused: after one, in pieces that grow again while all goes well, so that many of them don't each send all others anew. */
  async #sendAround(lines: TableLines): Promise<void> {
    const ends = lineEnds(lines.body);
    const from = (row: number) => (row === 0 ? 0 : ends[row - 1]!);
    const part = (begin: number, end: number): TableLines => ({ ...lines, rows: end - begin, body: lines.body.subarray(from(begin), from(end)) });
    let rows = ends.length;
    for (let row = 0; row < ends.length; ) {
      const end = Math.min(ends.length, row + rows);
      try {
        await this.#send([part(row, end)]);
        row = end;
        rows *= 2;
      } catch (error) {
        if (!(error instanceof LinesRefused)) throw error;
        rows = error.line === undefined ? Math.max(1, Math.floor((end - row) / 2)) : error.line - 1;
        // The rows before it go first: the next time it is the first one.
        if (end - row === 1 || error.line === 1) {
          this.#refuse(part(row, row + 1), error);
          row += 1;
          rows = ROWS_AFTER_REFUSAL;
        }
      }
    }
  }

  #refuse(line: TableLines, { message }: Error): void {
    const { body, ...header } = line;
    this.#context.count('refused');
    // It is the only line of what was sent.
    const reason = message.replace(/^error in line \d+: /, '');
    this.#context.deadLetter({ origin: `${header.node} for table ${header.table}`, reason, headers: { lines: JSON.stringify(header) }, payload: readableLine(body) });
  }

  async #watch(): Promise<void> {
    const now = this.#context.clock.elapsed();
    if (now - this.#watched < WATCH_MS && !(this.#trouble instanceof Suspended)) return;
    if (this.#watched === -Infinity) await this.#server.check();
    const suspended = await this.#tables.suspended();
    if (suspended.length > 0) throw new Suspended(`QuestDB has suspended ${suspended.join(', ')}: find out why, then ALTER TABLE ... RESUME WAL`);
    this.#watched = now;
  }

  #failed(error: Error): void {
    const { log, node } = this.#context;
    this.#context.count('retries');
    const known = error instanceof Unavailable || error instanceof TableUnfit || error instanceof Suspended;
    const trouble = error instanceof Unavailable ? new Unavailable(`QuestDB ${this.#server.url.origin}: ${error.message}`, { cause: error }) : error;
    if (trouble.message !== this.#trouble?.message) log.warn({ node, ...(!known && { err: error }) }, `${trouble.message}; what is written waits on disk`);
    this.#trouble = trouble;
  }

  #recovered(): void {
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#context.log.info({ node: this.#context.node, ...this.#spool.figures }, `QuestDB ${this.#server.url.origin} takes rows again`);
  }
}

const NEWLINE = Buffer.from('\n');
