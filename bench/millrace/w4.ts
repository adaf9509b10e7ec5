import { totals } from '../../connectors/count/sink.js';
import type { AnySink, AnySource, Sink, Source } from '../../engine/connector.js';
import { WATERMARK_STEP_MS } from '../../engine/limits.js';
import { sinceEpoch, type Job, type Told } from '../peers/job.js';
import { loadGraph, registry } from './graph.js';
import { Latencies } from './latencies.js';
import { inScratchFolder } from './scratch-folder.js';
import { startRun } from './start-run.js';

/** Windows that end in the first seconds are not counted: code is compiled, and series are announced. */
const WARM_UP_MS = 3_000;

const now = (): number => sinceEpoch(performance.now());

/** When a watermark was produced: when the source gave the row that moves it, and when that row was due. */
interface Produced {
  readonly at: number;
  readonly due: number;
}

/** Notes when the source gives the first row at or after each step of the watermark; of this source rows are in order, and the first of a step is due at its time. */
function watched(source: Source, produced: Map<number, Produced>): Source {
  const read = source.read.bind(source);
  let next = -Infinity;
  source.read = (into, limit, signal) =>
    read(
      {
        add(time, series, value, flags) {
          if (time >= next) {
            const watermark = Math.floor(time / WATERMARK_STEP_MS) * WATERMARK_STEP_MS;
            produced.set(watermark, { at: now(), due: time });
            next = watermark + WATERMARK_STEP_MS;
          }
          return into.add(time, series, value, flags);
        },
        finding: (finding) => into.finding(finding),
        get length() {
          return into.length;
        },
      },
      limit,
      signal,
    );
  return source;
}

/** The time of a result is the end of its window, which is the watermark that closes it; `results`: so many with the same. */
function timed(sink: Sink, results: (watermark: number, count: number, at: number) => void): Sink {
  const write = sink.write.bind(sink);
  sink.write = (node, batch, names) => {
    const at = now();
    for (let i = 0, from = 0; i < batch.length; from = i) {
      const watermark = batch.time[i]!;
      while (i < batch.length && batch.time[i] === watermark) i += 1;
      results(watermark, i - from, at);
    }
    return write(node, batch, names);
  };
  return sink;
}

/**
 * W4: latency of results while samples come by the clock, from main thread to shard and back. It is counted
 * from the moment at which the source gave the row that moves the watermark; `further` has it from the
 * moment at which that row was due as well, so that a source that is late can't hide it.
 */
export function latency({ samples, series, threads }: Job): Promise<Told> {
  const produced = new Map<number, Produced>();
  const latencies = new Latencies();
  const sinceDue = new Latencies();
  let first: number | undefined;
  let last = 0;
  let from = Infinity;
  const results = (watermark: number, count: number, at: number): void => {
    first ??= at;
    last = at;
    // Those that the end of the input closes have no row that moved the watermark.
    const by = watermark >= from ? produced.get(watermark) : undefined;
    if (by === undefined) return;
    latencies.add(at - by.at, count);
    sinceDue.add(at - by.due, count);
  };
  const sources: AnySource[] = registry.sources.map((d) => (d.name === 'generate' ? { ...d, create: (config, context) => watched(d.create(config, context), produced) } : d));
  const sinks: AnySink[] = registry.sinks.map((d) => (d.name === 'count' ? { ...d, create: (config, context) => timed(d.create(config, context), results) } : d));
  return inScratchFolder(async (folder) => {
    const began = now();
    from = began + WARM_UP_MS;
    const { runtime, begin } = await startRun(loadGraph('w4', { count: samples, series }), { threads, folder, live: true, registry: { ...registry, sources, sinks } });
    begin();
    await runtime.finished;
    const total = totals('out').get('win')!;
    const { p50, p99, max } = sinceDue.summary();
    return {
      seconds: (last - began) / 1000,
      ...(first === undefined ? {} : { first_result_at: first }),
      check: { counts: total.columns['count']?.sum ?? 0 },
      latency_ms: latencies.summary(),
      further: { since_due_p50_ms: p50, since_due_p99_ms: p99, since_due_max_ms: max },
    };
  });
}
