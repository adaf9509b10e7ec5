import { z } from 'zod';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineSource, type ConnectorContext, type Intake, type Reading, type Source } from '../../engine/connector.js';
import { duration } from '../../engine/scalars.js';
import { Deferred } from '../../engine/deferred.js';

const config = z.strictObject({
  channels: z.number().int().min(1).describe('number of series, `beat{channel="0"}`, `beat{channel="1"}`, ...'),
  every: duration({ min: '1ms' }).describe('time between two samples of a series; those of different series are spread over it evenly'),
  count: z.number().int().min(1).describe('samples in all'),
});
type Config = z.output<typeof config>;

/** The monotonic clock of the machine, ms: the same in all of its processes. */
export const machineClock = (): number => Number(process.hrtime.bigint()) / 1e6;

const LONG_MS = 60_000;

let started = new Deferred<void>();

/** The source of the run that is started next waits for the function that is returned. */
export function holdBeats(): () => void {
  started = new Deferred();
  return started.resolve;
}

/** Of each sample the value is the moment at which it was sent. One at a time, so that none waits for another. */
class Beats implements Source {
  readonly #config: Config;
  readonly #context: ConnectorContext;
  readonly #started = started.promise;
  #next = 0;
  #began: number | undefined;

  constructor(settings: Config, context: ConnectorContext) {
    this.#config = settings;
    this.#context = context;
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async read(into: Intake, _limit: number, signal: AbortSignal): Promise<Reading> {
    const { channels, every, count } = this.#config;
    await this.#started;
    this.#began ??= machineClock();
    // After the last one it is silent: who listens has all of them before the graph is closed.
    const wait = this.#next === count ? LONG_MS : this.#began + (this.#next * every) / channels - machineClock();
    if (wait > 0) await sleep(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted || this.#next === count) return { position: null };
    into.add(this.#context.clock.now(), `beat{channel="${this.#next % channels}"}`, machineClock());
    this.#next += 1;
    return { position: null };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export const beatSource = defineSource<Config>({
  name: 'beat',
  summary: 'Samples by the clock that say when they were sent',
  description: 'Workload W7 of the benchmarks.',
  config,
  examples: [],
  live: () => true,
  disorder: () => 0,
  create: (settings, context) => new Beats(settings, context),
});
