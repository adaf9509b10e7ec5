// npm run pictures: draws those of docs/detection.md anew, and prints what is told in each.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pictureOf } from './picture.js';
import { scenes } from './scenes.js';

mkdirSync('docs/detection', { recursive: true });
for (const scene of scenes) {
  const { svg, told } = pictureOf(scene);
  writeFileSync(join('docs/detection', `${scene.name}.svg`), svg);
  process.stdout.write(`${scene.name}\n${told.map((each) => `  ${each}\n`).join('')}`);
}
