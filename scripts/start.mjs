#!/usr/bin/env node
// npm start [-- graph.yml] [options]: installs and builds what is missing, then becomes the engine. In this one process,
// because npm and npx hand a signal only to the process that they started themselves.

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Millrace needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a newer one from your system or nodejs.org.\n`);
  process.exit(1);
}

// On stderr: stdout belongs to the engine's log, which may be piped into a reader of JSON.
const say = (text) => process.stderr.write(`${text}\n`);

// Imported only now: an old Node.js would stop at their syntax before it could say the sentence above.
const { install } = await import('./install.mjs');
const { build, isBuilt } = await import('./build.mjs');

async function prepare() {
  if (!(await install({ tests: false, say, stdio: ['ignore', 2, 2] }))) return false;
  if (isBuilt('app')) return true;
  say('Building ...');
  return build({ scope: 'app', say });
}

if (await prepare()) {
  const path = await import('node:path');
  const { root } = await import('./processes.mjs');
  const { main } = await import('../build/cli/main.js');
  const args = process.argv.slice(2);
  const graph = args[0] && !args[0].startsWith('-') ? args.shift() : path.relative(process.cwd(), `${root}config/millrace.yml`);
  process.exitCode = await main(['run', graph, ...args]);
} else {
  process.exitCode = 1;
}
