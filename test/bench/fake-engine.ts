import { writeSync } from 'node:fs';

/** Stands in for an engine: `fake-engine.js BEHAVIOUR WORKLOAD --samples N --series S --threads T --jobs J`. */
const [behaviour, workload, , samples, , series, , threads, , jobs] = process.argv.slice(2);

const outcome = {
  workload,
  engine: 'fake',
  threads: Number(threads),
  samples: Number(samples),
  seconds: 0.5,
  first_result_at: performance.timeOrigin + performance.now(),
  check: { results: Number(series), counts: Number(samples) } as Record<string, number>,
  versions: { fake: '1.0' },
};
const tell = (further: object = {}): void => {
  writeSync(1, `${JSON.stringify({ ...outcome, ...further })}\n`);
};

for (let job = 1; job <= Number(jobs); job++) {
  switch (behaviour) {
    case 'good':
      tell({ seconds: 1 / job });
      break;
    case 'unhurried':
      tell({ seconds: 10 });
      break;
    case 'wrong':
      tell({ check: { ...outcome.check, counts: Number(samples) * 1.00001 } });
      break;
    case 'unsteady':
      tell({ check: { ...outcome.check, counts: Number(samples) + job } });
      break;
    case 'no-number':
      tell({ check: { ...outcome.check, counts: NaN } });
      break;
    case 'crash':
      if (job === 1) tell();
      else throw new Error('the bearings ran dry');
      break;
    case 'garbage':
      writeSync(1, 'ready when you are\n');
      break;
    case 'no-outcome':
      tell({ seconds: 'fast' });
      break;
    case 'other-workload':
      tell({ workload: 'W9' });
      break;
    case 'too-few':
      if (job === 1) tell();
      break;
    case 'slow':
      setTimeout(tell, 60_000);
      break;
    case 'busy': {
      // A quarter of a second of one processor, and some memory, in the last job alone; it begins when the outcome of the one before has been heard, on a busy machine too.
      if (job === Number(jobs)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      const held: Float64Array[] = [];
      for (const until = process.cpuUsage().user + 250_000; job === Number(jobs) && process.cpuUsage().user < until; ) {
        for (let i = 0; i < 1e6; i++) Math.sqrt(i);
        if (held.length < 50) held.push(new Float64Array(131_072).fill(job));
      }
      tell();
      break;
    }
    default:
      throw new Error(`no behaviour ${behaviour}`);
  }
}
