import { seeded } from '../../engine/random.js';
import detect from '../../operators/detect/definition.js';
import { bytesOf } from '../../engine/state.js';
import isolationForest from '../../operators/isolation-forest/definition.js';
import { lessonOf, readModel, train } from '../../operators/isolation-forest/model.js';
import { loadGraph, registry } from '../millrace/graph.js';
import { inScratchFolder } from '../millrace/scratch-folder.js';
import { startRun } from '../millrace/start-run.js';
import { closeThreads } from '../millrace/threads.js';
import { alone } from './detectors.js';
import { OURS } from './expectations.js';
import type { CostFigure } from './figures.js';
import { OUR_FOREST } from './forest.js';

const SERIES = 100;
const ROWS = 5_000;
/** The last is the figure, when code is compiled. */
const JOBS = 2;

/** Of a series by itself: columns, history, and a forest with the bytes it is saved by. */
function bytesOfForest(): number {
  const config = isolationForest.config.parse({});
  const random = seeded(1);
  const { trees, sample, history, shingle, lags } = config;
  const { forest, bytes } = readModel(train(lessonOf({ seed: 1, trees, sample, members: [], shingles: { shingle, lags } }, Float64Array.from({ length: history }, random))));
  const parts = [forest.nodes, forest.lengths, forest.cuts, bytes];
  return bytesOf(isolationForest.state!(config, 0)) + 8 * history + parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Processor time that `detect`, and a forest for each series with all its training, need for a sample: of a graph with it, less that of the same graph without. */
export async function detectCosts(): Promise<CostFigure[]> {
  try {
    const without = await cpuOf(undefined);
    const figures: CostFigure[] = [];
    for (const { detector, config } of [{ detector: OURS, config: {} }, ...alone]) {
      const us = Math.max(0, ((await cpuOf(config)) - without) / (SERIES * ROWS));
      figures.push({ detector, us, on: `${SERIES} generated series`, bytes: bytesOf(detect.state!(detect.config.parse(config), 0)) });
    }
    const us = Math.max(0, ((await cpuOf({ type: 'isolation-forest' })) - without) / (SERIES * ROWS));
    figures.push({ detector: OUR_FOREST, us, on: `${SERIES} generated series`, bytes: bytesOfForest() });
    return figures;
  } finally {
    await closeThreads();
  }
}

/** µs of all threads. */
async function cpuOf(config: Readonly<Record<string, unknown>> | undefined): Promise<number> {
  let used = 0;
  for (let job = 0; job < JOBS; job++) {
    used = await inScratchFolder(async (folder) => {
      const graph = loadGraph('detect', { series: SERIES, count: SERIES * ROWS }, registry, (raw) => {
        if (config !== undefined) {
          Object.assign(raw.operators['odd']!, config);
          return;
        }
        raw.operators = {};
        raw.sinks['out']!.from = 'samples';
      });
      const { runtime, begin } = await startRun(graph, { threads: 1, folder });
      const before = process.cpuUsage();
      begin();
      await runtime.finished;
      const { user, system } = process.cpuUsage(before);
      return user + system;
    });
  }
  return used;
}
