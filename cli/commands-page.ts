import type { Command } from 'commander';
import { fence, generatedFrom, page } from '../config/markdown.js';
import { commands, makeProgram } from './main.js';

const WIDTH = 110;

/** The page about the command line: what each `--help` says. */
export async function commandsPage(): Promise<string> {
  const program = await makeProgram(Object.keys(commands), () => {});
  const parts = program.commands.flatMap((command) => [`## millrace ${command.name()}`, fence('', helpOf(command))]);
  return page([
    generatedFrom('cli/'),
    '# The command line',
    fence('', helpOf(program)),
    ...parts,
    '## Exit codes',
    ['| code | |', '| --- | --- |', '| 0 | done |', '| 1 | the config or the command line is wrong: nothing was started |', '| 2 | it was right, and something went wrong while it ran |', '| 128 + n | ended at once by a second signal n |'].join('\n'),
  ]);
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => WIDTH, getOutHasColors: () => false });
  command.outputHelp();
  return text.trimEnd();
}
