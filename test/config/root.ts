import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Folder of the project: the tests run from a folder of compiled files inside it. */
export const root = find();

function find(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}
