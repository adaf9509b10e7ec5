import { NodeError } from '../../engine/node-error.js';
import type { AnyOperator } from '../../engine/operator.js';
import type { Platform } from '../../engine/platform.js';
import type { AnySource } from '../../engine/connector.js';
import { Shard, type Report } from '../../engine/shard.js';
import type { Threads } from '../../engine/shard-threads.js';
import type { Trainer } from '../../engine/training-thread.js';
import type { Disk } from './disk.js';
import type { Latency, Life, Scheduler } from './scheduler.js';

/** How quick everything is: drawn by the seed, so that each is the bottleneck at times. */
export interface Pace {
  readonly turn: Latency;
  /** By shard. */
  readonly shards: readonly Latency[];
  readonly wake: Latency;
  readonly report: Latency;
  readonly training: Latency;
}

export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly life: Life;
  readonly disk: Disk;
  readonly pace: Pace;
  readonly operators: readonly AnyOperator[];
  readonly sources: readonly AnySource[];
  /** Whether the training thread ever answers this. */
  readonly answers: (input: Uint8Array) => boolean;
  /** A shard crashes, now. */
  readonly breaks: () => boolean;
}

/** What the engine takes from its process, given by the scheduler: its shards are turned there instead of by threads. */
export function simulatedPlatform(surroundings: Surroundings): Platform {
  const { scheduler, life, disk, pace } = surroundings;
  return {
    timers: {
      after: (ms, act) => scheduler.after(life, ms, act),
      turn: () => scheduler.later(life, scheduler.draw(pace.turn), () => {}),
      waitAsync(words, index, seen, ms) {
        if (words[index] !== seen) return { async: false };
        return { async: true, value: new Promise<void>((resolve) => scheduler.sleep(life, words, index, seen, ms, pace.wake, resolve)) };
      },
    },
    files: disk.files(life),
    openControl: () => scheduler.later(life, 0, () => disk.control(life)),
    shards: () => simulatedThreads(surroundings),
    trainer: () => simulatedTrainer(surroundings),
  };
}

function simulatedThreads({ scheduler, life, pace, operators, sources, breaks }: Surroundings): Threads {
  return {
    start(tasks, hear, fail) {
      let up = 0;
      let ready = (): void => {};
      const isReady = new Promise<void>((resolve) => (ready = resolve));
      const returned = tasks.map(
        ({ start }) =>
          new Promise<void>((resolve) => {
            const latency = pace.shards[start.shard % pace.shards.length]!;
            // Reports of a shard come in order.
            let heard = 0;
            const report = (message: Report): void => {
              const copy = structuredClone(message);
              heard = Math.max(heard, scheduler.now + scheduler.draw(pace.report));
              scheduler.after(life, heard - scheduler.now, () => {
                if (copy.type !== 'ready') return hear(copy);
                up += 1;
                if (up === tasks.length) ready();
              });
            };
            const guarded = (act: () => void): void => {
              try {
                act();
              } catch (error) {
                resolve();
                ready();
                const { node } = error as NodeError;
                fail(error instanceof NodeError ? Object.assign(new Error(error.message), { node }) : (error as Error));
              }
            };
            const words = new Int32Array(start.memory.signals[start.shard]!);
            const turn = (shard: Shard): void => {
              if (breaks()) throw new Error(`shard ${start.shard} crashes`);
              for (let burst = scheduler.between(1, 6); burst > 0; burst--) {
                const seen = words[0]!;
                if (shard.turn() === 'worked') continue;
                if (shard.stopped) return resolve();
                const again = (): void => guarded(() => turn(shard));
                if (words[0] !== seen) scheduler.after(life, scheduler.draw(latency), again);
                else scheduler.sleep(life, words, 0, seen, SLEEP_MS, latency, again);
                return;
              }
              if (scheduler.chance(0.2)) shard.flush();
              scheduler.after(life, scheduler.draw(latency), () => guarded(() => turn(shard)));
            };
            scheduler.after(life, scheduler.draw(latency), () =>
              guarded(() => {
                const shard = new Shard({ ...start, names: structuredClone(start.names), saved: structuredClone(start.saved) }, operators, sources, report);
                report({ type: 'ready' });
                turn(shard);
              }),
            );
          }),
      );
      return { ready: isReady, returned: async () => void (await Promise.all(returned)) };
    },
    close: () => Promise.resolve(),
  };
}

/** One task after the other. */
function simulatedTrainer({ scheduler, life, pace, operators, answers }: Surroundings): Trainer {
  let free = 0;
  let closed = false;
  return {
    run({ type, task, input }) {
      const copy = input.slice();
      if (!answers(copy)) return new Promise(() => {});
      free = Math.max(free, scheduler.now) + scheduler.draw(pace.training);
      return scheduler.later(life, free - scheduler.now, () => {
        if (closed) throw new Error('the training thread is ended');
        return operators.find((d) => d.name === type)!.tasks![task]!(copy);
      });
    },
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

/** As a sleeping shard's in the engine. */
const SLEEP_MS = 1_000;
