import { Option, type Command } from 'commander';
import { loadConfig, type Loaded } from '../config/load.js';
import { registry } from '../config/registry.js';
import { makePlan } from '../engine/plan.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { exitCodes, exitCodesHelp } from './exit-codes.js';
import { drawDot, drawMermaid, drawText } from './graph-drawing.js';
import { writeDiagnostics, writeJson } from './output.js';
import { planText } from './plan-text.js';
import { positive } from './replay.js';

const EXAMPLES = `
Examples:
  millrace graph                           who reads whom
  millrace graph --mermaid mine.yml        for Markdown
  millrace graph --dot mine.yml | dot -Tsvg > graph.svg
  millrace graph --plan mine.yml           chains of operators, partitions, threads, and bytes a series
  millrace graph --plan --shards 4 mine.yml
  millrace graph --plan --json mine.yml

${exitCodesHelp}`;

interface Options {
  readonly plan?: boolean;
  readonly mermaid?: boolean;
  readonly dot?: boolean;
  readonly json?: boolean;
  readonly shards?: number;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument(...CONFIG_ARGUMENT)
    .addOption(new Option('--plan', 'how it would run: chains, partitions, threads, links, bytes a series').conflicts(['mermaid', 'dot']))
    .addOption(new Option('--mermaid', 'as a Mermaid flowchart').conflicts(['dot', 'json']))
    .addOption(new Option('--dot', 'in the language of Graphviz').conflicts('json'))
    .option('--shards <n>', 'for so many threads (default: server.shards of the config)', positive)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string | undefined, options: Options) => {
      const config = await loadConfig(configFile(file), process.env);
      writeDiagnostics(process.stderr, config.warnings);
      show(config, options);
      done(exitCodes.ok);
    });
}

function show({ graph, server, removed }: Loaded, { plan = false, mermaid = false, dot = false, json = false, shards = server.shards }: Options): void {
  if (json) {
    const nodes = Object.fromEntries((['sources', 'operators', 'sinks'] as const).map((section) => [section, graph[section].map(({ name, type, from }) => ({ name, type, from }))]));
    writeJson(plan ? { ...nodes, removed, plan: withoutConfigs(makePlan(graph, registry, shards)) } : { ...nodes, removed });
  } else if (plan) process.stdout.write(planText(makePlan(graph, registry, shards)));
  else if (mermaid) process.stdout.write(drawMermaid(graph));
  else if (dot) process.stdout.write(drawDot(graph));
  else process.stdout.write(drawText(graph, removed));
}

/** Configs may hold secrets, and are in the file anyway. */
function withoutConfigs(plan: ReturnType<typeof makePlan>): object {
  return JSON.parse(JSON.stringify(plan, (key, value: unknown) => (key === 'config' ? undefined : value))) as object;
}
