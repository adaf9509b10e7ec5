import type { Path } from './document.js';
import { keysAt } from './fields.js';
import { nearest } from './nearest.js';
import { registry } from './registry.js';
import { componentTypes, plainVariables, sections, settingsSchema, type Section } from './schema.js';
import { VariableText, type Origins } from './origins.js';
import { readSecret, type Environment } from './variables.js';
import type { Diagnostic } from './diagnostic.js';

const PREFIX = 'MILLRACE_';

type Tree = Record<string, unknown>;

/**
 * Puts what variables say into the config: those known without a prefix, then MILLRACE_* with the path of
 * a setting, its parts joined by `_`, whatever their case. With `_FILE` at the end a variable names a file
 * that holds the value.
 */
export function applyVariables(config: Tree, env: Environment, origins: Origins): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const put = (path: Path, name: string, value: string): void => {
    if (place(config, path, value)) origins.add(path, [], new VariableText(name, value));
  };
  const putFile = (path: Path, name: string, file: string): void => {
    const { value, problem } = readSecret(name, file);
    if (value !== undefined) put(path, name, value);
    else diagnostics.push({ severity: 'error', place: new VariableText(name, file).place([], 'value'), message: problem! });
  };
  for (const [name, path] of Object.entries(plainVariables)) {
    const value = env[name];
    const file = env[`${name}_FILE`];
    if (value !== undefined && value !== '') put(path, name, name === 'LOG_LEVEL' ? logLevel(value) : value);
    else if (file !== undefined && file !== '') putFile(path, `${name}_FILE`, file);
  }
  for (const name of Object.keys(env).filter((key) => key.startsWith(PREFIX)).sort()) {
    const value = env[name]!;
    const rest = name.slice(PREFIX.length).toUpperCase();
    const path = pathOf(rest, [], config);
    const secret = path === undefined && rest.endsWith('_FILE') ? pathOf(rest.slice(0, -5), [], config) : undefined;
    if (path !== undefined) put(path, name, value);
    else if (secret !== undefined) putFile(secret, name, value);
    else diagnostics.push(...unknown(name, rest, value, config));
  }
  return diagnostics;
}

/** Other programs' words for the levels. */
function logLevel(text: string): string {
  const level = text.toLowerCase();
  return { warning: 'warn', critical: 'fatal', notice: 'info', err: 'error' }[level] ?? level;
}

/** Sets a value, making the maps on the way; false where something that is not a map stands there. */
function place(config: Tree, path: Path, value: string): boolean {
  let at: Tree = config;
  for (const key of path.slice(0, -1)) {
    const next = (at[key] ??= {});
    if (typeof next !== 'object' || next === null) return false;
    at = next as Tree;
  }
  at[path.at(-1)!] = value;
  return true;
}

const asVariable = (key: string): string => key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');

/** The setting that a name without its prefix stands for; of several the one with the longest keys. */
function pathOf(rest: string, path: Path, config: Tree): Path | undefined {
  const keys = settingsAt(path, config).sort((a, b) => b.length - a.length);
  for (const key of keys) {
    const name = asVariable(key);
    if (rest === name && !isSection(path, key)) return [...path, key];
    if (!rest.startsWith(`${name}_`)) continue;
    const found = pathOf(rest.slice(name.length + 1), [...path, key], config);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A whole section, or a whole node, can't be the value of a variable. */
function isSection(path: Path, key: string): boolean {
  const first = (path[0] ?? key) as Section;
  return sections.includes(first) ? path.length < 2 : path.length === 0 && keysAt(settingsSchema, [key]).length > 0;
}

/** Keys that a setting may have at a place of this config. */
function settingsAt(path: Path, config: Tree): string[] {
  const [first, second, ...deeper] = path;
  if (sections.includes(first as Section)) {
    const nodes = config[first!] as Tree | undefined;
    if (typeof nodes !== 'object' || nodes === null) return [];
    if (second === undefined) return Object.keys(nodes);
    const type = (nodes[second] as Tree | undefined)?.['type'];
    const definition = registry[first as Section].find(({ name }) => name === type);
    return [...(deeper.length === 0 ? ['type', 'from'] : []), ...(definition === undefined ? [] : keysAt(definition.config, deeper))];
  }
  const keys = keysAt(settingsSchema, path);
  if (first !== 'components' || second === undefined) return keys;
  const definition = registry.operators.find(({ name }) => name === componentTypes[second as keyof typeof componentTypes]);
  return [...keys, ...(definition === undefined ? [] : keysAt(definition.config, deeper))];
}

function* allSettings(path: Path, config: Tree): Generator<string> {
  for (const key of settingsAt(path, config)) {
    const inside = [...path, key];
    const deeper = path.length < 4 ? [...allSettings(inside, config)] : [];
    if (deeper.length === 0) yield inside.map((part) => asVariable(String(part))).join('_');
    yield* deeper;
  }
}

/** A variable that nothing answers to is told, unless it has nothing in common with any setting: then it is somebody else's. */
function unknown(name: string, rest: string, value: string, config: Tree): Diagnostic[] {
  const meant = nearest(rest, allSettings([], config));
  const begins = settingsAt([], config).some((key) => rest.startsWith(`${asVariable(key)}_`));
  if (meant === undefined && !begins) return [];
  return [
    {
      severity: 'warning',
      place: new VariableText(name, value).place([], 'key'),
      message: `${name} is no setting of this config and changes nothing`,
      ...(meant === undefined ? {} : { suggestion: `did you mean ${PREFIX}${meant}?` }),
    },
  ];
}

