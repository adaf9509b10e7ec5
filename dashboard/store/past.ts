import { signal } from '@preact/signals';
import { seriesKey } from './series-key.js';
import type { Series, SeriesStore } from './series-store.js';
import { Track } from './track.js';

/** Requests at once: the stores answer one after the other anyway. */
const AT_ONCE = 2;

/** Rows that the server gives in one answer. */
const MOST_ROWS = 10_000;

interface HistoryBody {
  readonly series: readonly {
    readonly metric_name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (number | null)[])[];
  }[];
}

interface Stretch {
  readonly ms: number;
  /** Interval of averages; 0: rows as they came. */
  readonly step: number;
}

/** Live rows that begin this much after the stretch are completed: less is not worth a request. */
const MISSING_MS = 10_000;

/** Fetches what was before the live rows: for ranges that go further back, and after a restart of the server, whose live rows begin with it. */
export class Past {
  /** Requests under way. */
  readonly loading = signal(0);
  /** Why the last one failed. */
  readonly failure = signal<string | undefined>(undefined);
  private readonly store: SeriesStore;
  private readonly clock: () => number;
  private readonly onLoaded: (series: ReadonlySet<Series>) => void;
  private stretch: Stretch | undefined;
  private snapshots = 0;
  private asked = new Set<string>();
  private queue: (() => Promise<void>)[] = [];
  private running = 0;
  private abort = new AbortController();

  constructor(store: SeriesStore, clock: () => number, onLoaded: (series: ReadonlySet<Series>) => void) {
    this.store = store;
    this.clock = clock;
    this.onLoaded = onLoaded;
  }

  /** The rows of a series over a stretch of time; where they are not there yet they are fetched, with those of its whole metric. */
  track(series: Series, stretch: Stretch): Track {
    if (this.stretch?.step !== stretch.step || this.snapshots !== this.store.snapshots) this.begin(stretch);
    if (stretch.step === 0) {
      series.long = undefined;
      if (series.live.length > 0 && series.live.time(0) > this.clock() - stretch.ms + MISSING_MS) this.ask(series, stretch);
      return series.live;
    }
    if (series.long?.step !== stretch.step) series.long = joined(series, stretch, []);
    this.ask(series, stretch);
    return series.long;
  }

  /** Once for all series of its metric. */
  private ask({ node, metric }: Series, stretch: Stretch): void {
    const id = `${node} ${metric}`;
    if (this.asked.has(id)) return;
    this.asked.add(id);
    this.enqueue(() => this.load(node, metric, stretch));
  }

  private begin(stretch: Stretch): void {
    this.stretch = stretch;
    this.snapshots = this.store.snapshots;
    this.abort.abort();
    this.abort = new AbortController();
    this.asked = new Set();
    this.queue = [];
    this.failure.value = undefined;
  }

  private enqueue(task: () => Promise<void>): void {
    this.queue.push(task);
    this.turn();
  }

  private turn(): void {
    while (this.running < AT_ONCE && this.queue.length > 0) {
      const task = this.queue.shift()!;
      this.running += 1;
      // Charts ask while they are drawn: nothing on the page may change in that moment.
      queueMicrotask(() => (this.loading.value = this.running + this.queue.length));
      void task().finally(() => {
        this.running -= 1;
        this.loading.value = this.running + this.queue.length;
        this.turn();
      });
    }
  }

  private async load(node: string, metric: string, stretch: Stretch): Promise<void> {
    const { signal: aborted } = this.abort;
    const members = [...this.store.all()].filter((series) => series.node === node && series.metric === metric);
    const step = Math.max(1, stretch.step);
    const to = Math.ceil(this.clock() / step) * step;
    const query = new URLSearchParams({ node, metric_name: metric, from: String(to - stretch.ms), to: String(to) });
    if (stretch.step > 0) query.set('buckets', String(Math.min(stretch.ms / step, Math.floor(MOST_ROWS / Math.max(1, members.length)))));
    try {
      const response = await fetch(`/api/history?${query.toString()}`, { signal: aborted });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const body = (await response.json()) as HistoryBody;
      if (aborted.aborted) return;
      const loaded = new Set<Series>();
      for (const { metric_name, labels, columns, rows } of body.series) {
        const series = this.store.at(node, seriesKey(metric_name, labels));
        if (series === undefined) continue;
        // They may have further columns, in another order.
        const order = series.columns.map((name) => columns.indexOf(name) + 2);
        const past = rows.map((row) => [row[0]!, row[1]!, ...order.map((at) => (at < 2 ? null : (row[at] ?? null)))]);
        if (stretch.step > 0) series.long = joined(series, stretch, past);
        else this.store.complete(series, past);
        loaded.add(series);
      }
      if (loaded.size > 0) this.onLoaded(loaded);
    } catch (error) {
      if (!aborted.aborted) this.failure.value = (error as Error).message;
    }
  }
}

/** Averages from the past, and the live rows after them. */
function joined(series: Series, { ms, step }: Stretch, rows: readonly (readonly (number | null)[])[]): Track {
  const track = new Track(series.live.width, Math.ceil(ms / step) + 60, step);
  for (const row of rows) if (row[0] != null) track.push(row[0], row, 1);
  const from = track.length === 0 ? 0 : series.live.find(track.newest + step);
  for (let row = from; row < series.live.length; row++) {
    const numbers = Array.from({ length: series.live.width }, (_, column) => series.live.get(row, column));
    track.push(series.live.time(row), numbers, 0);
  }
  return track;
}
