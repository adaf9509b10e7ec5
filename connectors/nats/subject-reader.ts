import type { Connection } from './client.js';
import { envelopeOf } from './envelope.js';
import type { HandOver } from './hand-over.js';
import { SHED_SUBJECTS } from './limits.js';
import type { SubjectTask } from './thread-messages.js';

/** How messages are counted whose subjects are too many to be counted by themselves. */
const OTHERS = 'others';

/** Reads subjects of core NATS. Nobody there waits for us: a message that there is no room for is left out whole, and counted. */
export class SubjectReader {
  readonly #task: SubjectTask;
  readonly #handOver: HandOver;
  #shed = new Map<string, number>();

  constructor(task: SubjectTask, handOver: HandOver) {
    this.#task = task;
    this.#handOver = handOver;
  }

  /** Subscribes; `refused` is told what the server does not allow. */
  begin(connection: Connection, refused: (reason: string) => void): void {
    const { subjects, queue } = this.#task;
    for (const subject of subjects) {
      connection.subscribe(
        subject,
        (message) => {
          const envelope = envelopeOf(message, 0, Number.NaN);
          if (this.#handOver.fits(envelope, message.data)) this.#handOver.add(envelope, message.data);
          else this.#leaveOut(message.subject);
        },
        (reason) => refused(`subscribing to ${subject}: ${reason}`),
        queue,
      );
    }
  }

  /** Messages left out since it was last asked, by subject. */
  takeShed(): readonly (readonly [string, number])[] {
    const shed = [...this.#shed];
    this.#shed = new Map();
    return shed;
  }

  #leaveOut(subject: string): void {
    const counted = this.#shed.has(subject) || this.#shed.size < SHED_SUBJECTS ? subject : OTHERS;
    this.#shed.set(counted, (this.#shed.get(counted) ?? 0) + 1);
  }
}
