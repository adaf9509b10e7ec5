import { seeded } from '../../engine/random.js';
import type { AnyOperator } from '../../engine/operator.js';
import { bytesOf } from '../../engine/state.js';
import density from '../../operators/density/definition.js';
import detect from '../../operators/detect/definition.js';
import discord from '../../operators/discord/definition.js';
import isolationForest from '../../operators/isolation-forest/definition.js';
import { lessonOf, readModel, train } from '../../operators/isolation-forest/model.js';
import peers from '../../operators/peers/definition.js';
import presence from '../../operators/presence/definition.js';
import shifts from '../../operators/shifts/definition.js';
import { loadGraph, registry } from '../millrace/graph.js';
import { inScratchFolder } from '../millrace/scratch-folder.js';
import { startRun } from '../millrace/start-run.js';
import { closeThreads } from '../millrace/threads.js';
import { alone } from './detectors.js';
import { OURS } from './expectations.js';
import type { CostFigure } from './figures.js';
import { OUR_FOREST } from './forest.js';

/** A run of so many series with so many rows each, one job after the other: the last is the figure, when code is compiled. */
interface Load {
  readonly series: number;
  readonly rows: number;
  readonly jobs: number;
}
const FEW: Load = { series: 100, rows: 5_000, jobs: 2 };
/** What no cache holds. */
const MANY: Load = { series: 1_000_000, rows: 20, jobs: 1 };

/** Of a series by itself: columns, history, and a forest with the bytes it is saved by. */
function bytesOfForest(): number {
  const config = isolationForest.config.parse({});
  const random = seeded(1);
  const { trees, sample, history, shingle, lags } = config;
  const { forest, bytes } = readModel(train(lessonOf({ seed: 1, trees, sample, members: [], shingles: { shingle, lags } }, Float64Array.from({ length: history }, random))));
  const parts = [forest.nodes, forest.lengths, forest.cuts, bytes];
  return bytesOf(isolationForest.state!(config, 0)) + 8 * history + parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** The rest of the family. The series are one fleet, and each sample has a window of its own. */
const others: readonly { readonly definition: AnyOperator; readonly config: Readonly<Record<string, unknown>> }[] = [
  { definition: peers, config: { across: ['key'] } },
  { definition: shifts, config: {} },
  { definition: presence, config: {} },
  { definition: discord, config: {} },
  { definition: density, config: {} },
];

/** Processor time that `detect` and others of its family, and a forest for each series with all its training, need for a sample: of a graph with it, less that of the same graph without. */
export async function detectCosts(): Promise<CostFigure[]> {
  try {
    const without = await cpuOf(undefined, FEW);
    const figures: CostFigure[] = [];
    for (const { detector, config } of [{ detector: OURS, config: {} }, ...alone]) {
      const us = Math.max(0, ((await cpuOf(config, FEW)) - without) / (FEW.series * FEW.rows));
      figures.push({ detector, us, on: named(FEW), bytes: bytesOf(detect.state!(detect.config.parse(config), 0)) });
    }
    const us = Math.max(0, ((await cpuOf({ type: 'isolation-forest' }, FEW)) - without) / (FEW.series * FEW.rows));
    figures.push({ detector: OUR_FOREST, us, on: named(FEW), bytes: bytesOfForest() });
    for (const { definition, config } of others) {
      const us = Math.max(0, ((await cpuOf({ type: definition.name, ...config }, FEW)) - without) / (FEW.series * FEW.rows));
      figures.push({ detector: `millrace ${definition.name}`, us, on: named(FEW), bytes: bytesOf(definition.state!(definition.config.parse(config), 0)) });
    }
    // Judged from their tenth row on, as there are not many more.
    const many = ((await cpuOf({ warmup: 10 }, MANY)) - (await cpuOf(undefined, MANY))) / (MANY.series * MANY.rows);
    figures.push({ detector: OURS, us: Math.max(0, many), on: named(MANY) });
    return figures;
  } finally {
    await closeThreads();
  }
}

function named({ series }: Load): string {
  return `${series.toLocaleString('en-US')} generated series`;
}

/** µs of all threads. */
async function cpuOf(config: Readonly<Record<string, unknown>> | undefined, { series, rows, jobs }: Load): Promise<number> {
  let used = 0;
  for (let job = 0; job < jobs; job++) {
    used = await inScratchFolder(async (folder) => {
      const graph = loadGraph('detect', { series, count: series * rows }, registry, (raw) => {
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
