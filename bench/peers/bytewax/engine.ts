import type { Engine } from '../../engine.js';
import { pythonProgram } from '../python.js';

export const engines: readonly Engine[] = [
  {
    name: 'bytewax',
    title: 'Bytewax (Python): fold_window with an event clock, stateful_batch, as in its manual; workers are threads',
    runs: {
      W1: { threads: [1, 2], samples: 1_000_000 },
      // Every sample is in 60 windows, each folded by itself.
      W2: { threads: [1], samples: 100_000 },
      W3: { threads: [1, 2], samples: 5_000_000 },
    },
    toolchain: 'python3',
    prepare: (cache) => pythonProgram('bytewax', cache),
  },
];
