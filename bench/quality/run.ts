import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { calibrationFigures } from './calibration.js';
import { detectCosts } from './cost.js';
import { alone, judgeByDetect, judgeInPython, published } from './detectors.js';
import { OURS } from './expectations.js';
import { alarmFigure, eventFigure, forNothing, nabFigure, type Quality } from './figures.js';
import { forestFigures, OUR_FOREST } from './forest.js';
import { cleanFigures, injectedFigure } from './generated.js';
import { perturbedFigures } from './perturbed.js';
import { forestText, qualityMarkdown, qualityText } from './report.js';
import { readCloudMonitoring, readNab, setsMissing, type Series } from './sets.js';

const USAGE = `npm run quality [-- options]

Scores the shipped detect on public sets and generated series, beside published detectors and those of Python.

  --peers none         without those of Python, which pip must bring
  --only forest        the isolation forest alone, in seconds
  --json FILE          writes what was measured
  --write              renews bench/QUALITY.md`;

const say = (text: string): void => console.error(text);

async function measure(nab: readonly Series[], cloud: readonly Series[], python: boolean): Promise<Quality> {
  say('detect on the recorded series ...');
  const ours = { nab: await judgeByDetect(nab), cloud: await judgeByDetect(cloud) };
  const parts = [];
  for (const { detector, config } of alone) parts.push({ detector, nab: (await judgeByDetect(nab, config)).scores, cloud: (await judgeByDetect(cloud, config)).scores });
  parts.push({ detector: OUR_FOREST, nab: (await judgeByDetect(nab, {}, 'isolation-forest')).scores, cloud: (await judgeByDetect(cloud, {}, 'isolation-forest')).scores });
  const perturbed = await perturbedFigures(nab, cloud);
  say('detect on generated series ...');
  const clean = await cleanFigures();
  const injected = await injectedFigure();
  const calibration = await calibrationFigures();
  say('cost ...');
  const costs = await detectCosts();
  say('isolation forest ...');
  const forest = await forestFigures(python);
  const all = [...nab, ...cloud];
  if (python) say('river and scikit-learn ...');
  const peers = python ? await judgeInPython(all) : { absent: { engine: 'river, scikit-learn', reason: 'left out by --peers none' } };
  const detectors = 'absent' in peers ? [] : peers.detectors;
  return {
    measuredAt: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]!.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${process.platform} ${process.arch}, Node ${process.versions.node}`,
    nab: [
      nabFigure(OURS, nab, ours.nab.scores),
      ...parts.map(({ detector, nab: scores }) => nabFigure(detector, nab, scores)),
      ...published(nab).map(({ detector, scores }) => nabFigure(`${detector} (published)`, nab, scores)),
      ...detectors.map(({ detector, scores }) => nabFigure(detector, nab, scores.slice(0, nab.length))),
    ],
    events: [eventFigure(OURS, cloud, ours.cloud.scores), ...parts.map(({ detector, cloud: scores }) => eventFigure(detector, cloud, scores)), ...detectors.map(({ detector, scores }) => eventFigure(detector, cloud, scores.slice(nab.length)))],
    eventsForNothing: forNothing(cloud),
    perturbed,
    alarms: [alarmFigure('Numenta Anomaly Benchmark', nab, ours.nab.alarms), alarmFigure('Cloud monitoring', cloud, ours.cloud.alarms), injected],
    clean,
    calibration,
    costs: [...costs, ...detectors.map(({ detector, us, version }) => ({ detector, us, on: `the recorded series (${version})` }))],
    forest: forest.figures,
    absent: [...('absent' in peers ? [peers.absent] : []), ...forest.absent],
  };
}

class UsageError extends Error {}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      peers: { type: 'string', default: 'all' },
      only: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  if (values.peers !== 'all' && values.peers !== 'none') throw new UsageError(`--peers ${values.peers}: all or none is wanted`);
  if (values.only !== undefined && (values.only !== 'forest' || values.write)) throw new UsageError(values.only === 'forest' ? '--write needs all parts' : `--only ${values.only}: forest is wanted`);
  const missing = setsMissing();
  if (missing !== undefined) {
    console.error(missing);
    return 1;
  }
  if (values.only === 'forest') {
    const { figures, absent } = await forestFigures(values.peers === 'all');
    console.log([forestText(figures), ...absent.map(({ engine, reason }) => `Not measured: ${engine}: ${reason}`)].join('\n\n'));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`);
    return 0;
  }
  const [nab, cloud] = [readNab(), readCloudMonitoring()];
  const quality = await measure(nab, cloud, values.peers === 'all');
  console.log(qualityText(quality));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(quality, null, 1)}\n`);
  if (values.write) writeFileSync('bench/QUALITY.md', qualityMarkdown(quality, [...nab, ...cloud].map(({ name }) => name)));
  return 0;
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) throw error;
  console.error(`${(error as Error).message}\n\n${USAGE}`);
  process.exitCode = 2;
}
