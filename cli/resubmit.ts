import { buffer } from 'node:stream/consumers';
import { readFile } from 'node:fs/promises';
import type { LetterQuery } from '../engine/dead-letter-files.js';
import { CommandError, exitCodes } from './exit-codes.js';
import type { LetterClient, Outcome } from './letter-client.js';
import { printable } from './letter-text.js';
import { count, styled, writeJson } from './output.js';

/** Letters asked for at once. */
const PAGE = 1_000;

const NOT_FOUND = 404;

export interface ResubmitOptions {
  readonly all?: boolean;
  /** Of another payload; `-` is standard input. */
  readonly file?: string;
  readonly json?: boolean;
}

/** Sends letters in again, the oldest first; gives the exit code. */
export async function resubmit(client: LetterClient, ids: readonly number[], filter: LetterQuery, { all = false, file, json = false }: ResubmitOptions): Promise<number> {
  if (all === ids.length > 0) throw new CommandError('resubmit takes the numbers of dead letters, or --all', exitCodes.usage);
  if (file !== undefined && ids.length !== 1) throw new CommandError('--file is the payload of one dead letter', exitCodes.usage);
  const edited = file === undefined ? undefined : await payloadOf(file);
  await client.mustRun();
  const outcomes: ({ readonly id: number } & Outcome)[] = [];
  for (const id of all ? await waiting(client, filter) : ids) {
    const outcome = await client.resubmit(id, edited);
    outcomes.push({ id, ...outcome });
    if (!json) process.stdout.write(`${lineOf(id, outcome)}\n`);
  }
  if (json) writeJson(outcomes);
  const left = outcomes.filter(({ state }) => state !== 'taken');
  if (!json) process.stdout.write(outcomes.length === 0 ? 'No dead letters to send in again.\n' : `${count(outcomes.length - left.length, 'letter')} taken, ${left.length} not.\n`);
  if (left.length === 0) return exitCodes.ok;
  return left.some((outcome) => 'status' in outcome && outcome.status === NOT_FOUND) ? exitCodes.usage : exitCodes.failure;
}

/** Those that were not taken yet, the oldest first: as they came. */
async function waiting(client: LetterClient, filter: LetterQuery): Promise<number[]> {
  const ids: number[] = [];
  for (;;) {
    const before = ids.at(-1);
    const page = await client.list({ ...filter, resubmitted: false, limit: PAGE, ...(before !== undefined && { before }) });
    ids.push(...page.map(({ id }) => id));
    if (page.length < PAGE) return ids.reverse();
  }
}

async function payloadOf(file: string): Promise<Uint8Array> {
  let payload: Uint8Array;
  try {
    payload = file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    throw new CommandError(`the payload cannot be read: ${(error as Error).message}`, exitCodes.usage);
  }
  if (payload.length === 0) throw new CommandError(`the payload in ${file === '-' ? 'standard input' : file} is empty`, exitCodes.usage);
  return payload;
}

function lineOf(id: number, outcome: Outcome): string {
  const number = styled(process.stdout, 'bold', String(id));
  return outcome.state === 'taken' ? `${number}  ${styled(process.stdout, 'green', 'taken')}` : `${number}  ${styled(process.stdout, 'yellow', 'not taken')}: ${printable(outcome.reason)}`;
}
