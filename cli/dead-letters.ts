import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { loadConfig, type Loaded } from '../config/load.js';
import { readDeadLetters, type LetterQuery, type StoredLetter } from '../engine/dead-letters.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { count, styled, writeJson } from './output.js';

/** A running engine answers in milliseconds; one that doesn't is not asked. */
const ANSWER_MS = 2_000;

const EXAMPLES = `
What could not be read is kept with its reason, newest first. The running engine is asked, else the files that the last run left.

Examples:
  millrace dead-letters                    the newest 20
  millrace dead-letters --node http -n 100
  millrace dead-letters --reason timestamp those whose reason has this word
  millrace dead-letters show 17            one of them, with all that was kept of it
  millrace dead-letters --json | jq .

${exitCodesHelp}`;

interface Options {
  readonly config?: string;
  readonly node?: string;
  readonly reason?: string;
  readonly limit: number;
  readonly json?: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('[what]', '`list`, or `show` and the number of one', 'list')
    .argument('[id]', 'number of a dead letter')
    .option('-c, --config <config>', CONFIG_ARGUMENT[1])
    .option('--node <name>', 'only of this node')
    .option('--reason <text>', 'only with this in the reason')
    .option('-n, --limit <n>', 'at most so many', whole, 20)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (what: string, id: string | undefined, options: Options) => {
      const config = await loadConfig(configFile(options.config), process.env);
      if (what === 'list' && id === undefined) done(await list(config, options));
      else if (what === 'show' && id !== undefined && /^\d+$/.test(id)) done(await show(config, Number(id), options));
      else throw new CommandError(`dead-letters takes \`list\`, or \`show\` and a number, not ${[what, id].filter((part) => part !== undefined).join(' ')}`, exitCodes.usage);
    });
}

function whole(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 1_000) throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
  return n;
}

async function list(config: Loaded, { node, reason, limit, json = false }: Options): Promise<number> {
  const letters = await ask(config, { limit, ...(node === undefined ? {} : { node }), ...(reason === undefined ? {} : { reason }) });
  if (json) {
    writeJson(letters.map(plain));
    return exitCodes.ok;
  }
  if (letters.length === 0) process.stdout.write('No dead letters.\n');
  for (const letter of letters) {
    const head = `${styled(process.stdout, 'bold', String(letter.id))}  ${new Date(letter.at).toISOString()}  ${letter.node}  ${letter.origin}`;
    process.stdout.write(`${printable(head)}\n    ${styled(process.stdout, 'yellow', printable(letter.reason))}\n    ${printable(letter.payload.slice(0, 200))}\n`);
  }
  if (letters.length === limit) process.stdout.write(`The newest ${count(limit, 'letter')}: more with -n.\n`);
  return exitCodes.ok;
}

async function show(config: Loaded, id: number, { json = false }: Options): Promise<number> {
  const [letter] = await ask(config, { limit: 1, before: id + 1 });
  if (letter?.id !== id) throw new CommandError(`there is no dead letter ${id}`, exitCodes.usage);
  if (json) {
    writeJson(plain(letter));
    return exitCodes.ok;
  }
  const { at, node, origin, reason, offset, bytes, payload } = letter;
  const cut = bytes === undefined ? '' : ` (the first ${Buffer.byteLength(payload)} of ${bytes} bytes)`;
  process.stdout.write(`${id}  ${new Date(at).toISOString()}\nnode    ${node}\norigin  ${printable(origin)}\nreason  ${printable(reason)}${offset === undefined ? '' : ` (at byte ${offset})`}\npayload${cut}\n${payload}\n`);
  return exitCodes.ok;
}

/** Only the running engine knows what it has not written yet. */
async function ask(config: Loaded, query: LetterQuery): Promise<readonly StoredLetter[]> {
  const { host, port } = config.server;
  const url = new URL(`http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host}:${port}/api/dead-letters`);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    if (response.ok) {
      const { dead_letters: letters } = (await response.json()) as { dead_letters: readonly (Omit<StoredLetter, 'at'> & { at: string })[] };
      return letters.map((letter) => ({ ...letter, at: Date.parse(letter.at) }));
    }
  } catch {
    // It does not run, or something else answers there: then the files are what there is.
  }
  const folder = join(config.folder, 'dead-letters');
  if (!existsSync(folder)) return [];
  return readDeadLetters(folder, query);
}

function plain(letter: StoredLetter): object {
  return { ...letter, at: new Date(letter.at).toISOString() };
}

/** Refused input may hold anything: what would move the cursor of a terminal is shown as a dot. */
function printable(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\u00b7');
}
