#!/usr/bin/env node
// npm test [-- part-of-a-path ...]: sets up what is missing, checks types, builds, lints, and runs the test files whose path has one
// of the parts, or all. The last line alone says how many checks passed, failed and were skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, isBuilt } from './build.mjs';
import { install } from './install.mjs';
import { root, runNode, tools } from './processes.mjs';
import { runTests } from './run-tests.mjs';

const say = (text) => console.log(text);
const counts = { passed: 0, failed: 0, skipped: 0 };

function finish() {
  say(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

function fail(reason) {
  say(reason);
  counts.failed += 1;
}

/** tap ships with a compiler plugged in; without it (.taprc) its test class must be generated once after each install. */
async function prepareTap() {
  const generated = join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js');
  if (existsSync(generated) && !readFileSync(generated, 'utf8').includes('@tapjs/typescript')) return true;
  say('Preparing tap (once after an install) ...');
  const { code, captured } = await runNode(tools.tap, ['build'], { stdio: ['ignore', 'pipe', 'pipe'] });
  if (code !== 0) say(captured);
  return code === 0;
}

async function lint() {
  const { code, captured } = await runNode(tools.oxlint, ['--type-aware'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return { ok: code === 0, captured };
}

// From the sources, so that what an earlier build left behind is never taken for a test.
function testFiles(parts) {
  return readdirSync(join(root, 'test'), { recursive: true })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.test.ts') && !path.includes('/node_modules/'))
    .filter((path) => parts.length === 0 || parts.some((part) => path.includes(part)));
}

async function test(parts) {
  if (!(await install({ tests: true, say }))) return fail('The packages could not be installed.');
  if (!(await prepareTap())) return fail('tap could not be prepared.');

  const linting = lint();
  let built = isBuilt('all');
  if (!built) {
    say('Checking types and building ...');
    built = await build({ scope: 'all', say });
    if (!built) fail('The build failed, so no test was run.');
  }
  const linted = await linting;
  if (!linted.ok) fail(`${linted.captured.trimEnd()}\nThe lint failed (npm run lint).`);
  else say('Linted.');
  if (!built) return;

  const files = testFiles(parts);
  if (files.length === 0) return say(`No test file has ${parts.join(' or ')} in its path.`);
  const { counts: found, failures } = await runTests(files, say);
  for (const name of Object.keys(counts)) counts[name] += found[name];
  for (const failure of failures) say(`\n${failure}`);
  if (failures.length > 0) say('');
}

try {
  await test(process.argv.slice(2));
} catch (error) {
  fail(error.stack);
}
finish();
