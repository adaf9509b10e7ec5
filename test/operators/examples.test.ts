import t from 'tap';
import { z } from 'zod';
import { operators } from '../../operators/list.js';
import { runExample } from '../kit/reference.js';

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
}

function fieldsWithoutDescription(schema: z.ZodType): string[] {
  const missing: string[] = [];
  const visit = (part: JsonSchema, path: string): void => {
    for (const [name, field] of Object.entries(part.properties ?? {})) {
      // A field that only tells variants apart needs no sentence of its own.
      if (field.description === undefined && !('const' in field)) missing.push(`${path}${name}`);
      visit(field, `${path}${name}.`);
    }
    for (const inner of [part.items ?? [], part.prefixItems ?? [], part.anyOf ?? [], part.oneOf ?? [], part.allOf ?? []].flat()) visit(inner, path);
    if (typeof part.additionalProperties === 'object') visit(part.additionalProperties, `${path}*.`);
    for (const [name, inner] of Object.entries(part.$defs ?? {})) visit(inner, `${name}.`);
  };
  visit(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, '');
  return missing;
}

await t.test('a field without a description is found', async (t) => {
  const schema = z.strictObject({ a: z.number().default(1).describe('told'), b: z.array(z.strictObject({ c: z.string() })).describe('told'), d: z.string().optional() });
  t.strictSame(fieldsWithoutDescription(schema), ['b.c', 'd']);
});

for (const definition of operators) {
  await t.test(definition.name, async (t) => {
    t.ok(definition.examples.length >= 2, 'has at least two examples');
    for (const example of definition.examples) {
      t.strictSame(runExample(definition, example), example.output, example.title);
      const config: unknown = definition.config.parse(example.config);
      t.strictSame(structuredClone(config), config, 'its config is plain data: threads send it to each other');
    }
    t.strictSame(fieldsWithoutDescription(definition.config), [], 'every config field has a description');
  });
}

await t.test('names are unique', async (t) => {
  const names = operators.map(({ name }) => name);
  t.strictSame(names, [...new Set(names)]);
});
