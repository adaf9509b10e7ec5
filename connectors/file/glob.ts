import { readdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';

const MAGIC = /[*?]/;

/** Whether a path is a pattern: `*` and `?` match within a name, `**` any number of folders. */
export function isGlob(path: string): boolean {
  return MAGIC.test(path);
}

/**
 * The files that a path or pattern names, in code unit order. A plain path is given back as it is,
 * whether it exists or not. Names that begin with a dot match only a pattern that begins with one.
 */
export async function expandGlob(pattern: string): Promise<string[]> {
  if (!isGlob(pattern)) return [pattern];
  const parts = pattern.split(sep === '\\' ? /[\\/]/ : '/');
  const firstMagic = parts.findIndex((part) => MAGIC.test(part));
  const root = parts.slice(0, firstMagic).join(sep) || (isAbsolute(pattern) ? sep : '.');
  const found = new Set<string>();
  await walk(root, parts.slice(firstMagic), found);
  return [...found].sort();
}

async function walk(folder: string, parts: readonly string[], found: Set<string>): Promise<void> {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part === '**') {
    // `**` is no folder at all, or one and then `**` again; at the end it is every file below.
    await walk(folder, rest.length === 0 ? ['*'] : rest, found);
    for (const name of await folders(folder)) if (!name.startsWith('.')) await walk(join(folder, name), parts, found);
    return;
  }
  const match = matcher(part);
  const candidates = MAGIC.test(part) ? (await names(folder)).filter((name) => match.test(name) && (part.startsWith('.') || !name.startsWith('.'))) : [part];
  for (const name of candidates) {
    const path = join(folder, name);
    const is = await kind(path);
    if (rest.length === 0 && is === 'file') found.add(path);
    else if (rest.length > 0 && is === 'folder') await walk(path, rest, found);
  }
}

function matcher(part: string): RegExp {
  return new RegExp(`^${part.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll(/\*+/g, '.*').replaceAll('?', '.')}$`, 's');
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}

/** Links are left out: they may lead round in a circle. */
async function folders(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}

async function kind(path: string): Promise<'file' | 'folder' | 'other'> {
  try {
    const found = await stat(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
  } catch {
    return 'other';
  }
}

/** Files beside `path`, itself left out: where a rotated file may have gone. */
export async function beside(path: string): Promise<string[]> {
  const folder = dirname(path);
  return (await names(folder)).map((name) => join(folder, name)).filter((other) => other !== path);
}
