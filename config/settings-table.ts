import type { JsonSchema } from './json-schema.js';

/** A table of settings: those inside of maps and lists follow with their path. */
export function settingsTable(schema: JsonSchema): string {
  const rows = [...fields(schema, '')];
  if (rows.length === 0) return 'None.';
  return ['| setting | | default | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function* fields({ properties = {}, required = [] }: JsonSchema, path: string): Generator<string> {
  for (const [key, field] of Object.entries(properties)) {
    const inner = inside(field);
    const fallback = field.default === undefined ? (required.includes(key) ? '**needed**' : '') : shown(field.default, inner !== undefined);
    yield `| ${[`\`${path}${key}\``, cell(typeText(field)), cell(fallback), cell(field.description ?? '')].join(' | ')} |`;
    if (inner !== undefined) yield* fields(inner, `${path}${key}${field.type === 'array' ? '[]' : ''}.`);
  }
}

/** Maps with keys of their own, also as entries of a list. */
function inside(field: JsonSchema): JsonSchema | undefined {
  const of = field.type === 'array' ? field.items : field;
  return of?.properties === undefined ? undefined : of;
}

/** A map's default is told by its fields. */
function shown(value: unknown, hasFields: boolean): string {
  if (hasFields && typeof value === 'object') return '';
  return value === '' ? '`""`' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

/** What may be written: `number from 1 to 100`, `up \| down`, `list of text`. */
export function typeText(schema: JsonSchema): string {
  const { type, enum: words, const: word, anyOf, items, additionalProperties, examples, pattern, properties } = schema;
  if (words !== undefined) return words.map((of) => `\`${String(of as string)}\``).join(', ');
  if (word !== undefined) return `\`${String(word as string)}\``;
  if (type === 'string') return pattern?.includes('h|d|w') === true ? 'duration' : pattern?.includes('KiB') === true ? 'size' : examples === undefined ? 'text' : `text such as \`${String(examples[0] as string)}\``;
  if (type === 'number' || type === 'integer') return `${type === 'integer' ? 'whole number' : 'number'}${range(schema)}`;
  if (type === 'boolean') return '`true`, `false`';
  if (type === 'array') return `list${items === undefined || items.properties !== undefined ? '' : ` of ${typeText(items)}`}`;
  if (type === 'object') return properties === undefined && typeof additionalProperties === 'object' ? `map to ${typeText(additionalProperties)}` : 'map';
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeText))].join(', or ');
  return 'any';
}

/** JSON Schema says that a whole number is one that JavaScript can hold, which nobody needs to read. */
function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const from = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? ` from ${minimum}` : exclusiveMinimum !== undefined ? ` above ${exclusiveMinimum}` : '';
  const to = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? ` to ${maximum}` : exclusiveMaximum !== undefined ? ` below ${exclusiveMaximum}` : '';
  return from + to;
}

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', String.raw`\|`);
}
