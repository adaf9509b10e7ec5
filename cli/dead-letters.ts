import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig } from '../config/load.js';
import type { LetterQuery, StoredLetter } from '../engine/dead-letter-files.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { LetterClient, plainLetter } from './letter-client.js';
import { payloadRows, printable } from './letter-text.js';
import { count, styled, writeJson } from './output.js';
import { resubmit, type ResubmitOptions } from './resubmit.js';

const EXAMPLES = `
What could not be read is kept with its reason, newest first. The running engine is asked, else the files that the last run left.

Sent in again, a letter goes to the source or sink that refused it, which must run, and is taken whole or not at all, and once
at most: one that was taken is refused, and what a crash interrupts is finished when the engine starts again. Only the first
4 KiB of a payload are kept; a longer one needs --file.

Examples:
  millrace dead-letters                    the newest 20
  millrace dead-letters --node http -n 100
  millrace dead-letters --reason timestamp those whose reason has this word
  millrace dead-letters show 17            one of them, with all that was kept of it, and where it goes wrong
  millrace dead-letters resubmit 17 18     after what refused them was mended
  millrace dead-letters resubmit 17 --file mended.json
  millrace dead-letters resubmit --all --node http --reason 'must match'
  millrace dead-letters --json | jq .

${exitCodesHelp}
resubmit: 0 all were taken, 1 there is no such letter, 2 one was not taken or no engine runs.`;

interface Options extends ResubmitOptions {
  readonly config?: string;
  readonly node?: string;
  readonly reason?: string;
  readonly limit: number;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('[what]', '`list`; `show` and the number of one; `resubmit` and the numbers of some', 'list')
    .argument('[ids...]', 'numbers of dead letters')
    .option('-c, --config <config>', CONFIG_ARGUMENT[1])
    .option('--node <name>', 'only of this node')
    .option('--reason <text>', 'only with this in the reason')
    .option('-n, --limit <n>', 'list at most so many', whole, 20)
    .option('--all', 'resubmit all that were not taken yet, of --node and --reason')
    .option('--file <file>', 'resubmit this payload in place of the one that was refused; - for standard input')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (what: string, given: readonly string[], options: Options) => {
      const client = new LetterClient(await loadConfig(configFile(options.config), process.env));
      const { node, reason, limit, json = false } = options;
      const filter = { ...(node !== undefined && { node }), ...(reason !== undefined && { reason }) };
      const ids = given.map(Number);
      const numbers = given.every((id) => /^\d{1,15}$/.test(id));
      if (what === 'list' && ids.length === 0) done(await list(client, { ...filter, limit }, json));
      else if (what === 'show' && ids.length === 1 && numbers) done(await show(client, ids[0]!, json));
      else if (what === 'resubmit' && numbers) done(await resubmit(client, ids, filter, options));
      else throw new CommandError(`dead-letters takes \`list\`, \`show\` and a number, or \`resubmit\` and numbers, not ${[what, ...given].join(' ')}`, exitCodes.usage);
    });
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 1_000) throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
  return n;
}

async function list(client: LetterClient, query: LetterQuery & { readonly limit: number }, json: boolean): Promise<number> {
  const letters = await client.list(query);
  if (json) {
    writeJson(letters.map(plainLetter));
    return exitCodes.ok;
  }
  if (letters.length === 0) process.stdout.write('No dead letters.\n');
  for (const letter of letters) {
    const head = `${styled(process.stdout, 'bold', String(letter.id))}  ${new Date(letter.at).toISOString()}  ${letter.node}  ${letter.origin}`;
    process.stdout.write(`${printable(head)}\n    ${styled(process.stdout, 'yellow', printable(letter.reason))}\n    ${printable(letter.payload.slice(0, 200))}\n${againOf(letter, '    ')}`);
  }
  if (letters.length === query.limit) process.stdout.write(`The newest ${count(query.limit, 'letter')}: more with -n.\n`);
  return exitCodes.ok;
}

async function show(client: LetterClient, id: number, json: boolean): Promise<number> {
  const letter = await client.get(id);
  if (letter === undefined) throw new CommandError(`there is no dead letter ${id}`, exitCodes.usage);
  if (json) {
    writeJson(plainLetter(letter));
    return exitCodes.ok;
  }
  const { at, node, origin, reason, sequence, headers = {}, bytes } = letter;
  const fields: [string, string][] = [
    ['node', node],
    ['origin', origin],
    ...(sequence === undefined ? [] : [['sequence', String(sequence)] satisfies [string, string]]),
    ...Object.entries(headers),
    ['reason', reason],
  ];
  const width = Math.max(...fields.map(([name]) => name.length));
  const rows = payloadRows(letter);
  process.stdout.write(
    `${id}  ${new Date(at).toISOString()}\n${fields.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('')}${againOf(letter, '')}` +
      `payload${bytes === undefined ? '' : ` (its beginning; all of it were ${bytes} bytes)`}\n${rows.join('\n')}\n`,
  );
  return exitCodes.ok;
}

/** What became of it when it was sent in again. */
function againOf({ resubmission }: StoredLetter, indent: string): string {
  if (resubmission === undefined) return '';
  const { state, at, reason } = resubmission;
  const what = { begun: 'sent in again, not known yet whether it was taken', taken: 'sent in again and taken', refused: 'sent in again and refused' }[state];
  return `${indent}${what} (${new Date(at).toISOString()})${reason === undefined ? '' : `: ${printable(reason)}`}\n`;
}
