import { z } from 'zod';
import { defineSource, type ConnectorContext, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { Book, KEPT } from './book.js';

const config = z.strictObject({});

class FeedbackSource implements Source {
  readonly feedback: Book;
  readonly #serves: boolean;

  constructor(context: ConnectorContext) {
    this.feedback = new Book(context);
    this.#serves = context.routes !== undefined;
  }

  async open(from: Position | undefined): Promise<void> {
    if (this.#serves) await this.feedback.open(typeof from === 'number' ? from : 0);
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    // Without a server (a replay) nobody says anything.
    if (!this.feedback.isOpen) return { position: this.feedback.position, ended: true };
    await this.feedback.read(into, signal);
    return { position: this.feedback.position };
  }

  commit(position: Position): Promise<void> {
    return this.feedback.forget(position as number);
  }

  close(): Promise<void> {
    return this.feedback.close();
  }
}

export const feedbackSource = defineSource<z.output<typeof config>>({
  name: 'feedback',
  summary: 'What people say of anomalies: false alarm, or right.',
  description: `\`POST /api/anomalies/{id}/feedback\` takes \`{"verdict": "false_positive" | "true_positive", "note", "by"}\`; \`GET\` lists who said
what and when; \`DELETE\` undoes it. \`millrace feedback\` and the buttons of the dashboard do the same.

A detector that reads this source changes its threshold by it, as its page says: name the source in the detector's \`from\`, beside the
rows that it judges. Store it (\`from\` of a store sink) to keep the trail for as long as the store does; the last ${KEPT.toLocaleString('en-US')}
entries are kept here.

The answer is 202 once it is in a log on disk. It holds from event time on that is just ahead of the rows at hand: for what is live, within
seconds. It takes the way of samples, so it is there again after a crash. Nothing waits for this source: it does not hold back event time.`,
  config,
  examples: [
    {
      title: 'A detector that learns from false alarms',
      yaml: 'sources:\n  people: { type: feedback }\n  posted: { type: http }\noperators:\n  odd: { type: detect, from: [posted, people] }\nsinks:\n  history: { type: duckdb, from: [odd, people], path: history.duckdb }\n',
    },
  ],
  findings: ['feedback'],
  live: () => true,
  replays: true,
  disorder: () => 0,
  create: (_, context) => new FeedbackSource(context),
});
