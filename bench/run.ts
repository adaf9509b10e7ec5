import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import type { MillraceOutcome } from './contenders/millrace.js';
import { scenarios, type Scenario } from './scenarios.js';

/** `npm run bench [-- w1 channel] [-- --runs 5] [-- --write]`: interleaved runs, each in a process of its own. */
const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string', default: '5' }, write: { type: 'boolean', default: false } } });

type Run = MillraceOutcome & { readonly rssMb: number; readonly cpuSeconds: number };

function measure(scenario: string, contender: string): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [new URL('contender.js', import.meta.url).pathname, scenario, contender], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${scenario}, ${contender}: ${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Run;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;
const rate = (run: Run): number => run.samples / run.seconds / 1e6;

/** Where two contenders did the same work, they must agree to a millionth. */
function agree(scenario: Scenario, runs: ReadonlyMap<string, readonly Run[]>): string[] {
  const [first] = runs.values();
  const wanted = first![0]!.check;
  const wrong: string[] = [];
  for (const [contender, [run]] of runs) {
    if (scenario.apart?.includes(contender) === true) continue;
    for (const what of ['results', 'counts', 'means', 'deviations'] as const) {
      const [a, b] = [run!.check[what], wanted[what]];
      if (typeof a !== 'number' || typeof b !== 'number' || Number.isNaN(a) || Number.isNaN(b)) continue;
      if (Math.abs(a - b) > 1e-6 * Math.max(1, Math.abs(b))) wrong.push(`${contender}: ${what} ${a}, expected ${b}`);
    }
  }
  return wrong;
}

function section(scenario: Scenario, runs: ReadonlyMap<string, readonly Run[]>): string {
  const speed = (contender: string): number => median(runs.get(contender)!.map(rate));
  const lines = [`## ${scenario.title}`, '', `| contender | M ${scenario.unit}/s: median (min to max) | against ${scenario.against} | peak memory | CPU s a million |`, '| --- | ---: | ---: | ---: | ---: |'];
  for (const [contender, all] of runs) {
    const rates = all.map(rate);
    const cpu = median(all.map((run) => run.cpuSeconds / (run.samples / 1e6)));
    lines.push(`| ${contender} | ${speed(contender).toFixed(2)} (${Math.min(...rates).toFixed(2)} to ${Math.max(...rates).toFixed(2)}) | ${(speed(contender) / speed(scenario.against)).toFixed(2)} | ${median(all.map((run) => run.rssMb)).toFixed(0)} MB | ${cpu.toFixed(3)} |`);
  }
  lines.push('');
  for (const { of, to, least, says } of scenario.expected) {
    const ratio = speed(of) / speed(to);
    lines.push(`- Expected: ${of}, ${says}: ${ratio >= least ? 'met' : '**not met**'} (${ratio.toFixed(2)} times the speed of ${to}; at least ${least} is wanted).`);
  }
  for (const [contender, all] of runs) {
    const { checkpoints, loopDelay } = all.at(-1)!;
    if (checkpoints !== undefined) lines.push(`- ${contender}: ${checkpoints.taken} checkpoints; the last took ${checkpoints.ms.toFixed(0)} ms for ${(checkpoints.bytes / 1e6).toFixed(1)} MB; event loop of the main thread: p99 ${loopDelay.p99.toFixed(1)} ms, at most ${loopDelay.max.toFixed(1)} ms.`);
  }
  const wrong = agree(scenario, runs);
  if (wrong.length > 0) throw new Error(`${scenario.name}: contenders disagree: ${wrong.join('; ')}`);
  return lines.join('\n');
}

const chosen = scenarios.filter((s) => positionals.length === 0 || positionals.includes(s.name));
const sections: string[] = [];
for (const scenario of chosen) {
  const runs = new Map<string, Run[]>(Object.keys(scenario.contenders).map((name) => [name, []]));
  for (let round = 0; round < Number(values.runs); round++) for (const [contender, all] of runs) all.push(measure(scenario.name, contender));
  sections.push(section(scenario, runs));
  console.log(`${sections.at(-1)}\n`);
}

if (values.write) {
  const head = [
    '# Results',
    '',
    `Measured by \`npm run bench -- --write\`: ${values.runs} interleaved runs of each contender, each in a process of its own; the job without start-up. Ratios are of medians. Samples are made inside the job by every contender (\`bench/samples.ts\`); results are compared to a millionth where the work is the same.`,
    '',
    `Machine: ${cpus().length} x ${cpus()[0]!.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB; Node ${process.version}, ${process.platform} ${process.arch}. It is shared with others: trust ratios more than figures.`,
  ];
  writeFileSync('bench/RESULTS.md', `${[...head, '', sections.join('\n\n')].join('\n')}\n`);
}
