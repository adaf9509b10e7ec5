// npm run chaos -- [--kills 200] [--only millrace,nats,questdb,proxy] [--seed N], --away questdb 60 or --slow-sink 300: see docs/development.md.
import { parseArgs } from 'node:util';
import { systemRandom } from '../../engine/random.js';
import { kills, slowed, stopped, type Outcome } from './chaos.js';
import { victims, type Victim } from './faults.js';

const MESSAGES_PER_SECOND = 60;
/** Fills the spool of a QuestDB that is away in less than a minute. */
const MANY_MESSAGES_PER_SECOND = 150;
/** A kill every second and a quarter, with the connections that are broken between. */
const GAP_MS = 2_000;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function wholeNumber(text: string | undefined, otherwise: number, name: string): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number, not ${text ?? ''}`);
  return value;
}

function chosen(text: string | undefined): ReadonlySet<Victim> {
  const names = text?.split(',') ?? victims;
  const unknown = names.filter((name) => !(victims as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`--only knows ${victims.join(', ')}, not ${unknown.join(', ')}`);
  return new Set(names as Victim[]);
}

function tell({ differences, rows, samples, faults }: Outcome, seed: number): void {
  say(`faults: ${Object.entries(faults).map(([what, count]) => `${count} x ${what}`).join(', ')}`);
  say(`samples published: ${samples}; select count():  ${Object.entries(rows).map(([table, count]) => `${table} ${count}`).join(', ')}`);
  if (differences.length === 0) say(`identical (seed ${seed})`);
  else {
    say(differences.join('\n'));
    say(`DIFFERENT: --seed ${seed} takes the same faults again`);
    process.exitCode = 1;
  }
}

const { values, positionals } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' }, rate: { type: 'string' }, away: { type: 'string' }, 'slow-sink': { type: 'string' } },
  allowPositionals: true,
});
const seed = wholeNumber(values.seed, Math.floor(systemRandom() * 2 ** 31), 'seed');
const given = { seed, perSecond: wholeNumber(values.rate, values.away === undefined ? MESSAGES_PER_SECOND : MANY_MESSAGES_PER_SECOND, 'rate'), say };
say(`seed ${seed}`);
if (values.away !== undefined) {
  const [victim] = chosen(values.away);
  if (victim === undefined || victim === 'proxy') throw new Error('--away takes millrace, nats or questdb, and for how many seconds');
  tell(await stopped(given, victim, wholeNumber(positionals[0], 60, 'away') * 1_000), seed);
} else if (values['slow-sink'] !== undefined) tell(await slowed(given, wholeNumber(values['slow-sink'], 300, 'slow-sink') * 1_000), seed);
else tell(await kills(given, { kills: wholeNumber(values.kills, 200, 'kills'), only: chosen(values.only), gapMs: GAP_MS }), seed);
