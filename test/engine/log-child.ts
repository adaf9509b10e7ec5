// Appends records without end, several at once, until it is killed; says each sequence on its output once it is durable.
import { writeSync } from 'node:fs';
import { DiskLog } from '../../engine/disk-log.js';

const log = await DiskLog.open(process.argv[2]!, { limit: 1e9 });
for (;;) {
  await Promise.all(
    Array.from({ length: 5 }, async (_, i) => {
      const bytes = new TextEncoder().encode('r'.repeat(1 + i * 700));
      writeSync(1, `${await log.append(bytes)} ${bytes.length}\n`);
    }),
  );
}
