import { stringify } from 'yaml';
import type { AnySink, AnySource, ConnectorExample } from '../engine/connector.js';
import type { AnyOperator, Example, Ports } from '../engine/operator.js';
import { configPage, connectorNames } from './config-page.js';
import { configJsonSchema, inputSchema } from './json-schema.js';
import { fence, generatedFrom, page } from './markdown.js';
import { registry } from './registry.js';
import { settingsTable } from './settings-table.js';

/** The generated pages: contents by path in `docs/`. */
export function pages(): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const operator of registry.operators) made.set(`operators/${operator.name}.md`, operatorPage(operator));
  for (const name of connectorNames()) made.set(`connectors/${name}.md`, connectorPage(name));
  made.set('config.md', configPage());
  made.set('millrace.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  return made;
}

function operatorPage(operator: AnyOperator): string {
  const { name, summary, description, config, examples } = operator;
  return page([
    generatedFrom(`operators/${name}/`),
    `# ${name}`,
    summary,
    fence('yaml', `operators:\n  NAME: { type: ${name}, from: NODE${requiredSettings(operator)} }`),
    portsText(operator),
    description.trim(),
    '## Settings',
    settingsTable(inputSchema(config)),
    '## Examples',
    ...examples.flatMap((example) => exampleText(name, example)),
  ]);
}

/** Settings without which it does not start, as they are in the first example. */
function requiredSettings({ config, examples }: AnyOperator): string {
  const { required = [], oneOf = [] } = inputSchema(config);
  const example = examples[0]?.config ?? {};
  const chosen = oneOf.find((one) => one.required?.every((key) => example[key] !== undefined))?.required ?? [];
  const needed = [...required, ...chosen].filter((key) => example[key] !== undefined && typeof example[key] !== 'object');
  return needed.map((key) => `, ${key}: ${JSON.stringify(example[key]).replaceAll('"', '')}`).join('');
}

/** Columns depend on the config: those of the first example. */
function portsText(operator: AnyOperator): string {
  const parsed = operator.config.safeParse(operator.examples[0]?.config ?? {});
  if (!parsed.success) return '';
  const { input, output }: Ports = operator.ports(parsed.data);
  const takes = [input.rows === undefined ? '' : `rows${input.rows.length === 0 ? '' : ` with ${input.rows.map(code).join(', ')}`}`, input.findings === undefined ? '' : `findings (${input.findings.join(', ')})`];
  const gives = [
    output.rows === undefined ? '' : `rows${output.rows.length === 0 ? '' : ` with ${output.rows.map(code).join(', ')}`}${output.passes === true ? ' and the columns of its inputs' : ''}`,
    output.findings === undefined ? '' : `findings (${output.findings.join(', ')})`,
    output.late === true ? '`NAME.late`' : '',
  ];
  return `Takes ${joined(takes)}; gives ${joined(gives)}.`;
}

function exampleText(name: string, { title, config, input, output }: Example): string[] {
  const written = stringify({ operators: { NAME: { type: name, from: 'NODE', ...config } } }, { lineWidth: 120 }).trimEnd();
  return [`### ${title}`, fence('yaml', written), fence('', ['# in', ...input, '', '# out', ...output].join('\n'))];
}

function connectorPage(name: string): string {
  const source = registry.sources.find((of) => of.name === name);
  const sink = registry.sinks.find((of) => of.name === name);
  const parts = [...(source === undefined ? [] : connectorPart(source, 'source', sink !== undefined)), ...(sink === undefined ? [] : connectorPart(sink, 'sink', source !== undefined))];
  return page([generatedFrom(`connectors/${name}/`), `# ${name}`, ...parts]);
}

function connectorPart({ name, summary, description, config, examples }: AnySource | AnySink, kind: 'source' | 'sink', both: boolean): string[] {
  const level = both ? '###' : '##';
  const settings = inputSchema(config);
  return [
    ...(both ? [`## As a ${kind}`] : []),
    summary,
    fence('yaml', `${kind}s:\n  NAME: { type: ${name}${kind === 'sink' ? ', from: NODE' : ''} }`),
    description.trim(),
    ...(Object.keys(settings.properties ?? {}).length === 0 ? [] : [`${level} Settings`, settingsTable(settings)]),
    ...(examples.length === 0 ? [] : [`${level} Examples`, ...examples.flatMap(({ title, yaml }: ConnectorExample) => [`**${title}**`, fence('yaml', yaml.trimEnd())])]),
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

function joined(parts: readonly string[]): string {
  const there = parts.filter((part) => part !== '');
  return there.length === 0 ? 'nothing' : there.length === 1 ? there[0]! : `${there.slice(0, -1).join(', ')} and ${there.at(-1)}`;
}
