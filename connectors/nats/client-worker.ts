import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../engine/clock.js';
import { systemRandom } from '../../engine/random.js';
import { Connection } from './client.js';
import { streamHas } from './fetch-now.js';
import { HandOver } from './hand-over.js';
import { JetStream } from './jetstream.js';
import { NotTaken } from './not-taken.js';
import { ProgressMark } from './progress-mark.js';
import { Retry } from './retry.js';
import { StreamReader } from './stream-reader.js';
import { SubjectReader } from './subject-reader.js';
import { MESSAGE_ID, type FromThread, type Publication, type ThreadState, type ThreadTask, type ToThread } from './thread-messages.js';

/** What was shed is told so often. */
const SHED_MS = 1_000;

/**
 * The thread of one client: it connects again and again as long as it lives, and nothing that is computed elsewhere
 * can make it miss a heartbeat.
 */
class ClientThread {
  readonly #task: ThreadTask;
  readonly #tell: (told: FromThread, transfer?: ArrayBuffer[]) => void;
  readonly #handOver: HandOver;
  readonly #stream: StreamReader | undefined;
  readonly #subjects: SubjectReader | undefined;
  readonly #mark: ProgressMark | undefined;
  readonly #retry = new Retry(systemRandom);
  #connection: Connection | undefined;
  #state: ThreadState = { status: 'connecting', detail: '' };

  constructor(task: ThreadTask, tell: (told: FromThread, transfer?: ArrayBuffer[]) => void) {
    this.#task = task;
    this.#tell = tell;
    this.#handOver = new HandOver((packed) => tell({ type: 'messages', pass: this.#stream?.pass ?? 'new', packed, current: this.#stream?.current ?? true }, [packed.memory]));
    this.#stream = task.read?.kind === 'stream' ? new StreamReader(task.read, this.#handOver, new Retry(systemRandom), systemClock, tell, (reason) => this.#readable(reason)) : undefined;
    this.#mark = task.read?.kind === 'stream' && task.read.durable !== undefined ? new ProgressMark(task.read, task.read.durable, (message) => tell({ type: 'warning', message })) : undefined;
    this.#subjects = task.read?.kind === 'subjects' ? new SubjectReader(task.read, this.#handOver) : undefined;
  }

  async run(): Promise<never> {
    setInterval(() => {
      const subjects = this.#subjects?.takeShed() ?? [];
      if (subjects.length > 0) this.#tell({ type: 'shed', subjects });
    }, SHED_MS);
    let others: readonly string[] = [];
    for (;;) {
      try {
        const connection = await Connection.open(this.#task.connection, systemRandom, others);
        others = connection.others;
        this.#retry.succeeded();
        this.#become('away', await this.#use(connection));
      } catch (error) {
        this.#become('away', (error as Error).message);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#retry.delay()));
    }
  }

  hear(told: ToThread): void {
    switch (told.type) {
      case 'read':
        this.#handOver.read(told);
        this.#stream?.ask();
        break;
      case 'publish':
        this.#publish(told).then(
          () => this.#tell({ type: 'published', number: told.number }),
          (error: Error) => this.#tell({ type: 'published', number: told.number, error: error.message, final: error instanceof NotTaken }),
        );
        break;
      case 'mark':
        this.#mark?.set(told.sequence);
        break;
      case 'close':
        void this.#close();
        break;
      default:
        told satisfies never;
    }
  }

  /** Until the connection ends; resolves with the reason. */
  async #use(connection: Connection): Promise<string> {
    const over = new AbortController();
    this.#connection = connection;
    let refused: string | undefined;
    this.#subjects?.begin(connection, (reason) => {
      refused = reason;
      this.#readable(reason);
    });
    // From here on nothing that is published is missed.
    await connection.flush().then(() => this.#readable(refused), () => {});
    this.#mark?.use(connection);
    const reading = this.#stream?.read(connection, over.signal);
    const why = await connection.ended;
    this.#connection = undefined;
    this.#mark?.use(undefined);
    over.abort();
    await reading;
    return why ?? 'the server closed the connection';
  }

  /** What is to be read can be read, or not for a reason. */
  #readable(reason: string | undefined): void {
    if (this.#connection === undefined) return;
    if (reason === undefined) this.#become('connected', this.#connection.server);
    else this.#become('unfit', reason);
  }

  #become(status: ThreadState['status'], detail: string): void {
    if (this.#state.status === status && this.#state.detail === detail) return;
    this.#state = { status, detail };
    this.#tell({ type: 'state', status, detail });
  }

  async #publish({ subject, payload, headers, confirm, unless }: Publication): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error(`NATS is away: ${this.#state.detail}`);
    if (unless !== undefined && (await streamHas(connection, new JetStream(connection, unless.domain), { ...unless, subject, id: headers[MESSAGE_ID]! }))) return;
    if (confirm === 'stream') return connection.publishToStream(subject, payload, headers);
    connection.publish(subject, payload, headers);
    if (confirm === 'server') await connection.flush();
  }

  async #close(): Promise<void> {
    await this.#connection?.close().catch(() => {});
    this.#tell({ type: 'closed' });
  }
}

const port = parentPort!;
const thread = new ClientThread(workerData as ThreadTask, (told, transfer = []) => port.postMessage(told, transfer));
port.on('message', (told: ToThread) => thread.hear(told));
await thread.run();
