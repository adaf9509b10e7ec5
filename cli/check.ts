import type { Command } from 'commander';
import { readConfig } from '../config/load.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { exitCodes, exitCodesHelp } from './exit-codes.js';
import { count, plainDiagnostic, styled, writeDiagnostics, writeJson } from './output.js';

const EXAMPLES = `
Prints every error and warning with file:line:column, the line, and what was probably meant. Warnings are for what can be
run but can't be meant.

Examples:
  millrace check                           the config that millrace run would take
  millrace check config/*.yml              several
  millrace check --replay mine.yml         as millrace replay would take it
  millrace check --json mine.yml | jq      for editors and pipelines

${exitCodesHelp}`;

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('[config...]', CONFIG_ARGUMENT[1].replace('config file', 'config files'))
    .option('--replay', 'as a replay would take it')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], options: { replay?: boolean; json?: boolean }) => {
      done(check(files.length === 0 ? [configFile(undefined)] : files, options));
    });
}

function check(files: readonly string[], { replay = false, json = false }: { replay?: boolean; json?: boolean }): number {
  const results = files.map((file) => ({ file, ...readConfig(file, process.env, { replay }) }));
  const ok = results.every(({ config }) => config !== undefined);
  if (json) {
    writeJson(results.map(({ file, config, diagnostics }) => ({ file, ok: config !== undefined, diagnostics: diagnostics.map(plainDiagnostic) })));
    return ok ? exitCodes.ok : exitCodes.usage;
  }
  for (const { file, config, diagnostics } of results) {
    writeDiagnostics(process.stdout, diagnostics);
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const warnings = diagnostics.length - errors;
    const found = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''].filter((part) => part !== '').join(', ');
    if (config === undefined) {
      process.stdout.write(`${file}: ${styled(process.stdout, 'red', found)}\n`);
      continue;
    }
    const { sources, operators, sinks } = config.graph;
    const size = `${count(sources.length, 'source')}, ${count(operators.length, 'operator')}, ${count(sinks.length, 'sink')}`;
    process.stdout.write(`${file}: ${found === '' ? styled(process.stdout, 'green', 'ok') : styled(process.stdout, 'yellow', found)}, ${size}\n`);
  }
  return ok ? exitCodes.ok : exitCodes.usage;
}
