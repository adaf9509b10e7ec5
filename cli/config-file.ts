import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './package-root.js';

export const CONFIG_ARGUMENT = ['[config]', 'config file (default: millrace.yml or config/millrace.yml here, else the one that comes with Millrace)'] as const;

/** The config that is meant where none is named. */
export function configFile(named: string | undefined): string {
  if (named !== undefined) return named;
  const here = ['millrace.yml', 'config/millrace.yml'].find((file) => existsSync(file));
  return here ?? relative(process.cwd(), join(root, 'config/millrace.yml'));
}
