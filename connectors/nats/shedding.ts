import type { ConnectorContext } from '../../engine/connector.js';
import { SHED_SUBJECTS, WARN_EVERY_MS } from './limits.js';

/** Subjects that a warning names. */
const NAMED = 5;

/** Tells of messages that were left out because nobody read them fast enough: counted by subject, and warned about once a minute. */
export class Shedding {
  readonly #context: Pick<ConnectorContext, 'count' | 'clock' | 'log'>;
  readonly #counted = new Set<string>();
  #since = new Map<string, number>();
  #warned = -Infinity;
  /** When it last happened, for the health of the source. */
  lost: { readonly at: number; readonly what: string } | undefined;

  constructor(context: Pick<ConnectorContext, 'count' | 'clock' | 'log'>) {
    this.#context = context;
  }

  add(shed: readonly (readonly [subject: string, messages: number])[]): void {
    const { clock, log } = this.#context;
    for (const [subject, messages] of shed) {
      const name = this.#counted.has(subject) || this.#counted.size < SHED_SUBJECTS ? subject : 'others';
      this.#counted.add(name);
      this.#context.count('shed', messages);
      this.#context.count(`shed ${name}`, messages);
      this.#since.set(name, (this.#since.get(name) ?? 0) + messages);
    }
    const now = clock.elapsed();
    this.lost = { at: now, what: 'messages come faster than they are read, and some were left out' };
    if (now - this.#warned < WARN_EVERY_MS) return;
    this.#warned = now;
    const most = [...this.#since].sort(([, a], [, b]) => b - a);
    const messages = most.reduce((sum, [, each]) => sum + each, 0);
    log.warn({ messages, subjects: Object.fromEntries(most.slice(0, NAMED)) }, 'messages of core NATS come faster than they are read: the newest were left out; a stream would have made them wait');
    this.#since = new Map();
  }
}
