import { join } from 'node:path';
import { build } from 'vite';
import { root } from '../config/root.js';

/** A module of the page, bundled as the browser gets it: the compiler of the tests does not know the page's files. */
export async function load(path: string): Promise<unknown> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    root: join(root, 'dashboard'),
    publicDir: false,
    build: { write: false, minify: false, lib: { entry: join(root, 'dashboard', path), formats: ['es'] } },
  });
  const [result] = Array.isArray(built) ? built : [built];
  if (result === undefined || !('output' in result)) throw new Error(`${path} was not bundled`);
  return import(`data:text/javascript,${encodeURIComponent(result.output[0].code)}`);
}
