import { inputSchema } from './json-schema.js';
import { fence, generatedFrom, page } from './markdown.js';
import { registry } from './registry.js';
import { componentTypes, plainVariables, sections, settingsSchema, type Section } from './schema.js';
import { settingsTable } from './settings-table.js';

const FORM = `server: { host: 127.0.0.1, port: 8080 }
sources:
  host: { type: host, interval: 1s }
operators:
  cpu: { type: select, from: host, where: 'cpu_usage{mode!="idle"}' }
  odd: { type: detect, from: cpu, sensitivity: 3.5 }
sinks:
  history: { type: duckdb, from: [cpu, odd], path: data/history.duckdb }
  live: { type: live, from: [cpu, odd] }`;

/** The page about config files: what a person has to know, and a table of everything that may be set. */
export function configPage(): string {
  const { properties = {} } = inputSchema(settingsSchema);
  const own = Object.fromEntries(Object.entries(properties).filter(([key]) => !sections.includes(key as Section) && key !== 'components' && key !== 'services'));
  return page([
    generatedFrom('config/schema.ts and config/config-page.ts'),
    '# The config file',
    'A graph is one YAML file: sources, operators and sinks, and what holds for all of them.',
    fence('yaml', FORM),
    `Each node has a name, a \`type\` and the settings of that type; operators and sinks read \`from\` one node or a list. \`from: NAME.late\` reads
the rows that came too late for a node. A source may wait for others: \`after\` names those that must have ended before it is read, as in
[Starting with what is known](operations.md#starting-with-what-is-known). Names are letters, digits, \`-\` and \`_\`. Durations have a unit (\`500ms\`, \`10s\`, \`5m\`, \`1h30m\`, \`30d\`), and so have sizes
(\`64MiB\`, \`500kB\`). Times are ISO 8601, UTC.

\`millrace check\` tells everything that is wrong at once, each with its place and what was probably meant; it also warns of what can't be meant. Editors that know JSON Schema
complete and check while you type, by the line

    # yaml-language-server: $schema=https://.../docs/millrace.schema.json

with the path or address of [millrace.schema.json](millrace.schema.json).`,
    '## Types',
    ['| operators | |', '| --- | --- |', ...registry.operators.map(({ name, summary }) => `| [${name}](operators/${name}.md) | ${summary} |`)].join('\n'),
    ['| connectors | source | sink |', '| --- | --- | --- |', ...connectorNames().map(connectorRow)].join('\n'),
    '## Settings for everything',
    settingsTable({ properties: own }),
    `**Relative paths** start at the folder of the config file, or where \`base\` says. That holds for the data folder, too, so that state
and history are found again from wherever Millrace is started. A file of SLOs is looked for beside the config file that names it.`,
    '## Components',
    `\`components\` switches parts of the graph on and off, and sets all operators of a type together:

    components:
      anomaly_detection: { sensitivity: 4 }       # a default; what an operator says itself counts
      capacity_planning: { enabled: false }       # without these operators, and without what reads only them`,
    ['| component | operators of type |', '| --- | --- |', ...Object.entries(componentTypes).map(([component, type]) => `| \`${component}\` | [${type}](operators/${type}.md) |`)].join('\n'),
    '## Variables of the environment',
    `**In the file**, \`\${NAME}\` in any value is replaced by the variable, and \`\${NAME:-default}\` by the default where the variable is not set or empty;
\`$\${\` is a literal \`\${\`. The value is taken as the number, text, list or truth that the setting asks for. A variable that is not set and has no default is an error.

**Over the file**, \`MILLRACE_\` and the path of a setting, its parts joined by \`_\`, in capitals (\`-\` is \`_\`), sets it:

    MILLRACE_SERVER_PORT=9090 MILLRACE_OPERATORS_ODD_SENSITIVITY=5 millrace run

**Secrets** may come from files: where \`NAME\` is not set, \`NAME_FILE\` names a file that holds the value. That goes for variables in the file, for \`MILLRACE_...\` and for
the names below.

**Known names** without the prefix set these (\`MILLRACE_...\` counts more):`,
    ['| variable | setting |', '| --- | --- |', ...Object.entries(plainVariables).map(([name, path]) => `| \`${name}\` | \`${path.join('.')}\` |`)].join('\n'),
    'The `services` are handed to components that use them. In this version none does; they are read so that an environment made for them is understood.',
  ]);
}

function connectorRow(name: string): string {
  const source = registry.sources.find((of) => of.name === name)?.summary ?? '';
  const sink = registry.sinks.find((of) => of.name === name)?.summary ?? '';
  return `| [${name}](connectors/${name}.md) | ${source} | ${sink} |`;
}

/** What is a source, a sink or both goes by one name. */
export function connectorNames(): string[] {
  return [...new Set([...registry.sources, ...registry.sinks].map(({ name }) => name))].sort();
}
