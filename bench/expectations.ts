import type { WorkloadName } from './engine.js';
import type { Figure } from './figures.js';
import { workload as workloadNamed } from './workloads.js';

/** The points of one chart of growth. */
export interface Grown {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly samples_per_second: number }[];
}

/** All that was measured. */
export interface Results {
  readonly figures: readonly Figure[];
  readonly grown: readonly Grown[];
}

/** One line of the table of what is expected of Millrace. */
export interface Expectation<Measured = Results> {
  /** Names its sentence in `explanations`. */
  readonly name: string;
  readonly says: string;
  readonly unit: string;
  readonly bound: 'at most' | 'at least';
  /** Undefined where something is expected in the long run alone. */
  readonly expected?: number;
  readonly longRun?: number;
  /** Undefined where it was not measured. */
  readonly figure: (results: Measured) => number | undefined;
}

export interface Judged {
  readonly expectation: Pick<Expectation, 'name' | 'says' | 'unit' | 'bound' | 'expected' | 'longRun'>;
  readonly figure: number | undefined;
  readonly verdict: 'met' | 'not met' | 'not measured' | undefined;
  readonly longRun: 'met' | 'not met' | undefined;
}

type Of = readonly [workload: WorkloadName, engine: string, threads: number];
type Choice = (results: Results) => number | undefined;

/** Only with as many series as the workload has: state is what most of them are about. */
const find = ({ figures }: Results, [workload, engine, threads]: Of): Figure | undefined =>
  figures.find((f) => f.workload === workload && f.engine === engine && f.threads === threads && f.series === workloadNamed(workload).series);
const of =
  (which: Of, choose: (figure: Figure) => number | undefined): Choice =>
  (results) => {
    const figure = find(results, which);
    return figure === undefined ? undefined : choose(figure);
  };
const speed = (which: Of): Choice => of(which, (figure) => figure.samples_per_second.median);
const further = (which: Of, name: string): Choice => of(which, (figure) => figure.further?.[name]);
const ratio =
  (a: Choice, b: Choice): Choice =>
  (results) => {
    const [x, y] = [a(results), b(results)];
    return x === undefined || y === undefined ? undefined : x / y;
  };
/** The largest time per sample divided by the smallest, over the points of a chart from `from` on. */
const growth =
  (name: string, from = -Infinity): Choice =>
  ({ grown }) => {
    const speeds = grown.find((g) => g.name === name)?.points.filter((point) => point.at >= from).map((point) => point.samples_per_second) ?? [];
    return speeds.length < 2 ? undefined : Math.max(...speeds) / Math.min(...speeds);
  };

const fused = (workload: WorkloadName): Of => [workload, 'millrace', 1];
const twoShards: Of = ['W1', 'millrace', 2];
const exchanged: Of = ['W1', 'millrace-exchange', 2];

const againstLoop = (['W1', 'W2', 'W3'] as const).map((workload): Expectation => ({
  name: `${workload}-loop`,
  says: `${workload}, one shard: time against the hand-written loop's`,
  unit: 'times',
  bound: 'at most',
  expected: 2,
  longRun: 1.5,
  figure: ratio(speed([workload, 'loop', 1]), speed(fused(workload))),
}));

const againstPeers = ([['jet', 'Jet', 5, 10], ['flink', 'Flink', 10], ['bytewax', 'Bytewax', 200], ['rxjs-expert', "RxJS in an expert's form", 5]] as const).map(
  ([engine, title, expected, longRun]): Expectation => ({
    name: `W1-${engine}`,
    says: `W1, one thread each: speed against ${title}`,
    unit: 'times',
    bound: 'at least',
    expected,
    ...(longRun !== undefined && { longRun }),
    figure: ratio(speed(fused('W1')), speed(['W1', engine, 1])),
  }),
);

const perCore = (workload: 'nats' | 'posts', engine: string): Choice => {
  const speed = further([workload, engine, 1], 'samples_per_core_second');
  return (results) => {
    const figure = speed(results);
    return figure === undefined ? undefined : figure / 1e6;
  };
};

const fromNats: readonly Expectation[] = [
  ...([['frames', 'columnar frames', 5], ['lines', 'line protocol', 2], ['arrays', 'JSON arrays', 1], ['objects', 'a JSON object a message', 0.15]] as const).map(
    ([form, title, expected]): Expectation => ({ name: `nats-${form}`, says: `NATS, ${title}: to judged windows, by processor time`, unit: 'M samples/s', bound: 'at least', expected, figure: perCore('nats', `millrace-${form}`) }),
  ),
  { name: 'nats-messages', says: 'NATS, messages of 20 KB from a stream, with a checkpoint a second', unit: 'messages/s', bound: 'at least', expected: 15_000, figure: further(['nats', 'millrace-frames-20k', 1], 'messages_per_second') },
  { name: 'nats-messages-lines', says: 'NATS, the same where they are line protocol as an agent writes it', unit: 'messages/s', bound: 'at least', expected: 15_000, figure: further(['nats', 'millrace-lines-20k', 1], 'messages_per_second') },
];

const fromPosts: readonly Expectation[] = ([['lines', 'line protocol', 2], ['arrays', 'JSON arrays', 1]] as const).map(
  ([form, title, expected]): Expectation => ({ name: `posts-${form}`, says: `HTTP, ${title}: to judged windows, by processor time`, unit: 'M samples/s', bound: 'at least', expected, figure: perCore('posts', `millrace-posts-${form}`) }),
);

export const expectations: readonly Expectation[] = [
  ...againstLoop,
  ...(['W1', 'W3'] as const).map((workload): Expectation => ({
    name: `${workload}-timely`,
    says: `${workload}, one thread each: speed against timely-dataflow`,
    unit: 'times',
    bound: 'at least',
    longRun: 1,
    figure: ratio(speed(fused(workload)), speed([workload, 'timely', 1])),
  })),
  { name: 'W1-own-parts', says: 'W1 on two shards, each with its own part of the source: speed against one shard', unit: 'times', bound: 'at least', expected: 1.6, longRun: 1.8, figure: ratio(speed(twoShards), speed(fused('W1'))) },
  { name: 'W1-exchanged', says: 'W1 on two shards, rows exchanged between threads: speed against one fused shard', unit: 'times', bound: 'at least', expected: 0.8, longRun: 1, figure: ratio(speed(exchanged), speed(fused('W1'))) },
  ...againstPeers,
  { name: 'W4-p99', says: 'W4: p99 of latency at 100,000 samples/s, over real threads', unit: 'ms', bound: 'at most', expected: 3, longRun: 1, figure: of(fused('W4'), (f) => f.latency_ms?.p99) },
  { name: 'W5-speed', says: "W5: the mission's graph, speed of one shard", unit: 'k samples/s', bound: 'at least', expected: 300, longRun: 1_000, figure: of(fused('W5'), (f) => f.samples_per_second.median / 1e3) },
  { name: 'W6-cost', says: 'W6: time with a checkpoint a second against without', unit: 'times', bound: 'at most', expected: 1.05, figure: ratio(speed(['W6', 'millrace-no-checkpoints', 1]), speed(fused('W6'))) },
  { name: 'W6-recovery', says: 'W6: recovery', unit: 's', bound: 'at most', expected: 5, figure: further(fused('W6'), 'recovery_s') },
  { name: 'W6-loop', says: "W6: p99 of the event loop's delay", unit: 'ms', bound: 'at most', expected: 10, figure: further(fused('W6'), 'loop_p99_ms') },
  { name: 'W6-memory', says: 'W6: peak memory', unit: 'MB', bound: 'at most', expected: 2_048, figure: of(fused('W6'), (f) => f.peak_rss_mb) },
  { name: 'W7-p99', says: 'W7: p99 of latency to 10,000 subscribers, a message a second a channel', unit: 'ms', bound: 'at most', expected: 50, figure: of(fused('W7'), (f) => f.latency_ms?.p99) },
  { name: 'W7-memory', says: 'W7: memory a subscriber', unit: 'KB', bound: 'at most', expected: 20, figure: further(fused('W7'), 'kb_per_subscriber') },
  { name: 'W8-p99', says: 'W8: p99 of latency from a sample to a WebSocket, at 100,000 samples/s', unit: 'ms', bound: 'at most', expected: 10, figure: of(fused('W8'), (f) => f.latency_ms?.p99) },
  ...fromNats,
  { name: 'questdb', says: 'QuestDB: rows accepted and visible', unit: 'M rows/s', bound: 'at least', expected: 1, figure: of(['questdb', 'millrace-binary-encoder', 1], (f) => f.samples_per_second.median / 1e6) },
  ...fromPosts,
  { name: 'growth-series', says: 'Growth: time per sample from 10 k to 1 M series', unit: 'times', bound: 'at most', expected: 3, figure: growth('series', 10_000) },
  { name: 'growth-windows', says: 'Growth: time per sample, slowest against fastest, in window / slide (flat)', unit: 'times', bound: 'at most', expected: 1.25, figure: growth('window-by-slide') },
  { name: 'growth-nodes', says: 'Growth: time per sample, slowest against fastest, in nodes not on its way (flat)', unit: 'times', bound: 'at most', expected: 1.25, figure: growth('idle-nodes') },
];

export function judge<Measured>(results: Measured, all: readonly Expectation<Measured>[]): Judged[] {
  return all.map((expectation) => {
    const figure = expectation.figure(results);
    const { bound, expected, longRun } = expectation;
    const meets = (limit: number | undefined): 'met' | 'not met' | undefined => (limit === undefined || figure === undefined ? undefined : (bound === 'at most' ? figure <= limit : figure >= limit) ? 'met' : 'not met');
    return { expectation, figure, verdict: figure === undefined ? 'not measured' : meets(expected), longRun: meets(longRun) };
  });
}

/** Why an expectation is not met, by its name: a sentence for RESULTS.md, written by hand. */
export const explanations: Readonly<Record<string, string>> = {
  'W1-loop':
    'The loop here does 200 M samples/s where the expectation was made from one of 147; against that it would be 2.0. Of 13 ns a sample 3 go to making it, 5 to adding it to its window (half of that to a variance that keeps its digits, where the loop sums squares about the known middle of the values), 3 to closing windows and 1 to all else. The loop knows besides that series come in order, that two panes are enough and that nothing is late.',
  'W2-loop':
    'Every sample gives a result here, and a result costs 80 ns: three additions of panes by van Herk, Gil and Werman, whose planes of 60 panes lie outside of the second cache, and a row of 37 bytes that goes to another thread. The loop adds one pane and subtracts another, which loses digits where values are not tenths.',
  'W1-own-parts': 'Two cores have three threads here: the main thread takes the results, 2 M in a job. Runs in which it is scheduled well reach 1.7.',
  'W1-exchanged': 'Half of the rows change threads, and all are renamed on the way: noting where a row goes and copying it costs 15 ns, and the windows of what comes lie in another order than the rows, which costs 9 ns more in the cache.',
  'W1-jet': 'Jet does twice here of what the expectation was made from (7.6 M samples/s).',
  'W1-rxjs-expert': 'The form measured here keeps its state in typed columns and lets only samples and results be objects: three times as fast as the one that the expectation was made from, and there is no faster JavaScript than the loop, which does six times as much. Against RxJS as its manual has it (`rxjs`) the ratio is near fifty.',
  'W4-p99': 'There are 17 windows in a run after the warm-up, so p99 is the slowest of them: a thread that is woken late by the scheduler once in twenty seconds. The median is 1 ms.',
  'W6-cost': 'A checkpoint of a million series copies 24 to 49 MB while the shard stands still, 17 ms of processor, and then they are summed and written by threads that share two cores, their caches and their memory with the shard. The first is dearer: its memory is new, and it has the names of all series.',
  'nats-messages': 'A message of 20 KB in frames is 1,650 samples: 15,000 of them would be 25 M samples/s, windowed and judged. Five thousand are 8.3 M.',
  'nats-messages-lines': 'A message is 133 lines here. Two cores have the server, which reads, sums and sends them, a thread that takes them off the socket, the decoder, and the shard that windows and judges them.',
  questdb: 'Both cores are busy: QuestDB needs about 1 s of them for a million rows in requests of 200,000 whose bytes are made before (`questdb-posts`), Millrace 0.2 to make, keep and send them. The client by hand does 0.23.',
  'growth-windows': 'A result costs more where windows overlap, as panes must be put together: the first point has none to put together, and sixty panes a series no longer lie in the second cache.',
};
