import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../engine/random.js';
import { until } from '../engine-process.js';
import type { FaultProxy } from '../services/fault-proxy.js';
import type { LoadPublisher } from './publisher.js';
import type { Stack } from './stack.js';

export const victims = ['millrace', 'nats', 'questdb', 'proxy'] as const;
export type Victim = (typeof victims)[number];

/** How often each is chosen, in parts. A server takes longer to come back. */
const WEIGHTS: Readonly<Record<Victim, number>> = { millrace: 12, nats: 3, questdb: 2, proxy: 5 };
/** A server that was killed is away for so long before it is started again, at random. */
const DOWN_MS = 1_500;
/** Longer than what clients wait before they give up a connection that hears nothing. */
const SILENT_MS = 4_000;
const TELL_EVERY = 20;
/** The server that each proxy stands before. */
const SERVERS = ['nats', 'questdb'] as const;

export interface Harm {
  /** Processes to kill; connections to break where only those may be. */
  readonly kills: number;
  readonly only: ReadonlySet<Victim>;
  /** Between two faults, ms: at random up to this. */
  readonly gapMs: number;
}

/**
 * Hurts a stack by the decisions of one seed, until so many processes were killed (or, where none may be, so many connections were
 * broken). What takes long goes on beside the next fault; nothing is hurt that is not whole again.
 */
export async function hurt(stack: Stack, publisher: LoadPublisher, { seed, say }: { readonly seed: number; readonly say: (line: string) => void }, { kills, only, gapMs }: Harm): Promise<Readonly<Record<string, number>>> {
  const random = seeded(seed);
  const counts: Record<string, number> = {};
  let killed = 0;
  const busy = new Map<string, Promise<void>>();
  const chosen = victims.filter((victim) => only.has(victim));
  const act = async (what: string, place: string, work: () => Promise<void>): Promise<void> => {
    await busy.get(place);
    counts[what] = (counts[what] ?? 0) + 1;
    busy.set(place, work());
  };
  const processes = chosen.some((victim) => victim !== 'proxy');
  for (let n = 0; (processes ? killed : n) < kills; n++) {
    await sleep(random() * gapMs);
    if (stack.accidents.length > 0) break;
    const victim = weighted(chosen, random());
    // Decided before anything is waited for: the same seed decides the same, however long things take.
    const draws = Array.from({ length: 4 }, () => random());
    if (victim === 'millrace') await act('kill millrace', victim, () => killMillrace(stack));
    else if (victim === 'nats') await act('kill nats', victim, () => killNats(stack, publisher, draws[0]! * DOWN_MS));
    else if (victim === 'questdb') await act('kill questdb', victim, () => killQuestdb(stack, draws[0]! * DOWN_MS));
    else {
      const server = SERVERS[Math.floor(draws[0]! * SERVERS.length)]!;
      const what = Math.floor(draws[1]! * connectionFaults.length);
      await act(`${connectionFaults[what]!.name} ${server}`, server, () => connectionFaults[what]!(stack.proxies[server], draws[2]!, draws[3]!));
    }
    if (victim !== 'proxy') killed += 1;
    if (victim !== 'proxy' && killed % TELL_EVERY === 0) say(`${killed} kills`);
  }
  await Promise.all(busy.values());
  return counts;
}

function weighted(among: readonly Victim[], draw: number): Victim {
  let left = draw * among.reduce((sum, victim) => sum + WEIGHTS[victim], 0);
  for (const victim of among) if ((left -= WEIGHTS[victim]) < 0) return victim;
  return among.at(-1)!;
}

/** It is started again at once, and may be killed again before it is up. */
async function killMillrace(stack: Stack): Promise<void> {
  await stack.end('hurt', 'SIGKILL');
  stack.begin('hurt');
}

/**
 * Nobody else is let in before the publisher has sent again what had no answer: a source that hears an idle stream lets time go on, and
 * what comes after that is late.
 */
async function killNats(stack: Stack, publisher: LoadPublisher, downMs: number): Promise<void> {
  stack.proxies.nats.refuse();
  await stack.nats.kill();
  const { rounds } = publisher;
  await sleep(downMs);
  await stack.nats.restart();
  await until(() => publisher.rounds > rounds);
  await stack.proxies.nats.accept();
}

async function killQuestdb(stack: Stack, downMs: number): Promise<void> {
  await stack.questdb.kill();
  await sleep(downMs);
  await stack.questdb.restart();
}

/** Stops one in order and starts it again after a while. */
export async function away(stack: Stack, publisher: LoadPublisher, victim: Exclude<Victim, 'proxy'>, ms: number): Promise<void> {
  if (victim === 'nats') return killNats(stack, publisher, ms);
  if (victim === 'millrace') await stack.end('hurt', 'SIGTERM');
  else await stack.questdb.stop();
  await sleep(ms);
  if (victim === 'millrace') stack.begin('hurt');
  else await stack.questdb.restart();
}

/** What is done to the connections of a server; `draw` and `other` from 0 to 1 decide how. */
const connectionFaults: readonly ((proxy: FaultProxy, draw: number, other: number) => Promise<void>)[] = [
  async function cut(proxy) {
    proxy.cut();
    await Promise.resolve();
  },
  async function cutInFrame(proxy, draw, other) {
    proxy.cutAfter(Math.floor(draw ** 3 * 100_000), other < 0.5 ? 'up' : 'down');
    await Promise.resolve();
  },
  async function stall(proxy, draw) {
    proxy.stall();
    await sleep(draw * SILENT_MS);
    proxy.resume();
  },
  async function slow(proxy, draw, other) {
    proxy.delay(1 + draw * 20);
    await sleep(other * SILENT_MS);
    proxy.delay(0);
  },
  async function silence(proxy, draw) {
    proxy.halfOpen();
    await sleep(draw * SILENT_MS);
    proxy.cut();
  },
  async function refuse(proxy, draw) {
    proxy.refuse();
    proxy.cut();
    await sleep(draw * SILENT_MS);
    await proxy.accept();
  },
];
