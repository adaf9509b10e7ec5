import { execFileSync } from 'node:child_process';
import t from 'tap';

/** What a batch of 1,024 rows may allocate, for views on its columns and on the messages that it becomes, a row. */
const BYTES_A_SAMPLE = 1;

t.test('no sample leaves garbage on the way through fused operators', async (t) => {
  const { NODE_OPTIONS: _, ...env } = process.env;
  // Nothing is collected while it runs: what the heap grew by is what was allocated.
  const flags = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];
  const told = execFileSync(process.execPath, [...flags, new URL('allocation-child.js', import.meta.url).pathname], { env, encoding: 'utf8' });
  const { samples, bytes } = JSON.parse(told) as { samples: number; bytes: number };
  t.ok(samples >= 10_000_000, `${samples} samples went through`);
  t.ok(bytes >= 0 && bytes < BYTES_A_SAMPLE * samples, `${bytes} bytes for ${samples} samples`);
});
