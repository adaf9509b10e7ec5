import type { Engine } from '../../engine.js';
import { buildWithMaven } from '../jvm/maven.js';

let built: ReturnType<typeof buildWithMaven> | undefined;

/** The threads of Flink are its parallelism: with keyBy there are two tasks for each, one on either side of the exchange. */
const engine = (name: string, title: string, runs: Engine['runs']): Engine => ({
  name,
  title,
  toolchain: 'mvn',
  runs,
  async prepare(cache) {
    built ??= buildWithMaven('flink', cache);
    const jar = await built;
    return typeof jar === 'string' ? { command: 'java', args: ['-Xmx2g', '-jar', jar, name] } : jar;
  },
});

export const engines: readonly Engine[] = [
  engine('flink', 'Flink 2.3, local cluster: keyBy, event-time windows with an AggregateFunction, keyed state', {
    W1: { threads: [1, 2] },
    // A sample is in 60 windows, and each is a look-up in keyed state: some 30,000 samples/s.
    W2: { threads: [1], samples: 200_000 },
    W3: { threads: [1, 2] },
    W4: { threads: [1] },
  }),
  engine('flink-chained', 'Flink 2.3, local cluster: chained by hand, an operator over arrays beside its source, without keyBy', {
    W1: { threads: [1, 2] },
    W2: { threads: [1, 2] },
    W3: { threads: [1, 2] },
    W4: { threads: [1] },
  }),
];
