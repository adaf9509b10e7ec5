import { z } from 'zod';

interface Inner {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly defaultValue?: unknown;
}

function inner(schema: z.ZodType): Inner {
  return schema._zod.def as unknown as Inner;
}

/** The schema of what is written, without defaults and transformations around it. */
export function written(schema: z.ZodType): z.ZodType {
  const { innerType, in: before, out, type } = inner(schema);
  if (innerType !== undefined) return written(innerType);
  // A preprocessing step comes before what is written.
  if (type === 'pipe' && before !== undefined) return written(inner(before).type === 'transform' && out !== undefined ? out : before);
  return schema;
}

/** Fields of a map with fixed keys. */
export function fieldsOf(schema: z.ZodType): Readonly<Record<string, z.ZodType>> | undefined {
  const of = written(schema);
  return of instanceof z.ZodObject ? (of.shape as Record<string, z.ZodType>) : undefined;
}

/** Keys that a schema knows at a place inside; of a union those of all its maps. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  return schemasAt(schema, path).flatMap((at) => Object.keys(fieldsOf(at) ?? {}));
}

/** The field at a path, with its defaults and description; of a union the first that has it. */
export function fieldAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  const last = path.at(-1);
  if (last === undefined) return schema;
  for (const around of schemasAt(schema, path.slice(0, -1))) {
    const step = steps(around, last)[0];
    if (step !== undefined) return step;
  }
  return undefined;
}

function schemasAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType[] {
  let at = [...alternatives(schema)];
  for (const key of path) at = at.flatMap((of) => steps(of, key)).flatMap(alternatives);
  return at;
}

function steps(schema: z.ZodType, key: PropertyKey): z.ZodType[] {
  const fields = fieldsOf(schema);
  if (fields !== undefined) return Object.hasOwn(fields, key) ? [fields[String(key)]!] : [];
  const { element, valueType } = inner(written(schema));
  return [element, valueType].filter((of) => of !== undefined);
}

/** The members of a union; else the schema itself. */
export function alternatives(schema: z.ZodType): readonly z.ZodType[] {
  const of = written(schema);
  const { options } = inner(of);
  return options === undefined ? [of] : options.flatMap(alternatives);
}

export function descriptionOf(schema: z.ZodType): string | undefined {
  if (schema.description !== undefined) return schema.description;
  const { innerType, in: before } = inner(schema);
  const next = innerType ?? before;
  return next === undefined ? undefined : descriptionOf(next);
}

/** What is taken where nothing is written; undefined: nothing. */
export function defaultOf(schema: z.ZodType): unknown {
  const { type, innerType, defaultValue } = inner(schema);
  if (type === 'default' || type === 'prefault') return defaultValue;
  return innerType === undefined ? undefined : defaultOf(innerType);
}

/** May be left out. */
export function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

/** What a schema's author gave as examples or a pattern. */
export function metaOf(schema: z.ZodType): { readonly examples?: readonly unknown[]; readonly pattern?: string } {
  return (written(schema).meta() ?? {}) as { examples?: readonly unknown[]; pattern?: string };
}

/** What may be written, in a word or two: `number`, `text`, `list`, `true or false`. */
export function typeName(schema: z.ZodType): string {
  const { examples } = metaOf(schema);
  if (examples !== undefined && typeof examples[0] === 'string') return `text such as ${examples.slice(0, 2).join(' or ')}`;
  const of = written(schema);
  const { type, options } = inner(of);
  if (options !== undefined) return [...new Set(options.map(typeName))].join(' or ');
  return typeNames[type] ?? type;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  enum: 'one of its words',
  literal: 'a fixed word',
  null: 'nothing',
};
export function expectedName(expected: string): string {
  return typeNames[expected] ?? expected;
}
