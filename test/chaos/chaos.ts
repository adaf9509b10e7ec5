import { systemClock } from '../../engine/clock.js';
import { until } from '../engine-process.js';
import { hurt, type Harm } from './faults.js';
import { DISORDER_MS, Load } from './load.js';
import { LoadPublisher } from './publisher.js';
import { Endings, Stack } from './stack.js';
import { differences, samplesOf, stored, without, type Stored } from './stored.js';

/** The last sample lies so far ahead, less than the engine takes for a wrong clock: it closes all windows and alerts. */
const AHEAD_MS = 50_000;
/** What is on its way to QuestDB when both runs are through has come after so long, or never does. */
const LATEST_MS = 60_000;
const DIFFERENT_SHOWN = 5;

export interface Outcome {
  /** Empty: identical. */
  readonly differences: readonly string[];
  /** Rows of each table of the run that was hurt. */
  readonly rows: Readonly<Record<string, number>>;
  readonly samples: number;
  /** How often what was done. */
  readonly faults: Readonly<Record<string, number>>;
}

/**
 * Publishes a load to JetStream, through Millrace into QuestDB, while `harm` is done to all of them; then lets another Millrace read
 * the same stream undisturbed, and compares what the two have stored, and the samples with what was published.
 */
async function compare(seed: number, perSecond: number, harm: (stack: Stack, publisher: LoadPublisher, load: Load) => Promise<Readonly<Record<string, number>>>, say: (line: string) => void): Promise<Outcome> {
  const endings = new Endings();
  try {
    const stack = await Stack.start(endings);
    const load = new Load(seed);
    const publisher = new LoadPublisher(stack.nats.addresses['client']!, load, perSecond);
    stack.begin('hurt');
    const publishing = publisher.run();
    const faults = await harm(stack, publisher, load);
    publisher.stop();
    await publishing;
    const end = systemClock.now() + AHEAD_MS;
    await publisher.once(load.last(end));
    say(`${load.messages} messages published: waiting until all is through`);
    const passed = end - DISORDER_MS - 1_000;
    await stack.through('hurt', passed);
    say('reading the same stream undisturbed');
    stack.begin('calm');
    await stack.through('calm', passed);
    for (const name of ['hurt', 'calm'] as const) await stack.end(name, 'SIGTERM');
    const url = stack.questdb.addresses['http']!;
    const published = load.rows.toSorted();
    let found: readonly string[] = [];
    let tables: Stored = new Map();
    const latest = performance.now() + LATEST_MS;
    await until(async () => {
      tables = await stored(url, 'hurt_');
      const samples = await samplesOf(url, 'hurt_in');
      const [lost, more] = [without(published, samples), without(samples, published)];
      found = [
        ...stack.accidents,
        ...(lost.length + more.length === 0 ? [] : [`of the samples published ${lost.length} are missing (${lost.slice(0, DIFFERENT_SHOWN).join('; ')}), and ${more.length} others are there (${more.slice(0, DIFFERENT_SHOWN).join('; ')})`]),
        ...differences(tables, await stored(url, 'calm_'), DIFFERENT_SHOWN),
      ];
      return found.length === 0 || performance.now() > latest;
    });
    return { differences: found, rows: Object.fromEntries([...tables].map(([name, rows]) => [name, rows.length - 1])), samples: published.length, faults };
  } finally {
    await endings.end();
  }
}

/** Kills at random moments. One seed decides the load and the harm. */
export function kills(harm: Harm, perSecond: number, say: (line: string) => void): Promise<Outcome> {
  return compare(harm.seed, perSecond, (stack, publisher) => hurt(stack, publisher, harm, say), say);
}
