import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pictureOf } from './picture.js';
import { scenes } from './scenes.js';

const page = readFileSync('docs/detection.md', 'utf8');

for (const scene of scenes) {
  await t.test(`docs/detection.md: ${scene.name}`, async (t) => {
    const { svg, told } = pictureOf(scene);
    const file = join('docs/detection', `${scene.name}.svg`);
    t.ok(existsSync(file) && readFileSync(file, 'utf8') === svg, `${file} is as the operator is (else: npm run pictures)`);
    t.equal(told.length, 1, `one thing is told: ${told.join('; ')}`);
    t.ok(page.includes(`](detection/${scene.name}.svg)\n\n> ${told[0]}\n`), `the page has below it: ${told[0]}`);
  });
}

await t.test('the page has no pictures that nothing draws', async (t) => {
  const names = scenes.map(({ name }) => `${name}.svg`).toSorted();
  t.strictSame(readdirSync('docs/detection').toSorted(), names);
  const shown = Array.from(page.matchAll(/\(detection\/([^)]+)\)/g), ([, name]): string => name!);
  t.strictSame(shown.toSorted(), names);
});
