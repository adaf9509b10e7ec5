// Runs compiled test files, each in a process of its own and several at a time, and follows the TAP that they print.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { root, runNode } from './processes.mjs';

/** Many a test waits for a server, a thread or a timer while another computes. */
const JOBS = availableParallelism() + 1;
/** A check that hangs is ended by tap within this, which tells what it waited for. */
const HANGS_S = 600;

/** What takes longest goes first, or a processor would wait for it in the end. In this order; whatever is not named comes after. */
const LONGEST = [
  'test/simulate/mutants', 'test/bench/smoke', 'test/simulate/', 'test/chaos/', 'test/runtime/http-exactness', 'test/connectors/questdb-faults', 'test/runtime/kill', 'test/bench/questdb', 'test/package', 'test/connectors/live-kills',
  'test/runtime/replay', 'test/engine/directory', 'test/operators/placement', 'test/start', 'test/runtime/crash', 'test/dashboard/', 'test/connectors/nats', 'test/connectors/questdb', 'test/cli/', 'test/bench/', 'test/runtime/',
];

const rank = (file) => {
  const found = LONGEST.findIndex((start) => file.startsWith(start));
  return found < 0 ? LONGEST.length : found;
};

const compiled = (path) => (path.endsWith('.ts') ? `build/${path.replace(/\.ts$/, '.js')}` : path);

/** Runs files, sources of this project or any JavaScript; gives how many checks passed, failed and were skipped, and the failures, described. */
export async function runTests(files, say) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const waiting = files.toSorted((a, b) => rank(a) - rank(b) || a.localeCompare(b));
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      const { tally, failures: found, seconds } = await runFile(path);
      for (const name of Object.keys(counts)) counts[name] += tally[name];
      failures.push(...found);
      const what = Object.entries(tally).filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`);
      say(`${tally.failed > 0 ? 'FAILED' : 'ok    '} ${path}: ${what.join(', ')} (${seconds.toFixed(1)} s)`);
    }
  };
  await Promise.all(Array.from({ length: JOBS }, work));
  return { counts, failures };
}

async function runFile(path) {
  const { stringify } = createRequire(import.meta.url)('yaml');
  const began = performance.now();
  const followed = follow(path, stringify);
  // Without the runner of tap, whose loader follows every process of a test into all that it starts and costs each a second.
  const env = { TAP: '1', TAP_TIMEOUT: String(HANGS_S) };
  const { code, captured } = await runNode(compiled(path), [], { stdio: ['ignore', 'pipe', 'pipe'], env, onOutput: (text) => followed.write(text) });
  const { tally, failures, output } = await followed.end(code);
  if (tally.failed > 0) {
    mkdirSync(join(root, '.tap/failed'), { recursive: true });
    const kept = join('.tap/failed', `${path.replaceAll('/', '-')}.tap`);
    writeFileSync(join(root, kept), output);
    if (captured.trim()) failures.push(`--- ${path}, on stderr\n${inSources(captured.trimEnd())}`);
    failures.push(`All that ${path} printed is in ${kept}.`);
  }
  return { tally, failures, seconds: (performance.now() - began) / 1000 };
}

/** How tap excuses a file without checks. */
const noTests = 'no tests found';

/** Takes what a file prints; `end` gives what it comes to. */
function follow(path, stringify) {
  // Found only now: a fresh clone had no packages when this file was loaded.
  const { Parser } = createRequire(join(root, 'test/package.json'))('tap-parser');
  const tally = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const output = [];
  const count = () => tally.passed + tally.failed + tally.skipped;
  const fail = (trail, result) => {
    tally.failed += 1;
    failures.push(describe(trail, result, stringify));
  };

  function watch(parser, trail) {
    let before = { count: 0, failed: 0 };
    parser.on('child', (child) => {
      before = { count: count(), failed: tally.failed };
      watch(child, [...trail, child.name]);
    });
    parser.on('assert', (result) => {
      if (!result.closingTestPoint) {
        if (result.skip || result.todo) tally.skipped += 1;
        else if (result.ok) tally.passed += 1;
        else fail(trail, result);
      } else if (count() === before.count) {
        // Nothing inside: skipped as a whole, or a test that only had to end.
        if (result.skip || result.todo) tally.skipped += 1;
        else if (result.ok) tally.passed += 1;
        else fail(trail, result);
      } else if (!result.ok && tally.failed === before.failed) {
        // What is inside is counted already and fine: it failed by itself, by a time-out, an exit or a missing check.
        fail(trail, result);
      }
    });
  }

  const parser = new Parser();
  watch(parser, [path]);
  parser.on('bailout', (reason) => fail([path], { name: `bailed out: ${reason}` }));
  const complete = new Promise((resolve) => parser.on('complete', resolve));
  return {
    write(text) {
      output.push(text);
      parser.write(text);
    },
    async end(code) {
      parser.end();
      const { ok, plan, failures: wrong } = await complete;
      if (plan.skipAll && plan.skipReason && plan.skipReason !== noTests) tally.skipped += 1;
      else if (count() === 0) fail([path], { name: 'it has no checks' });
      if (!ok && tally.failed === 0) fail([path], { name: 'it was not run to its end', diag: { wrong } });
      if (code !== 0 && tally.failed === 0) fail([path], { name: `it ended with exit code ${code} though no check failed` });
      return { tally, failures, output: output.join('') };
    },
  };
}

function describe(trail, { name, diag, tapError }, stringify) {
  const lines = [`--- ${[...trail, name].filter(Boolean).join(' > ')}`];
  if (tapError) lines.push(String(tapError));
  if (diag) {
    const { at, compare, ...rest } = diag;
    if (at?.fileName) lines.push(`at ${at.fileName}:${at.lineNumber}:${at.columnNumber}`);
    if (Object.keys(rest).length > 0) lines.push(stringify(rest, { lineWidth: 0 }).trimEnd());
  }
  return inSources(lines.join('\n'));
}

/** Places in what was compiled, as those in the sources. Only where something failed: Node would read every map of every process for it. */
function inSources(text) {
  return text.replaceAll(/(?:file:\/\/)?(?:\/[^\s:()]*\/)?(build\/[\w./-]+\.js):(\d+):(\d+)/g, (whole, file, line, column) => {
    const map = join(root, `${file}.map`);
    if (!existsSync(map)) return whole;
    const { originalLine, originalColumn } = new SourceMap(JSON.parse(readFileSync(map, 'utf8'))).findEntry(line - 1, column - 1);
    return originalLine === undefined ? whole : `${file.replace(/^build\/(.*)\.js$/, '$1.ts')}:${originalLine + 1}:${originalColumn + 1}`;
  });
}
