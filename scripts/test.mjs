#!/usr/bin/env node
// npm test [-- part-of-a-path ...]: sets up what is missing, checks types, builds, lints, and runs the test files whose path has one
// of the parts, or all. The last line alone says how many checks passed, failed and were skipped.
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, openSync, closeSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { build, isBuilt } from './build.mjs';
import { install } from './install.mjs';
import { root, runNode, tools } from './processes.mjs';

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
    .filter((path) => parts.length === 0 || parts.some((part) => path.includes(part)))
    .toSorted();
}

const compiled = (path) => `build/${path.replace(/\.ts$/, '.js')}`;
const sourceOf = (path) => path.replace(/^build\//, '').replace(/\.js$/, '.ts');

// How tap excuses a file without checks.
const noTests = 'no tests found';

function describeFailure(trail, { name, skip, diag, tapError }, stringify) {
  const lines = [`--- ${[...trail, trail.length === 0 ? sourceOf(name) : name].filter(Boolean).join(' > ')}`];
  if (skip === noTests) lines.push('It has no checks.');
  if (tapError) lines.push(String(tapError));
  if (diag) {
    // How the process was started tells nothing about why a check failed.
    const { stdio, cwd, externalID, jobId, command, args, at, compare, ...rest } = diag;
    if (at?.fileName) lines.push(`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`);
    if (Object.keys(rest).length > 0) lines.push(stringify(rest, { lineWidth: 0 }).trimEnd());
  }
  return lines.join('\n');
}

/** Runs tap on the files and follows what it says, file by file; resolves with the failures, described. */
async function runTests(files) {
  // Found only now: a fresh clone had no packages when this file was loaded.
  const fromTests = createRequire(join(root, 'test/package.json'));
  const { Parser } = fromTests('tap-parser');
  const { stringify } = createRequire(import.meta.url)('yaml');

  const failures = [];
  const reported = new Set();
  const tally = { passed: 0, failed: 0, skipped: 0 };

  function watch(parser, trail) {
    let before = { ...tally };
    parser.on('child', (child) => {
      before = { ...tally };
      watch(child, [...trail, trail.length === 0 ? sourceOf(child.name) : child.name]);
    });
    parser.on('bailout', (reason) => {
      if (trail.length === 0) failures.push(`--- bailed out: ${reason}`);
    });
    parser.on('assert', (result) => {
      const failed = () => {
        tally.failed += 1;
        failures.push(describeFailure(trail, result, stringify));
      };
      if (!result.closingTestPoint) {
        if (result.skip || result.todo) tally.skipped += 1;
        else if (result.ok) tally.passed += 1;
        else failed();
      } else if (tally.passed + tally.failed + tally.skipped === before.passed + before.failed + before.skipped) {
        // Nothing inside: skipped as a whole; or a test that only had to end; or a file that forgot to test.
        if ((result.skip && result.skip !== noTests) || result.todo) tally.skipped += 1;
        else if (result.ok && trail.length > 0) tally.passed += 1;
        else failed();
      } else if (!result.ok && tally.failed === before.failed) {
        // What is inside is counted already and fine: it failed by itself, by a time-out, an exit or a missing check.
        failed();
      }
      if (trail.length === 0) reportFile(result, before);
    });
  }

  function reportFile(result, before) {
    const path = sourceOf(result.name);
    reported.add(path);
    const parts = Object.entries(tally).map(([name, count]) => [count - before[name], name]);
    const what = parts.filter(([count]) => count > 0).map(([count, name]) => `${count} ${name}`);
    const verdict = tally.failed > before.failed ? 'FAILED' : 'ok    ';
    say(`${verdict} ${path}: ${what.join(', ')} (${((result.time ?? 0) / 1000).toFixed(1)} s)`);
  }

  mkdirSync(join(root, '.tap'), { recursive: true });
  const raw = openSync(join(root, '.tap/out.tap'), 'w');
  const parser = new Parser();
  watch(parser, []);
  const done = new Promise((resolve) => parser.on('complete', resolve));
  const onOutput = (text) => {
    writeSync(raw, text);
    parser.write(text);
  };
  const args = ['run', '--reporter=tap', ...files.map(compiled)];
  const { code } = await runNode(tools.tap, args, { stdio: ['ignore', 'pipe', 'inherit'], onOutput });
  parser.end();
  await done;
  closeSync(raw);

  for (const name of Object.keys(counts)) counts[name] += tally[name];
  for (const failure of failures) say(`\n${failure}`);
  if (failures.length > 0) say('');
  for (const path of files) if (!reported.has(path)) fail(`${path} was not run to its end.`);
  if (code !== 0 && counts.failed === 0) fail(`tap ended with exit code ${code} though no check failed; its whole output is in .tap/out.tap.`);
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
  await runTests(files);
}

try {
  await test(process.argv.slice(2));
} catch (error) {
  fail(error.stack);
}
finish();
