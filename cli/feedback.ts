import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { CONFIG_ARGUMENT, configFile } from './config-file.js';
import { engineAddress } from './engine-address.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { printable } from './letter-text.js';
import { styled, writeJson } from './output.js';

const EXAMPLES = `
Says that an anomaly is a false alarm, or right, to the running engine of the config; or lists what was said of it. A detector that reads
a source of type feedback raises or lowers its threshold by it. It holds after a crash too, until it is undone.

Examples:
  millrace feedback 31c88d5c749f25ff --false-positive --note 'backup at night'
  millrace feedback 31c88d5c749f25ff --true-positive
  millrace feedback 31c88d5c749f25ff --undo
  millrace feedback 31c88d5c749f25ff                    who said what, and when

${exitCodesHelp}`;

/** An engine answers from its memory and disk. */
const ANSWER_MS = 10_000;

interface Options {
  readonly config?: string;
  readonly falsePositive?: boolean;
  readonly truePositive?: boolean;
  readonly undo?: boolean;
  readonly note?: string;
  readonly by?: string;
  readonly json?: boolean;
}

interface Entry {
  readonly verdict: 'false_positive' | 'true_positive';
  readonly note: string;
  readonly by: string;
  readonly said_at: string;
  readonly undone: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('<id>', 'the id of an anomaly')
    .option('-c, --config <config>', CONFIG_ARGUMENT[1])
    .option('--false-positive', 'it is a false alarm')
    .option('--true-positive', 'it is right')
    .option('--undo', 'take back what stands')
    .option('--note <text>', 'why, for people')
    .option('--by <name>', 'who says so; default: the user')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLES)
    .action(async (id: string, options: Options) => {
      done(await feedback(id, options));
    });
}

export async function feedback(id: string, { config, falsePositive = false, truePositive = false, undo = false, note, by = userInfo().username, json = false }: Options): Promise<number> {
  const asked = Number(falsePositive) + Number(truePositive) + Number(undo);
  if (asked > 1) throw new CommandError('--false-positive, --true-positive and --undo: say one of them', exitCodes.usage);
  if (asked === 0 && note !== undefined) throw new CommandError('--note goes with --false-positive, --true-positive or --undo', exitCodes.usage);
  const url = `${engineAddress(await loadConfig(configFile(config), process.env))}/api/anomalies/${encodeURIComponent(id)}/feedback`;
  const said = { ...(note !== undefined && { note }), by };
  if (asked === 0) {
    const told = (await ask(url, 'GET')) as { feedback: readonly Entry[] };
    if (json) writeJson(told);
    else process.stdout.write(told.feedback.length === 0 ? `Nobody has said anything of anomaly ${id}.\n` : `${told.feedback.map(line).join('\n')}\n`);
    return exitCodes.ok;
  }
  const taken = undo ? await ask(url, 'DELETE', said) : await ask(url, 'POST', { verdict: falsePositive ? 'false_positive' : 'true_positive', ...said });
  if (json) writeJson(taken);
  else process.stdout.write(`${(taken as { effect: string }).effect}\n`);
  return exitCodes.ok;
}

function line({ verdict, note, by, said_at, undone }: Entry): string {
  const what = undone ? 'undone' : verdict === 'false_positive' ? 'false alarm' : 'right';
  return `${said_at}  ${styled(process.stdout, 'bold', what.padEnd(11))}  ${printable(by)}${note === '' ? '' : `: ${printable(note)}`}`;
}

async function ask(url: string, method: 'GET' | 'POST' | 'DELETE', body?: object): Promise<object> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method, signal: AbortSignal.timeout(ANSWER_MS), ...(body !== undefined && { body: JSON.stringify(body) }) });
    text = await response.text();
  } catch {
    throw new CommandError(`no engine of this config answers at ${new URL(url).origin}: feedback is given to the engine that told the anomaly, so start it first`);
  }
  let told: { readonly detail?: string };
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    throw new CommandError(`what answers at ${new URL(url).origin} is no engine: ${response.status} ${text.slice(0, 80)}`);
  }
  if (response.ok) return told;
  throw new CommandError(told.detail ?? `the engine answered ${response.status}`, response.status < 500 ? exitCodes.usage : exitCodes.failure);
}
