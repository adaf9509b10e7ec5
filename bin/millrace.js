#!/usr/bin/env node
// Lies outside build/ so that it keeps its executable bit and its address when build/ is made anew.
import { existsSync } from 'node:fs';

const main = new URL('../build/cli/main.js', import.meta.url);

if (existsSync(main)) {
  const cli = await import(main.href);
  process.exitCode = await cli.main(process.argv.slice(2));
} else {
  process.stderr.write('millrace is not built yet: run "npm run build" in its folder, or "npm start".\n');
  process.exitCode = 1;
}
