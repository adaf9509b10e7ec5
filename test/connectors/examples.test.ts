import t from 'tap';
import { parse } from 'yaml';
import { sinks, sources } from '../../connectors/list.js';

/** The one component of a YAML fragment such as `sources: { name: { type: ... } }`, without what the config itself reads. */
function component(yaml: string, section: string): { type: string; from?: unknown; config: Record<string, unknown> } {
  const components = Object.values((parse(yaml) as Record<string, Record<string, Record<string, unknown>>>)[section] ?? {});
  const { type, from, ...config } = components[0] ?? {};
  return { type: type as string, from, config };
}

for (const [section, list] of Object.entries({ sources, sinks })) {
  t.test(`every example of the ${section} is accepted`, async (t) => {
    t.equal(new Set(list.map(({ name }) => name)).size, list.length, 'names are used once');
    for (const definition of list) {
      t.ok(definition.examples.length > 0, definition.name);
      for (const { title, yaml } of definition.examples) {
        const { type, from, config } = component(yaml, section);
        t.equal(type, definition.name, title);
        t.equal(from !== undefined, section === 'sinks', 'a sink has `from`');
        t.equal(definition.config.safeParse(config).error, undefined, title);
      }
    }
  });
}
