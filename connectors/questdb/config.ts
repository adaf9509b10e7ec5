import { z } from 'zod';
import { SPOOL_BYTES } from '../../engine/limits.js';
import { duration, size } from '../../engine/scalars.js';

/** So that a record of the spool has room for any row. */
const LEAST_SPOOL = 64 * 1024 * 1024;

function address(protocols: readonly string[]) {
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), `must be an address that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
}

export const config = z
  .strictObject({
    url: address(['http:', 'https:'])
      .default('http://127.0.0.1:9000')
      .describe('address of QuestDB over HTTP, which takes rows and statements'),
    username: z.string().min(1).optional().describe('of HTTP'),
    password: z.string().optional().describe('of HTTP'),
    token: z.string().min(1).optional().describe('of HTTP, in place of `username` and `password` (QuestDB Enterprise)'),
    tls_ca: z.string().min(1).optional().describe('file with the certificate of the authority that signed that of an https address, in PEM; relative to the config file'),
    tls_verify: z.boolean().default(true).describe('false: an https address is believed whatever its certificate'),
    postgres: address(['postgres:', 'postgresql:'])
      .optional()
      .describe('address for reading the history (PGWire); default: `postgresql://admin:quest@HOST:8812/qdb`, HOST being that of `url`'),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_]*$/, 'must have letters, digits and _ only')
      .default('')
      .describe('what the names of all tables begin with: one QuestDB for several graphs'),
    retention: z
      .union([z.literal('forever'), duration({ min: '1d' })])
      .default(90 * 86_400_000)
      .describe('rows and findings older than this are deleted, by whole days (TTL); or `forever`'),
    labels: z
      .union([z.enum(['all', 'none']), z.array(z.string().min(1)).min(1)])
      .default('all')
      .describe('labels that get a column of their own, up to 32 a table: `all`, `none`, or a list; every label is in `series`'),
    encoder: z
      .enum(['client', 'binary'])
      .default('client')
      .describe("`client`: rows are encoded by QuestDB's client; `binary`: by our own encoder, the same bytes for about a tenth of the time, for more than some ten thousand rows a second"),
    spool: size()
      .refine((bytes) => bytes >= LEAST_SPOOL, 'must be at least 64MiB')
      .default(SPOOL_BYTES)
      .describe('bound on what waits on disk while QuestDB is away, about 100 bytes a row; past it the sources wait'),
  })
  .refine(({ username, token }) => username === undefined || token === undefined, { path: ['token'], message: 'takes the place of `username`: give one of them' })
  .refine(({ username, password }) => password === undefined || username !== undefined, { path: ['password'], message: 'needs `username`' });
export type QuestdbConfig = z.output<typeof config>;
