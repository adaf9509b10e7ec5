import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import type { Time } from '../../engine/clock.js';
import { defineSource, type ConnectorContext, type History, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { duration } from '../../engine/scalars.js';
import { compileMatchers, selector } from '../../engine/selector.js';
import { parseSeries } from '../../engine/series.js';
import { Pages, type Page } from './pages.js';

const config = z.strictObject({
  store: z.string().min(1).describe('the sink of this graph whose history is read, of type `duckdb` or `questdb`'),
  node: z.string().min(1).describe('whose rows: the name of a node, as in the `from` of that sink when they were written'),
  last: duration({ min: '1m' })
    .default(14 * 86_400_000)
    .describe('how far back it begins, from when the graph starts with this source for the first time, which is where it ends'),
  where: selector().optional().describe('which series: a selector of Prometheus, such as `cpu_usage{mode!="idle"}`. Default: all'),
  learn_only: z
    .boolean()
    .default(true)
    .describe('operators learn from its rows, and nothing that comes of them (rows, findings) goes to a sink; `false`: its rows are as those of any other source, to try a graph on what there was'),
});
type HistoryConfig = z.output<typeof config>;

/** Where it is: the range, fixed at the first start, and the last row given. */
interface Place {
  readonly to: Time;
  readonly time: Time;
  readonly series?: string;
}

/** A store that does not answer is asked again after this long. */
const RETRY_MS = 2_000;
/** Series whose selection is remembered. */
const JUDGED_SERIES = 65_536;

class HistorySource implements Source {
  readonly #config: HistoryConfig;
  readonly #context: ConnectorContext;
  readonly #selects: ((text: string) => boolean) | undefined;
  #history: History | undefined;
  #place: Place = { to: 0, time: 0 };
  #pages: Pages | undefined;
  /** The page at hand, and how many of its rows are given. */
  #page: Page | undefined;
  #given = 0;
  /** The page after it, being read. */
  #ahead: Promise<Page> | undefined;
  #failure: string | undefined;
  #known = false;

  constructor(parsed: HistoryConfig, context: ConnectorContext) {
    this.#config = parsed;
    this.#context = context;
    this.#selects = parsed.where === undefined ? undefined : remembered(compileMatchers(parsed.where));
  }

  async open(from: Position | undefined): Promise<void> {
    const { store, last } = this.#config;
    this.#history = this.#context.history?.(store);
    if (this.#history === undefined) throw new Error(`${store} keeps nothing that can be read back`);
    const now = Math.floor(this.#context.clock.now());
    this.#place = (from as Place | undefined) ?? { to: now, time: now - last };
    this.#pages = new Pages(this.#history, this.#config.node, this.#place, this.#place.to);
  }

  async read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading> {
    const page = await this.#pageAtHand(signal);
    if (page === undefined) return { position: { ...this.#place } };
    const { rows } = page;
    while (this.#given < rows.length && into.length < limit) {
      const { time, series, value } = rows[this.#given++]!;
      if (this.#selects?.(series) !== false) into.add(time, series, value);
    }
    const over = this.#given === rows.length;
    const { time, series } = over ? page.mark : rows[this.#given - 1]!;
    this.#place = { to: this.#place.to, time, ...(series === undefined ? {} : { series }) };
    return { position: { ...this.#place }, ended: over && page.last };
  }

  async close(): Promise<void> {
    // The store is closed after it.
    await this.#ahead?.catch(() => {});
  }

  health(): { status: 'ok' | 'degraded'; detail?: string } {
    return this.#failure === undefined ? { status: 'ok' } : { status: 'degraded', detail: this.#failure };
  }

  /** One that has rows left, or is the last; undefined where the store does not answer. */
  async #pageAtHand(signal: AbortSignal): Promise<Page | undefined> {
    if (this.#page !== undefined && (this.#given < this.#page.rows.length || this.#page.last)) return this.#page;
    try {
      await this.#look();
      this.#page = await (this.#ahead ?? this.#pages!.next());
    } catch (error) {
      const { message } = error as Error;
      if (this.#failure !== message) this.#context.log.warn({ node: this.#context.node, err: error }, 'the history can not be read: it is tried again, and what waits for it waits');
      this.#failure = message;
      this.#ahead = undefined;
      await setTimeout(RETRY_MS, undefined, { signal }).catch(() => {});
      return undefined;
    }
    this.#failure = undefined;
    this.#given = 0;
    this.#ahead = this.#page.last ? undefined : this.#pages!.next();
    this.#ahead?.catch(() => {});
    return this.#page;
  }

  /** A name that the store does not know is told once. */
  async #look(): Promise<void> {
    if (this.#known) return;
    const { store, node } = this.#config;
    const nodes = await this.#history!.nodes();
    this.#known = true;
    if (!nodes.includes(node)) this.#context.log.warn({ node: this.#context.node }, `${store} holds no rows of ${node}: ${nodes.length === 0 ? 'it is empty' : `it has ${nodes.join(', ')}`}`);
  }
}

function remembered(selects: (series: ReturnType<typeof parseSeries>) => boolean): (text: string) => boolean {
  const judged = new Map<string, boolean>();
  return (text) => {
    let selected = judged.get(text);
    if (selected === undefined) {
      if (judged.size >= JUDGED_SERIES) judged.clear();
      judged.set(text, (selected = selects(parseSeries(text))));
    }
    return selected;
  };
}

export const historySource = defineSource<HistoryConfig>({
  name: 'history',
  summary: 'Reads what a store of this graph holds, so that detectors know their series when they start for the first time.',
  description: `Gives the rows of one node that a \`duckdb\` or \`questdb\` sink of the same graph has written, in order of time, and ends. A source
that goes on from there waits for it by \`after\`, and an operator reads both: so it has learnt the past before the first row of the present.

With \`learn_only\`, which is the default, the past teaches and tells nothing: until the source has ended, no row and no finding of an operator
that it leads to goes to a sink. Operators among themselves see all, so that a detector behind a window learns, too. An anomaly
that is open when the past ends goes on: its next revision is told.

The range is fixed when the graph starts with the source for the first time, and kept with its position: after a restart it goes on where it was,
and when it has ended it gives nothing any more. To learn anew, start with another name for it or without the checkpoint. Staleness markers and
columns are not read. While the store does not answer, it is asked again, and what waits for the source waits. What QuestDB has not shown yet when
the end of the range is read (rows that wait in the spool) is not among the rows.`,
  config,
  examples: [
    {
      title: 'A detector that begins with two weeks of what DuckDB holds',
      yaml: `sources:
  past: { type: history, store: history, node: metrics, last: 14d }
  metrics: { type: http, after: past }
operators:
  odd: { type: detect, from: [past, metrics] }
sinks:
  history: { type: duckdb, from: [metrics, odd] }
`,
    },
  ],
  live: () => false,
  disorder: () => 0,
  store: ({ store }) => store,
  teaches: ({ learn_only }) => learn_only,
  create: (parsed, context) => new HistorySource(parsed, context),
});
