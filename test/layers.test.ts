import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import t from 'tap';

/** Engine files that operators and connectors are written against. */
const contracts = ['batch', 'clock', 'finding', 'limits', 'operator', 'random', 'scalars', 'selector', 'series'].map((name) => `engine/${name}.ts`);
const connectorContracts = [...contracts, ...['board', 'connector', 'disk-log', 'feedback', 'finding-json', 'routes', 'spool', 'timers'].map((name) => `engine/${name}.ts`)];

interface Layer {
  /** Files, or folders with a slash at the end, that it may import; `.` is the component's own folder. */
  readonly files: readonly string[];
  /** Libraries, without `node:`. */
  readonly libraries: readonly string[] | 'any';
  /** Libraries of which it may import types alone. */
  readonly types?: readonly string[];
  readonly node: boolean;
}

const everything = ['engine/', 'operators/', 'connectors/', 'config/', 'server/', 'cli/', 'publish/', 'quality/', 'index.ts'];

/** By the beginning of the path; the longest that fits. */
const layers: Readonly<Record<string, Layer>> = {
  'engine/': { files: ['engine/'], libraries: ['zod', 'piscina', 'lmdb', '@prometheus-io/lezer-promql'], types: ['pino', '@lezer/common'], node: true },
  // How an anomaly opens and closes, and what makes a score, lies in anomaly/.
  'operators/': { files: ['.', 'operators/anomaly/', ...contracts], libraries: ['zod'], node: false },
  'operators/list.ts': { files: ['operators/', ...contracts], libraries: [], node: false },
  // What several connectors decode lies in payload/, how sinks write through a spool in spooled/.
  'connectors/': { files: ['.', 'connectors/payload/', 'connectors/spooled/', ...connectorContracts], libraries: ['zod'], types: ['pino'], node: true },
  // It publishes rows as any publisher does.
  'connectors/nats/': { files: ['.', 'connectors/payload/', 'connectors/spooled/', 'publish/frame.ts', 'publish/series.ts', ...connectorContracts], libraries: ['zod'], types: ['pino'], node: true },
  'connectors/list.ts': { files: ['connectors/', ...connectorContracts], libraries: [], node: false },
  'connectors/local.ts': { files: ['connectors/', ...connectorContracts], libraries: [], node: false },
  'config/': { files: ['engine/', 'operators/list.ts', 'connectors/list.ts', 'connectors/local.ts', 'config/'], libraries: ['zod', 'yaml'], node: true },
  'server/': { files: ['engine/', 'config/', 'server/'], libraries: ['zod', 'pino', 'ws', 'uWebSockets.js'], node: true },
  'cli/': { files: ['engine/', 'config/', 'server/', 'cli/', 'quality/', 'index.ts'], libraries: ['commander', 'pino', 'pino-pretty', 'yaml', 'zod'], node: true },
  'publish/': { files: ['publish/'], libraries: [], node: false },
  'quality/': { files: ['quality/'], libraries: [], node: false },
  'dashboard/': { files: ['dashboard/'], libraries: ['preact', '@preact/signals', 'uplot'], node: false },
  'scripts/': { files: ['scripts/', ...everything], libraries: [], node: true },
  // The servers that it reads from are those of the tests.
  'bench/': { files: ['bench/', 'test/services/', ...everything], libraries: 'any', node: true },
  'index.ts': { files: everything, libraries: [], node: true },
};

/** The client library of each connector, and the libraries of numbers or grammar of an operator. */
const componentLibraries: Readonly<Record<string, readonly string[]>> = {
  'connectors/duckdb/': ['@duckdb/node-api', '@duckdb/node-bindings'],
  'connectors/nats/': ['nats'],
  'connectors/questdb/': ['@questdb/nodejs-client', 'pg'],
  'operators/burn-rate/': ['@lezer/common'],
  'operators/detect/': ['croner'],
};

const forbiddenName = /^(utils?|helpers?|common|managers?|misc)$/;
const limited = ['engine/', 'operators/', 'connectors/', 'config/', 'server/', 'cli/', 'quality/'];
const MOST_LINES = 400;

/** `in`: only there is it forbidden. */
const ambient: readonly { readonly use: RegExp; readonly only: readonly string[]; readonly in?: string }[] = [
  { use: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bhrtime\b/, only: ['engine/clock.ts'] },
  { use: /\bMath\.random\b|\brandom(UUID|Bytes|Int|FillSync)\b|\bgetRandomValues\b/, only: ['engine/random.ts', 'publish/publisher-id.ts'] },
  { use: /\bset(Timeout|Interval|Immediate)\b|\bAtomics\.waitAsync\b/, only: ['engine/timers.ts'], in: 'engine/' },
];
const ambientAllowed = ['test/', 'bench/', 'scripts/', 'dashboard/'];

/** What is wrong with a source file, by its path from the root, with slashes. */
function violations(path: string, source: string): string[] {
  const found: string[] = [];
  for (const part of path.split('/')) if (forbiddenName.test(part.split('.')[0]!)) found.push(`is called ${part}, which says nothing`);
  const lines = source.split('\n').length - 1;
  if (lines > MOST_LINES && limited.some((folder) => path.startsWith(folder))) found.push(`has ${lines} lines, more than ${MOST_LINES}`);
  const code = withoutComments(source);
  for (const { use, only, in: within = '' } of ambient) {
    if (!path.startsWith(within)) continue;
    const match = use.exec(withoutStrings(code));
    if (match !== null && !only.includes(path) && !ambientAllowed.some((folder) => path.startsWith(folder))) found.push(`uses ${match[0]}, which only ${only.join(', ')} may`);
  }
  if (path.startsWith('test/')) return found;
  for (const { specifier, type } of importsOf(code)) if (!mayImport(path, specifier, type)) found.push(`imports ${specifier}`);
  return found;
}

function mayImport(path: string, specifier: string, type: boolean): boolean {
  const prefix = Object.keys(layers)
    .filter((name) => path.startsWith(name))
    .sort((a, b) => b.length - a.length)[0];
  if (prefix === undefined) return false;
  const layer = layers[prefix]!;
  const component = `${path.split('/').slice(0, 2).join('/')}/`;
  if (specifier.startsWith('node:')) return layer.node;
  if (!specifier.startsWith('.')) {
    const library = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    return layer.libraries === 'any' || layer.libraries.includes(library) || componentLibraries[component]?.includes(library) === true || (type && layer.types?.includes(library) === true);
  }
  const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
  return layer.files.some((file) => {
    if (file === '.') return target.startsWith(component);
    return file.endsWith('/') ? target.startsWith(file) : target === file;
  });
}

/** Also `import()`, and modules named by an address: workers. */
function importsOf(code: string): { specifier: string; type: boolean }[] {
  const statements = [...code.matchAll(/\b(?:import|export)\s+(type\s+)?(?:[\w$*{}\s,]+?\s+from\s+)?(['"])([^'"\n]+)\2/g)];
  const calls = [...code.matchAll(/\b(?:import\(|import\.meta\.resolve\()\s*()(['"])([^'"\n]+)\2/g)];
  const addresses = [...code.matchAll(/\bnew URL\(\s*(['"])(?:\.\/)?([^'"\n]+)\1\s*,\s*import\.meta\.url/g)];
  return [
    ...[...statements, ...calls].map((match) => ({ specifier: match[3]!, type: match[1] !== undefined && match[1] !== '' })),
    ...addresses.map((match) => ({ specifier: match[2]!.startsWith('../') ? match[2]! : `./${match[2]!}`, type: false })),
  ];
}

const STRING = String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"`;
const commentOrString = new RegExp(String.raw`${STRING}|\`(?:\\.|[^\`\\])*\`|//[^\n]*|/\*[\s\S]*?\*/`, 'g');

function withoutComments(source: string): string {
  return source.replace(commentOrString, (text) => (text.startsWith('/') ? ' ' : text));
}

function withoutStrings(code: string): string {
  return code.replace(new RegExp(STRING, 'g'), "''");
}

/** The tests run from a folder of compiled files inside the root. */
function findRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package-lock.json'))) folder = dirname(folder);
  return folder;
}

const skipped = new Set(['node_modules', 'build', 'data', 'dist']);

function* sourceFiles(root: string, folder = ''): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory() && !skipped.has(entry.name) && !entry.name.startsWith('.')) yield* sourceFiles(root, path);
    else if (entry.isFile() && /\.tsx?$/.test(entry.name)) yield path;
  }
}

await t.test('every file imports what its layer may, and holds to the rules of the tree', async (t) => {
  const root = findRoot();
  const wrong: string[] = [];
  let files = 0;
  for (const path of sourceFiles(root)) {
    files += 1;
    for (const violation of violations(path, readFileSync(join(root, path), 'utf8'))) wrong.push(`${path} ${violation}`);
  }
  t.ok(files > 20, 'the source files were found');
  t.strictSame(wrong, []);
});

await t.test('each rule finds what breaks it', async (t) => {
  const planted: readonly (readonly [path: string, source: string, violation: RegExp | undefined])[] = [
    ['engine/actor.ts', "import { operators } from '../operators/list.js';", /imports \.\.\/operators\/list\.js/],
    ['engine/actor.ts', "const worker = new URL('../config/load.js', import.meta.url);", /imports \.\.\/config\/load\.js/],
    ['engine/actor.ts', "const worker = new URL('shard-worker.js', import.meta.url); fetch(new URL('/x', base));", undefined],
    ['engine/actor.ts', "export {\n  a,\n  type B,\n} from '../server/live.js';", /imports \.\.\/server\/live\.js/],
    ['engine/actor.ts', "import { pino } from 'pino';", /imports pino/],
    ['engine/actor.ts', "import type { Logger } from 'pino';", undefined],
    ['engine/actor.ts', "// import x from '../config/load.js';\nconst a = 'http://x'; import './mailbox.js';", undefined],
    ['operators/detect/kernel.ts', "import { score } from '../forecast/kernel.js';", /imports \.\.\/forecast/],
    ['operators/detect/kernel.ts', "import { readFileSync } from 'node:fs';", /imports node:fs/],
    ['operators/detect/definition.ts', "import { Channel } from '../../engine/channel.js';", /imports \.\.\/\.\.\/engine\/channel/],
    ['operators/detect/definition.ts', "import { seriesText } from '../../engine/series.js'; import { z } from 'zod'; import './kernel.js';", undefined],
    ['connectors/file/source.ts', "import { operators } from '../../operators/list.js';", /imports/],
    ['connectors/file/source.ts', "import duckdb from '@duckdb/node-api';", /imports @duckdb\/node-api/],
    ['connectors/http/source.ts', "import { isFrame } from '../payload/frame.js';", undefined],
    ['connectors/payload/frame.ts', "import { httpSource } from '../http/source.js';", /imports \.\.\/http/],
    ['connectors/duckdb/sink.ts', "const duckdb = await import('@duckdb/node-api');", undefined],
    ['server/api.ts', "import { connectors } from '../connectors/list.js';", /imports/],
    ['server/api.ts', "import { load } from '../config/load.js';", undefined],
    ['cli/bench.ts', "import '../bench/run.js';", /imports \.\.\/bench/],
    ['cli/test.ts', "import { runExample } from '../test/kit/reference.js';", /imports \.\.\/test/],
    ['publish/encode.ts', "import { z } from 'zod';", /imports zod/],
    ['publish/publisher-id.ts', 'crypto.getRandomValues(id);', undefined],
    ['engine/string-utils.ts', '', undefined],
    ['engine/utils.ts', '', /is called utils\.ts/],
    ['server/common/http.ts', '', /is called common/],
    ['config/load.ts', '\n'.repeat(401), /has 401 lines/],
    ['config/load.ts', '\n'.repeat(400), undefined],
    ['engine/runtime.ts', 'const now = Date.now();', /uses Date\.now/],
    ['engine/runtime.ts', 'const now = new Date(5); // not Date.now()', undefined],
    ['server/api.ts', 'const jitter = Math.random();', /uses Math\.random/],
    ['engine/clock.ts', 'const now = Date.now();', undefined],
    ['engine/intake.ts', 'setTimeout(act, 5);', /uses setTimeout/],
    ['engine/timers.ts', 'setTimeout(act, 5);', undefined],
    ['connectors/live/session.ts', 'setTimeout(act, 5);', undefined],
  ];
  for (const [path, source, violation] of planted) {
    const found = violations(path, source).join('; ');
    if (violation === undefined) t.equal(found, '', `${path}: ${source.slice(0, 80)}`);
    else t.match(found, violation, `${path}: ${source.slice(0, 80)}`);
  }
});
