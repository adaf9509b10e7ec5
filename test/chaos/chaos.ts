import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../engine/clock.js';
import { until } from '../engine-process.js';
import { away, hurt, type Harm, type Victim } from './faults.js';
import { DISORDER_MS, Load } from './load.js';
import { LoadPublisher } from './publisher.js';
import { Endings, findingsStream, Stack, type Name } from './stack.js';
import { counts, differences, findingsIn, samplesOf, stored, without, type Stored } from './stored.js';

/** The last sample lies so far ahead, less than the engine takes for a wrong clock: it closes all windows and alerts. */
const AHEAD_MS = 50_000;
/** Nothing changes for so long: where both have as many rows, and where they have not. Rows wait in the spool of whoever reads quicker than QuestDB takes. */
const SETTLE_MS = 1_000;
const LATEST_MS = 60_000;
const DIFFERENT_SHOWN = 5;
/** Load before and after. */
const BEFORE_MS = 5_000;
/** Health is asked for so long before a store comes back. */
const ABOUT_MS = 1_000;
const SAMPLE_MS = 100;
const TELL_MS = 30_000;
/** The garbage of a run that lasts moves the memory by so much. */
const FLAT = 1.15;

export interface Outcome {
  /** Empty: identical. */
  readonly differences: readonly string[];
  /** Rows of each table of the run that was hurt. */
  readonly rows: Readonly<Record<string, number>>;
  readonly samples: number;
  /** How often what was done. */
  readonly faults: Readonly<Record<string, number>>;
}

/** Resolves when the tables of both runs have as many rows; or when nothing has come for so long that nothing will: the comparison tells what. */
async function settled(url: string): Promise<void> {
  let before = '';
  let changed = performance.now();
  await until(async () => {
    const [hurt, calm] = [await counts(url, 'hurt_'), await counts(url, 'calm_')];
    if (`${hurt} ${calm}` !== before) [before, changed] = [`${hurt} ${calm}`, performance.now()];
    const passed = performance.now() - changed;
    await sleep(SETTLE_MS / 10);
    return passed > (hurt === calm ? SETTLE_MS : LATEST_MS);
  });
}

export interface Given {
  readonly seed: number;
  /** Messages of the load. */
  readonly perSecond: number;
  /** So many messages at least, however slow the machine is; default: what is made while harm is done. */
  readonly messages?: number;
  readonly spool?: string;
  readonly say: (line: string) => void;
}

/**
 * Publishes a load to JetStream, through Millrace into QuestDB, while `harm` is done to all of them; then lets another Millrace read
 * the same stream undisturbed, and compares what the two have stored, and the samples with what was published.
 */
async function compare(
  { seed, perSecond, messages = 0, spool = '2GiB', say }: Given,
  harm: (stack: Stack, publisher: LoadPublisher) => Promise<Readonly<Record<string, number>>>,
): Promise<Outcome> {
  const endings = new Endings();
  try {
    const stack = await Stack.start(endings, spool);
    const load = new Load(seed);
    const publisher = new LoadPublisher(stack.nats.addresses['client']!, load, perSecond);
    stack.begin('hurt');
    const publishing = publisher.run();
    const faults = await harm(stack, publisher);
    while (load.messages < messages) await sleep(SAMPLE_MS);
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
    const url = stack.questdb.addresses['http']!;
    await settled(url);
    for (const name of ['hurt', 'calm'] as const) await stack.end(name, 'SIGTERM');
    const all = async (name: Name): Promise<Stored> => new Map([...(await stored(url, `${name}_`)), ['findings told', await findingsIn(stack.nats.addresses['client']!, findingsStream(name), `findings.${name}.`)]]);
    const [published, samples, kept] = [load.rows.toSorted(), await samplesOf(url, 'hurt_in'), await all('hurt')];
    const [lost, more] = [without(published, samples), without(samples, published)];
    const found = [
      ...stack.accidents,
      ...(lost.length + more.length === 0 ? [] : [`of the samples published ${lost.length} are missing (${lost.slice(0, DIFFERENT_SHOWN).join('; ')}), and ${more.length} others are there (${more.slice(0, DIFFERENT_SHOWN).join('; ')})`]),
      ...differences(kept, await all('calm'), DIFFERENT_SHOWN),
    ];
    return { differences: found, rows: Object.fromEntries([...kept].map(([name, rows]) => [name, rows.length])), samples: published.length, faults };
  } finally {
    await endings.end();
  }
}

/** Kills at random moments. One seed decides the load and the harm. */
export function kills(given: Given, harm: Harm): Promise<Outcome> {
  return compare(given, (stack, publisher) => hurt(stack, publisher, given, harm));
}

/** One of them is stopped for so long under load. What may wait for QuestDB on disk is bounded low: past it the stream must wait. */
export function stopped(given: Given, victim: Exclude<Victim, 'proxy'>, ms: number): Promise<Outcome> {
  return compare({ ...given, spool: '64MiB' }, async (stack, publisher) => {
    await sleep(BEFORE_MS);
    const gone = away(stack, publisher, victim, ms);
    if (victim === 'questdb') {
      await sleep(Math.max(0, ms - ABOUT_MS));
      given.say(`the store, before it comes back: ${await stack.storeHealth('hurt')}`);
    }
    await gone;
    await sleep(BEFORE_MS);
    return { [`${victim} away for ${ms / 1_000} s`]: 1 };
  });
}

/** The connection to QuestDB takes a tenth of what the load needs, for so long; what waits on disk is bounded low, so that the stream must wait. */
export function slowed(given: Given, ms: number): Promise<Outcome> {
  return compare({ ...given, spool: '64MiB' }, async (stack) => {
    const { questdb } = stack.proxies;
    // Not the first seconds, in which the series are new.
    await sleep(BEFORE_MS);
    const before = questdb.passed;
    await sleep(BEFORE_MS);
    const needed = ((questdb.passed - before) / BEFORE_MS) * 1_000;
    questdb.limit(needed / 10);
    given.say(`QuestDB gets ${Math.round(needed / 1_000)} kB a second; now ${Math.round(needed / 10_000)} kB a second at most, for ${ms / 1_000} s`);
    const halves = [0, 0];
    const began = performance.now();
    for (let told = 0, passed = 0; passed < ms; passed = performance.now() - began) {
      const half = passed < ms / 2 ? 0 : 1;
      halves[half] = Math.max(halves[half]!, stack.memory('hurt'));
      if (passed > told) {
        given.say(`${Math.round(passed / 1_000)} s: ${megabytes(stack.memory('hurt'))}; ${await stack.storeHealth('hurt')}`);
        told += TELL_MS;
      }
      await sleep(SAMPLE_MS);
    }
    questdb.limit(Infinity);
    given.say(`memory at most ${megabytes(halves[0]!)} in the first half of that time, ${megabytes(halves[1]!)} in the second`);
    if (halves[1]! > halves[0]! * FLAT) stack.accidents.push(`memory grew from ${megabytes(halves[0]!)} to ${megabytes(halves[1]!)}`);
    return { [`QuestDB at a tenth for ${ms / 1_000} s`]: 1 };
  });
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

