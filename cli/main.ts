import { Command, CommanderError } from 'commander';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { packageVersion } from './package-root.js';

/** Every command, by its one line: its summary, and where it lies. Only the one that is asked for is loaded. */
export const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<CommandModule> }>> = {
  run: { summary: 'run a graph, with API and dashboard', load: () => import('./run.js') },
  check: { summary: 'find what is wrong with a config', load: () => import('./check.js') },
  graph: { summary: 'show the graph of a config, or how it would run', load: () => import('./graph.js') },
  replay: { summary: 'run the files of a config through its graph, as fast as it goes', load: () => import('./replay.js') },
  explain: { summary: 'tell why something is an anomaly', load: () => import('./explain.js') },
  feedback: { summary: 'say that an anomaly is a false alarm, or right', load: () => import('./feedback.js') },
  quality: { summary: 'score detection by what is known of recorded series', load: () => import('./quality.js') },
  'dead-letters': { summary: 'look at input that was refused', load: () => import('./dead-letters.js') },
  docs: { summary: 'generate the pages about operators, connectors, config and commands', load: () => import('./docs.js') },
};

/** A command of its own file: adds arguments, options and help to `command`; its action gives the exit code to `done`. */
export interface CommandModule {
  describe(command: Command, done: (code: number) => void): void;
}

const EXAMPLES = `
Examples:
  millrace run                             watch this machine, with the dashboard on http://127.0.0.1:8080
  millrace run mine.yml                    run a graph of your own
  millrace check mine.yml                  all that is wrong with it, with what was probably meant
  millrace graph --plan mine.yml           which thread does what
  millrace replay mine.yml                 run its files through it: the same bytes each time

A first graph, mine.yml:
  sources:   { cpu: { type: file, path: 'cpu.csv', time: timestamp, value: value, metric: cpu } }
  operators: { odd: { type: detect, from: cpu } }
  sinks:     { out: { type: file, from: odd, path: out.ndjson } }

Any setting can be given by a variable: MILLRACE_SERVER_PORT=9090 millrace run
${exitCodesHelp}`;

/** Runs a command line, without the name of the program; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // Whoever reads the output may stop reading: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exitCodes.ok);
    throw error;
  });
  let code: number = exitCodes.ok;
  const asked = argv.find((argument) => !argument.startsWith('-'));
  // `millrace help run` is `millrace run --help`.
  const named = asked === 'help' ? argv[argv.indexOf('help') + 1] : asked;
  try {
    const program = await makeProgram(named === undefined ? [] : [named], (of) => (code = of));
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return failed(error);
  }
}

/** The program with the named commands loaded, the others known by their summary. */
export async function makeProgram(loaded: readonly string[], done: (code: number) => void): Promise<Command> {
  const program = new Command('millrace')
    .description('Stream processing for observability: anomalies, forecasts, error budgets and alerts, live.')
    .version(packageVersion(), '-v, --version', 'tell the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand('help [command]', 'show the help of a command')
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride();
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).summary(summary).description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`).helpOption('-h, --help', 'show this').exitOverride();
    command.showSuggestionAfterError().showHelpAfterError(`(millrace ${name} --help shows how)`);
    if (loaded.includes(name)) (await load()).describe(command, done);
  }
  return program;
}

async function failed(error: unknown): Promise<number> {
  // commander has said what is wrong by itself; asking for help or the version is fine.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof CommandError) {
    process.stderr.write(`millrace: ${error.message}\n`);
    return error.code;
  }
  const { ConfigError } = await import('../config/diagnostic.js');
  if (error instanceof ConfigError) {
    const { writeDiagnostics } = await import('./output.js');
    writeDiagnostics(process.stderr, error.diagnostics);
    return exitCodes.usage;
  }
  const { message, stack, node } = error as Error & { node?: string };
  const debug = /^(debug|trace)$/i.test(process.env['LOG_LEVEL'] ?? process.env['MILLRACE_LOGGING_LEVEL'] ?? '');
  process.stderr.write(`millrace: ${node === undefined ? '' : `${node}: `}${debug ? (stack ?? message) : message}\n`);
  return exitCodes.failure;
}
