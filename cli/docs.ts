import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Option, type Command } from 'commander';
import { nearest } from '../config/nearest.js';
import { pages } from '../config/pages.js';
import { CommandError, exitCodes, exitCodesHelp } from './exit-codes.js';
import { commandsPage } from './commands-page.js';
import { writeJson } from './output.js';

/** Folders that hold nothing but generated pages: what is left over there is removed. */
const OWN = ['operators', 'connectors'];

const EXAMPLES = `
Examples:
  millrace docs                            what there is to read
  millrace docs detect                     everything about an operator
  millrace docs config                     everything that may stand in a config
  millrace docs --write docs               all pages as files, and the JSON Schema for editors
  millrace docs --check docs               exit 1 unless these files are up to date

${exitCodesHelp}`;

interface Options {
  readonly write?: string;
  readonly check?: string;
  readonly json?: boolean;
}

export function describe(command: Command, done: (code: number) => void): void {
  command
    .argument('[topic]', 'an operator, a connector, `config`, `cli`, or `schema`: its page is printed')
    .addOption(new Option('--write <folder>', 'write all pages').conflicts(['check', 'json']))
    .addOption(new Option('--check <folder>', 'compare all pages').conflicts('json'))
    .option('--json', 'all pages as JSON, by path')
    .addHelpText('after', EXAMPLES)
    .action(async (topic: string | undefined, { write, check, json = false }: Options) => {
      const all = new Map([...pages(), ['cli.md', await commandsPage()]]);
      if (write !== undefined) done(writeAll(write, all));
      else if (check !== undefined) done(checkAll(check, all));
      else if (json) writeJson(Object.fromEntries(topic === undefined ? all : [findPage(topic, all)]));
      else if (topic === undefined) process.stdout.write(`${topics(all).join('\n')}\n`);
      else process.stdout.write(findPage(topic, all)[1]);
    });
}

const topicOf = (path: string): string => (path === 'millrace.schema.json' ? 'schema' : path.replace(/^.*\//, '').replace(/\.md$/, ''));

function topics(all: ReadonlyMap<string, string>): string[] {
  const groups = new Map<string, string[]>();
  for (const path of all.keys()) {
    const group = path.includes('/') ? dirname(path) : 'more';
    groups.set(group, [...(groups.get(group) ?? []), topicOf(path)]);
  }
  return [...groups].map(([group, names]) => `${`${group}:`.padEnd(12)} ${names.sort().join(', ')}`);
}

function findPage(topic: string, all: ReadonlyMap<string, string>): [string, string] {
  const found = [...all].find(([path]) => topicOf(path) === topic);
  if (found !== undefined) return found;
  const meant = nearest(topic, [...all.keys()].map(topicOf));
  throw new CommandError(`there is no page about ${topic}${meant === undefined ? ': millrace docs lists them' : `: did you mean ${meant}?`}`, exitCodes.usage);
}

function writeAll(folder: string, all: ReadonlyMap<string, string>): number {
  for (const [path, text] of all) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  for (const path of leftOver(folder, all)) rmSync(join(folder, path));
  process.stderr.write(`wrote ${all.size} pages to ${folder}\n`);
  return exitCodes.ok;
}

function checkAll(folder: string, all: ReadonlyMap<string, string>): number {
  const stale = [...[...all].filter(([path, text]) => text !== read(join(folder, path))).map(([path]) => path), ...leftOver(folder, all)];
  for (const path of stale) process.stdout.write(`${join(folder, path)} is out of date\n`);
  if (stale.length > 0) process.stdout.write(`millrace docs --write ${folder} brings them up to date\n`);
  return stale.length === 0 ? exitCodes.ok : exitCodes.usage;
}

function leftOver(folder: string, all: ReadonlyMap<string, string>): string[] {
  return OWN.flatMap((own) => list(join(folder, own)).map((name) => `${own}/${name}`)).filter((path) => path.endsWith('.md') && !all.has(path));
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
