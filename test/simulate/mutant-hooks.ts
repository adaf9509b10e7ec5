// Hooks for the module loader: what is imported with `?mutant=NAME`, and all that it imports from here, is another copy of the build with that fault in it.
import type { LoadHook, ResolveHook } from 'node:module';
import { mutants } from './mutants.js';

const root = new URL('../../', import.meta.url).href;

const nameIn = (url: string | undefined): string | null => (url?.startsWith(root) === true ? new URL(url).searchParams.get('mutant') : null);

export const resolve: ResolveHook = async (specifier, context, next) => {
  const resolved = await next(specifier, context);
  const name = nameIn(context.parentURL);
  if (name === null || !resolved.url.startsWith(root) || nameIn(resolved.url) !== null) return resolved;
  return { ...resolved, url: `${resolved.url}?mutant=${name}` };
};

export const load: LoadHook = async (url, context, next) => {
  const loaded = await next(url, context);
  const name = nameIn(url);
  const mutant = mutants.find((each) => each.name === name);
  if (mutant === undefined || !url.startsWith(`${root}${mutant.file}?`)) return loaded;
  const source = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
  const parts = source.split(mutant.text);
  if (parts.length !== 2) throw new Error(`the mutant ${mutant.name} needs a text that stands once in ${mutant.file}, and it stands there ${parts.length - 1} times: ${mutant.text}`);
  return { ...loaded, source: parts.join(mutant.instead) };
};
