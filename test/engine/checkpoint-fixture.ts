import type { CheckpointStore, CheckpointWriter } from '../../engine/checkpoint-store.js';
import { hash32, seeded } from '../../engine/random.js';

/** The bytes that chunk `name` of version `number` has: anyone can tell whether they are whole. */
export function chunkBytes(number: number, name: string): Uint8Array {
  const random = seeded(hash32(name, number));
  const bytes = new Uint8Array(Math.floor(random() * 20_000));
  for (let i = 0; i < bytes.length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** Writes the chunks of a version: 12 of its own, one new lasting one, and all lasting ones before. */
export async function writeChunks(writer: CheckpointWriter, lastingBefore: readonly number[]): Promise<void> {
  const { number } = writer;
  for (const each of lastingBefore) writer.carry(`series-${each}`);
  const names = Array.from({ length: 12 }, (_, i) => `state-${i}`);
  await Promise.all([writer.chunk(`series-${number}`, chunkBytes(number, `series-${number}`), { lasting: true }), ...names.map((name) => writer.chunk(name, chunkBytes(number, name)))]);
}

/** Writes a whole version on top of the newest; returns its number. */
export async function writeVersion(store: CheckpointStore): Promise<number> {
  const before = store.list().at(-1) as { number: number; content: { lasting: number[] } } | undefined;
  const number = (before?.number ?? 0) + 1;
  const lasting = before?.content.lasting ?? [];
  const writer = await store.begin(number);
  await writeChunks(writer, lasting);
  await writer.commit({ lasting: [...lasting, number] });
  return number;
}
