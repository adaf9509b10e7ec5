import type { Engine } from '../../engine.js';
import { buildWithMaven } from '../jvm/maven.js';

/** What Hazelcast asks for on a Java with modules; it says so in a warning without them. */
const MODULES = [
  ...['--add-modules', 'java.se'],
  ...['--add-exports', 'java.base/jdk.internal.ref=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/java.lang=ALL-UNNAMED'],
  ...['--add-opens', 'java.base/sun.nio.ch=ALL-UNNAMED'],
  ...['--add-opens', 'java.management/sun.management=ALL-UNNAMED'],
  ...['--add-opens', 'jdk.management/com.sun.management.internal=ALL-UNNAMED'],
];

export const engines: readonly Engine[] = [
  {
    name: 'jet',
    title: 'Hazelcast Jet 5.7, embedded: its Core API, sliding-window processors and mapStateful; threads are cooperative threads',
    toolchain: 'mvn',
    runs: {
      W1: { threads: [1, 2] },
      W2: { threads: [1, 2] },
      W3: { threads: [1, 2] },
      W4: { threads: [2] },
    },
    async prepare(cache) {
      const jar = await buildWithMaven('jet', cache);
      return typeof jar === 'string' ? { command: 'java', args: ['-Xmx2g', ...MODULES, '-jar', jar] } : jar;
    },
  },
];
