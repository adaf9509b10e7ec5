import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Time } from '../../engine/clock.js';
import { defineSource, type ConnectorContext, type Intake, type Position, type Reading, type Source } from '../../engine/connector.js';
import { seriesText } from '../../engine/series.js';
import { generateConfig, seriesOf, shapeOf, signalOf, START, type GenerateConfig } from './config.js';
import { LocalShape } from './local.js';
import type { Shape } from './shape.js';
import { SPEC_DISORDER_MS } from './spec.js';
import { TruthFile, type TruthPlace } from './truth.js';

/** Samples made at a time. */
const CHUNK = 1_024;

/** The longest wait for the clock: a clock that is set or simulated is noticed within it. */
const LONGEST_WAIT_MS = 1_000;

type Place = { readonly next: number; readonly began: Time; readonly truth: TruthPlace };

class GenerateSource implements Source {
  readonly #config: GenerateConfig;
  readonly #context: ConnectorContext;
  readonly #texts: readonly string[];
  readonly #own: Uint32Array;
  readonly #time = new Float64Array(CHUNK);
  readonly #value = new Float64Array(CHUNK);
  readonly #paced: boolean;
  #shape!: Shape;
  #truth: TruthFile | undefined;
  /** Number of the next sample. */
  #next = 0;
  /** When the first sample was due. */
  #began: Time = START;

  constructor(config: GenerateConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    this.#texts = seriesOf(config).map(({ name, labels }) => seriesText(name, labels));
    this.#own = Uint32Array.from(this.#texts.keys());
    this.#paced = config.rate !== undefined && !context.replay;
  }

  async open(from: Position | undefined): Promise<void> {
    const place = from as Place | undefined;
    this.#next = place?.next ?? 0;
    this.#began = place?.began ?? (this.#paced ? this.#context.clock.now() : START);
    this.#shape = shapeOf(this.#config, this.#began);
    if (this.#config.truth !== undefined) {
      const path = resolve(this.#context.base, this.#config.truth);
      this.#truth = await TruthFile.open(path, seriesOf(this.#config), signalOf(this.#config, this.#began), place?.truth ?? { length: 0, stretches: 0 });
    }
  }

  async read(into: Intake, limit: number, signal: AbortSignal): Promise<Reading> {
    const { series, count } = this.#shape;
    let room = Math.min(limit, count - this.#next, this.#paced ? await this.#due(signal) : Infinity);
    while (room > 0) {
      const step = Math.floor(this.#next / series);
      const from = this.#next - step * series;
      const to = Math.min(series, from + room, from + CHUNK);
      if (this.#truth !== undefined) await this.#truth.upTo(Math.floor((this.#shape.timeOf(step) - this.#shape.timeOf(0)) / this.#config.anomaly_every));
      this.#shape.fill(step, this.#own, from, to, this.#time, this.#value, 0);
      for (let i = 0; i < to - from; i++) into.add(this.#time[i]!, this.#texts[from + i]!, this.#value[i]!);
      this.#next += to - from;
      room -= to - from;
    }
    const position = { next: this.#next, began: this.#began, truth: this.#truth?.place ?? { length: 0, stretches: 0 } };
    return this.#next >= count ? { position, ended: true } : { position };
  }

  async close(): Promise<void> {
    await this.#truth?.close();
  }

  /** Samples that the clock asks for by now; waits for the first. After an outage all that were due come at once. */
  async #due(signal: AbortSignal): Promise<number> {
    const msEach = 1_000 / this.#config.rate!;
    while (!signal.aborted) {
      const due = Math.floor((this.#context.clock.now() - this.#began) / msEach) + 1 - this.#next;
      if (due > 0) return due;
      const wait = this.#began + this.#next * msEach - this.#context.clock.now();
      await sleep(Math.min(LONGEST_WAIT_MS, Math.max(1, Math.ceil(wait))), undefined, { signal }).catch(() => undefined);
    }
    return 0;
  }
}

export const generateSource = defineSource<GenerateConfig>({
  name: 'generate',
  summary: 'Makes metrics: seasons, trend and noise with injected anomalies, or the samples of the benchmarks.',
  description: `Each series has a level, a season, a trend and noise, and in every stretch of \`anomaly_every\` but the first one injected
anomaly: a spike, a shift of the level or a drop to nearly zero. \`truth\` gets a line for each one when its stretch begins:
\`{"series":"signal{key=\\"3\\"}","kind":"spike","from":"...","to":"...","size":26.4}\`; samples from \`from\` to \`to\`, both included, are anomalous.

The same config gives the same samples in every run and on any number of threads. With \`rate\` it is live: samples come as the clock asks for
them, and after a restart those that were missed come at once.

\`spec\` gives the samples of the comparison with other engines: of S series, sample i belongs to \`s{key="i mod S"}\`.
Without \`rate\` and \`truth\` it is read on the threads that own the series.`,
  config: generateConfig,
  examples: [
    { title: 'Twenty live series with an anomaly every ten minutes', yaml: 'sources:\n  demo: { type: generate, series: 20, rate: 20, season: 1h, anomaly_every: 10m, truth: data/truth.ndjson }' },
    { title: 'A week of hourly samples, at once', yaml: 'sources:\n  week: { type: generate, series: 5, interval: 1h, duration: 7d, trend: 3, anomaly_every: 1d }' },
    { title: 'A benchmark workload', yaml: 'sources:\n  w1: { type: generate, spec: W1, count: 2000000 }' },
  ],
  live: (config) => config.rate !== undefined,
  disorder: (config) => (config.spec === undefined ? 0 : SPEC_DISORDER_MS),
  create: (config, context) => new GenerateSource(config, context),
  local: (config) => (config.rate !== undefined || config.truth !== undefined ? undefined : new LocalShape(() => seriesOf(config), shapeOf(config, START))),
});
