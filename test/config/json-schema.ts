import type { JsonSchema } from '../../config/json-schema.js';

/** What an editor would underline: a plain reading of the parts of JSON Schema that are used. Paths of what does not fit. */
export function misfits(value: unknown, schema: JsonSchema, root: JsonSchema, path = ''): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.replace('#/definitions/', '');
    const target = root.definitions?.[name];
    if (target === undefined) throw new Error(`there is no definition ${name}`);
    return misfits(value, target, root, path);
  }
  const here = path === '' ? '/' : path;
  const found: string[] = [];
  if (schema.const !== undefined && value !== schema.const) found.push(here);
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(here);
  if (schema.type !== undefined && !isOf(value, schema.type)) return [...found, here];
  if (typeof value === 'string' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) found.push(here);
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
    if (value < minimum || value > maximum || value <= exclusiveMinimum || value >= exclusiveMaximum) found.push(here);
  }
  if (Array.isArray(value)) {
    if (value.length < (schema.minItems ?? 0)) found.push(here);
    if (schema.items !== undefined) found.push(...value.flatMap((item, i) => misfits(item, schema.items!, root, `${path}/${i}`)));
  } else if (typeof value === 'object' && value !== null) {
    found.push(...(schema.required ?? []).filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}/${key}`));
    for (const [key, inner] of Object.entries(value)) {
      const field = schema.properties?.[key] ?? schema.additionalProperties;
      if (field === false) found.push(`${path}/${key}`);
      else if (typeof field === 'object') found.push(...misfits(inner, field, root, `${path}/${key}`));
    }
  }
  if (schema.anyOf !== undefined && !schema.anyOf.some((of) => misfits(value, of, root, path).length === 0)) found.push(here);
  for (const of of schema.allOf ?? []) {
    if (of.if === undefined) found.push(...misfits(value, of, root, path));
    else if (misfits(value, of.if, root, path).length === 0 && of.then !== undefined) found.push(...misfits(value, of.then, root, path));
  }
  return [...new Set(found)];
}

function isOf(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
