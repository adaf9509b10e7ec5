import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { defineSource, type ConnectorContext, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { feedbackSchema, type Feedback } from '../../engine/finding.js';
import { Book, KEPT } from './book.js';

const config = z.strictObject({
  path: z.string().optional().describe('What a replay takes, as nobody says anything then: feedback that a sink of type `file` wrote as NDJSON.'),
});

class FeedbackSource implements Source {
  readonly feedback: Book;
  readonly #context: ConnectorContext;
  readonly #path: string | undefined;
  /** Of a replay. */
  #written: readonly Feedback[] = [];

  constructor({ path }: z.output<typeof config>, context: ConnectorContext) {
    this.feedback = new Book(context);
    this.#context = context;
    this.#path = path;
  }

  async open(from: Position | undefined): Promise<void> {
    const { routes, replay, base } = this.#context;
    if (routes !== undefined) await this.feedback.open(typeof from === 'number' ? from : 0);
    else if (replay && this.#path !== undefined) this.#written = feedbackIn(await readFile(resolve(base, this.#path), 'utf8'), this.#path);
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    if (!this.feedback.isOpen) {
      // All before the first row: each holds from its own time on.
      for (const said of this.#written) into.finding(said);
      return { position: this.feedback.position, ended: true };
    }
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

/** The feedback among the lines of NDJSON. Throws where a line is none. */
function feedbackIn(text: string, path: string): Feedback[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    let json: { readonly finding?: unknown };
    try {
      json = JSON.parse(line) as typeof json;
    } catch (error) {
      throw new Error(`${path}:${i + 1}: is no JSON: ${(error as Error).message}`, { cause: error });
    }
    const parsed = feedbackSchema.safeParse(json.finding);
    return parsed.success ? [parsed.data] : [];
  });
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
seconds. It takes the way of samples, so it is there again after a crash. Nothing waits for this source: it does not hold back event time.

A replay takes what a sink of type \`file\` wrote of it (\`path\`), each from the time on from which it held.`,
  config,
  examples: [
    {
      title: 'A detector that learns from false alarms',
      yaml: 'sources:\n  people: { type: feedback }\n  posted: { type: http }\noperators:\n  odd: { type: detect, from: [posted, people] }\nsinks:\n  history: { type: duckdb, from: [odd, people], path: history.duckdb }\n',
    },
    {
      title: 'What was said, written down for replays',
      yaml: 'sources:\n  people: { type: feedback, path: said.ndjson }\n  queue: { type: file, path: queue.csv }\noperators:\n  odd: { type: detect, from: [queue, people] }\nsinks:\n  out: { type: file, from: odd, path: out.ndjson }\n',
    },
  ],
  findings: ['feedback'],
  live: () => true,
  replays: true,
  disorder: () => 0,
  create: (parsed, context) => new FeedbackSource(parsed, context),
});
