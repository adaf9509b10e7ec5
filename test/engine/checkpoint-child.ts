// Writes versions without end, until it is killed; says each on its output once it is committed.
import { writeSync } from 'node:fs';
import { CheckpointStore } from '../../engine/checkpoint-store.js';
import { writeVersion } from './checkpoint-fixture.js';

const store = await CheckpointStore.open(process.argv[2]!);
await store.latest();
for (;;) writeSync(1, `${await writeVersion(store)}\n`);
