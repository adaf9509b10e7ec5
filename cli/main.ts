import { Command } from 'commander';

/** Runs a command line; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('millrace');
  program
    .command('run')
    .argument('<config>')
    .action(async (config: string) => {
      const { run } = await import('./run.js');
      code = await run(config);
    });
  program
    .command('replay')
    .argument('<config>')
    .option('--shards <n>', 'threads', Number)
    .action(async (config: string, options: { shards?: number }) => {
      const { replay } = await import('./replay.js');
      code = await replay(config, options);
    });
  await program.parseAsync(argv, { from: 'user' });
  return code;
}
