import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { configJsonSchema } from '../../config/json-schema.js';
import { readConfig, readConfigText } from '../../config/load.js';
import { pages } from '../../config/pages.js';
import { registry } from '../../config/registry.js';
import { misfits } from './json-schema.js';
import { root } from './root.js';

const schema = configJsonSchema();
const graphs = ['millrace.yml', ...readdirSync(join(root, 'config/examples')).filter((name) => name.endsWith('.yml')).map((name) => `examples/${name}`)].map((name) => join(root, 'config', name));

t.test('every shipped graph can be run, and nothing in it is doubtful', async (t) => {
  t.ok(graphs.length >= 5);
  for (const file of graphs) {
    const { config, diagnostics } = readConfig(file, {});
    t.ok(config, file);
    t.strictSame(diagnostics, [], file);
  }
});

t.test('every shipped graph tells editors where its schema is, and fits it', async (t) => {
  for (const file of graphs) {
    const text = readFileSync(file, 'utf8');
    const [, schemaFile = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    t.equal(resolve(dirname(file), schemaFile), join(root, 'docs/millrace.schema.json'), file);
    t.strictSame(misfits(parse(text), schema, schema), [], file);
  }
});

t.test('the schema for editors finds what the loader finds', async (t) => {
  const good = `
server: { port: 8080 }
checkpoint: { interval: 10s }
components: { anomaly_detection: { enabled: true, sensitivity: 4 } }
sources: { nab: { type: file, path: a.csv, poll: 1s } }
operators: { odd: { type: detect, from: nab, sensitivity: 3.5, direction: up } }
sinks: { out: { type: file, from: [odd], path: out.csv } }
`;
  t.strictSame(misfits(parse(good), schema, schema), []);
  const changes: readonly (readonly [part: string, instead: string, path: string])[] = [
    ['port: 8080', 'prot: 8080', '/server/prot'],
    ['8080', 'x', '/server/port'],
    ['8080', '70000', '/server/port'],
    ['interval: 10s', 'interval: 10', '/checkpoint/interval'],
    ['interval: 10s', 'interval: ten', '/checkpoint/interval'],
    ['sensitivity: 4', 'sensitivty: 4', '/components/anomaly_detection/sensitivty'],
    ['type: detect', 'type: detcet', '/operators/odd/type'],
    ['direction: up', 'direction: upp', '/operators/odd/direction'],
    ['sensitivity: 3.5', 'sensitivity: high', '/operators/odd/sensitivity'],
    ['direction: up', 'size: 10s', '/operators/odd/size'],
    ['path: a.csv', 'poll: 2s', '/sources/nab/path'],
    ['from: [odd]', 'from: []', '/sinks/out/from'],
    ['sinks:', 'sink:', '/sink'],
  ];
  for (const [part, instead, path] of changes) {
    const text = good.replace(part, instead);
    t.ok(misfits(parse(text, { uniqueKeys: false }), schema, schema).includes(path), `${instead}: ${path}`);
    t.equal(readConfigText('mine.yml', text, {}).config, undefined, `${instead}: the loader`);
  }
  // A variable may stand for any of them.
  t.strictSame(misfits(parse(good.replace('8080', '"${PORT}"').replace('10s', '"${EVERY:-10s}"').replace('3.5', '"${S}"').replace('up', '"${D}"')), schema, schema), []);
});

t.test('every field that may be set has a description', async (t) => {
  const bare: string[] = [];
  const visit = (part: ReturnType<typeof configJsonSchema>, path: string): void => {
    for (const [key, field] of Object.entries(part.properties ?? {})) {
      if (field.description === undefined && field.$ref === undefined) bare.push(`${path}/${key}`);
      visit(field, `${path}/${key}`);
    }
    if (part.items !== undefined) visit(part.items, `${path}[]`);
    for (const of of part.anyOf ?? []) visit(of, path);
  };
  visit(schema, '');
  for (const [name, definition] of Object.entries(schema.definitions ?? {})) visit(definition, name);
  t.strictSame(bare, []);
});

t.test('every documented example of an operator is a config', async (t) => {
  for (const { name, examples } of registry.operators) {
    for (const { title, config } of examples) {
      // Numbers and durations must survive being written down.
      const text = stringify({ sources: { in: { type: 'http' } }, operators: { it: { type: name, from: 'in', ...config } }, sinks: { out: { type: 'log', from: 'it' } } });
      const { diagnostics } = readConfigText('example.yml', text, {});
      t.strictSame(diagnostics.filter(({ severity }) => severity === 'error'), [], `${name}: ${title}`);
      t.strictSame(misfits(parse(text), schema, schema), [], `${name}: ${title}, for an editor`);
    }
  }
});

t.test('every documented example of a connector is a part of a config', async (t) => {
  const examples = [...registry.sources, ...registry.sinks].flatMap(({ name, examples: own }) => own.map((example) => ({ name, ...example })));
  t.ok(examples.length > 10);
  for (const { name, title, yaml } of examples) {
    const { diagnostics } = readConfigText('example.yml', yaml, {});
    // A fragment may lack the nodes around it: what it says itself must be right.
    const wrong = diagnostics.filter(({ severity, message }) => severity === 'error' && !/^(a config needs|there is no node|nobody reads)/.test(message));
    t.strictSame(wrong.map(({ message }) => message), [], `${name}: ${title}`);
  }
});

t.test('the generated pages are up to date (else: millrace docs --write docs)', async (t) => {
  const stale = [...pages()].filter(([path, text]) => !existsSync(join(root, 'docs', path)) || readFileSync(join(root, 'docs', path), 'utf8') !== text).map(([path]) => path);
  t.strictSame(stale, []);
  const known = new Set(pages().keys());
  const left = ['operators', 'connectors'].flatMap((folder) => readdirSync(join(root, 'docs', folder)).map((name) => `${folder}/${name}`)).filter((path) => !known.has(path));
  t.strictSame(left, [], 'and no page is left over');
});
