import { execFileSync } from 'node:child_process';
import t from 'tap';

/**
 * The smallest object has 16 bytes, so one for each sample would be four times that. Half a byte is what batches of 1,024 rows
 * need for views on columns and messages; where the compiler keeps a number of a result (one in ten samples) in a box, 1.4.
 */
const BYTES_A_SAMPLE = 4;

t.test('no sample leaves garbage on the way through fused operators', async (t) => {
  // Nothing is collected while it runs: what the heap grew by is what was allocated.
  const flags = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];
  const told = execFileSync(process.execPath, [...flags, new URL('allocation-child.js', import.meta.url).pathname], { encoding: 'utf8' });
  const { samples, bytes } = JSON.parse(told) as { samples: number; bytes: number };
  t.ok(samples >= 10_000_000, `${samples} samples went through`);
  t.ok(bytes >= 0 && bytes < BYTES_A_SAMPLE * samples, `${bytes} bytes for ${samples} samples`);
});
