import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { version } = JSON.parse(readFileSync(new URL('package.json', pathToFileURL(`${process.cwd()}/`)), 'utf8')) as { version: string };

export const versions = { node: process.versions.node, millrace: version };
