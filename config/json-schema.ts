import { z } from 'zod';
import { formatDuration } from '../engine/scalars.js';
import { registry } from './registry.js';
import { componentTypes, sections, settingsSchema, type Section } from './schema.js';

/** The parts of JSON Schema that are used here. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly if?: JsonSchema;
  readonly then?: JsonSchema;
  readonly definitions?: Readonly<Record<string, JsonSchema>>;
}

/** What may be written, as JSON Schema (draft 7): durations and sizes as texts with their units, and their defaults, too. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...made } = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any', override: keepDefault }) as JsonSchema;
  return asWritten(made);
}

/** A default behind a transformation is left out by zod, since it is no input; here it is told as one. */
function keepDefault({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: { default?: unknown } }): void {
  const { def } = zodSchema._zod;
  if (def.type === 'default' && jsonSchema.default === undefined) jsonSchema.default = def.defaultValue;
}

function asWritten(schema: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, anyOf, ...rest } = schema;
  const inside = {
    ...(properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(properties).map(([key, field]) => [key, asWritten(field)])) }),
    ...(items === undefined ? {} : { items: asWritten(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: typeof additionalProperties === 'object' ? asWritten(additionalProperties) : additionalProperties }),
  };
  const alternatives = anyOf?.map(asWritten);
  const scalar = [rest, ...(alternatives ?? [])].find(({ pattern, examples }) => pattern !== undefined && examples !== undefined);
  const unit = scalar === undefined ? undefined : /h\|d\|w/.test(scalar.pattern!) ? formatDuration : /KiB/.test(scalar.pattern!) ? formatSize : undefined;
  const fallback = typeof rest.default === 'number' && unit !== undefined ? { default: unit(rest.default) } : {};
  // A duration is read from a text or a number only to refuse the number with a better message.
  if (scalar === rest && unit !== undefined) return { ...rest, ...fallback };
  return { ...rest, ...fallback, ...inside, ...(alternatives === undefined ? {} : { anyOf: alternatives }) };
}

export function formatSize(bytes: number): string {
  for (const [unit, size] of [['GiB', 1024 ** 3], ['MiB', 1024 ** 2], ['KiB', 1024], ['GB', 1e9], ['MB', 1e6], ['kB', 1e3]] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes}B`;
}

const VARIABLE = { $ref: '#/definitions/variable' };

/** A variable may stand for any scalar, so an editor must not call it wrong. */
function withVariables(schema: JsonSchema): JsonSchema {
  const { description, default: fallback, type, properties, items, additionalProperties, anyOf, ...rest } = schema;
  const about = { ...(description === undefined ? {} : { description }), ...(fallback === undefined ? {} : { default: fallback }) };
  if (anyOf !== undefined) return { ...schema, anyOf: [...anyOf.map(withVariables), ...(anyOf.some(isText) ? [] : [VARIABLE])] };
  if (type === 'number' || type === 'integer' || type === 'boolean' || rest.enum !== undefined || (type === 'string' && rest.pattern !== undefined)) {
    return { ...about, anyOf: [{ ...(type === undefined ? {} : { type }), ...rest }, VARIABLE] };
  }
  return {
    ...about,
    ...(type === undefined ? {} : { type }),
    ...(properties === undefined ? {} : { properties: Object.fromEntries(Object.entries(properties).map(([key, field]) => [key, withVariables(field)])) }),
    ...(items === undefined ? {} : { items: withVariables(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: typeof additionalProperties === 'object' ? withVariables(additionalProperties) : additionalProperties }),
    ...rest,
  };
}

function isText({ type, pattern, enum: words }: JsonSchema): boolean {
  return type === 'string' && pattern === undefined && words === undefined;
}

const FROM: JsonSchema = {
  description: 'Whom it reads: the name of a node, NAME.late for the late rows of one, or a list of these.',
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
};

const AFTER: JsonSchema = {
  description: 'The sources that must have ended before this one is read: the name of one, or a list.',
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
};

/** The JSON Schema of a config file, for editors. */
export function configJsonSchema(): JsonSchema {
  const settings = inputSchema(settingsSchema);
  const definitions: Record<string, JsonSchema> = {
    variable: { type: 'string', pattern: String.raw`\$\{`, description: '${NAME} or ${NAME:-default}: from the environment.' },
  };
  const properties: Record<string, JsonSchema> = {};
  for (const [key, field] of Object.entries(settings.properties ?? {})) {
    if (sections.includes(key as Section)) properties[key] = sectionSchema(key as Section, field.description ?? '', definitions);
    else properties[key] = withVariables(key === 'components' ? componentsSchema(field) : field);
  }
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Millrace config',
    type: 'object',
    properties,
    required: ['sources', 'sinks'],
    additionalProperties: false,
    definitions,
  };
}

function sectionSchema(section: Section, description: string, definitions: Record<string, JsonSchema>): JsonSchema {
  const one = section.slice(0, -1);
  const all = registry[section];
  for (const { name, summary, config } of all) {
    const { properties, required = [], ...rest } = withVariables(inputSchema(config));
    const from = section === 'sources' ? { after: AFTER } : { from: FROM };
    // They may come from a file.
    const needed = required.filter((key) => !(name === 'burn-rate' && key === 'slos'));
    definitions[`${one}.${name}`] = { ...rest, description: summary, properties: { type: { const: name, description: summary }, ...from, ...properties }, required: ['type', ...(section === 'sources' ? [] : ['from']), ...needed] };
  }
  // Each by its type, so that an editor tells what is wrong with this one, not that it is like none of all.
  const node: JsonSchema = {
    type: 'object',
    properties: { type: { enum: all.map(({ name }) => name), description: `Type of the ${one}.` } },
    required: ['type'],
    // oxlint-disable-next-line unicorn/no-thenable -- the word of JSON Schema
    allOf: all.map(({ name }) => ({ if: { properties: { type: { const: name } }, required: ['type'] }, then: { $ref: `#/definitions/${one}.${name}` } })),
  };
  return { type: 'object', description, additionalProperties: node };
}

function componentsSchema(field: JsonSchema): JsonSchema {
  const properties = Object.entries(field.properties ?? {}).map(([component, schema]) => {
    const operator = registry.operators.find(({ name }) => name === componentTypes[component as keyof typeof componentTypes])!;
    return [component, { ...schema, properties: { ...schema.properties, ...inputSchema(operator.config).properties }, additionalProperties: false }];
  });
  return { ...field, properties: Object.fromEntries(properties) as Record<string, JsonSchema> };
}
