import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';

const servers = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .default(['nats://127.0.0.1:4222'])
  .transform((value) => (typeof value === 'string' ? value.split(',').map((each) => each.trim()) : value))
  .describe('addresses of the servers of one cluster, such as nats://host:4222; tls:// where TLS is required');

const tls = z
  .strictObject({
    ca: z.string().optional().describe('file with the certificates (PEM) that sign those of the servers; default: those of the system'),
    cert: z.string().optional().describe('file with our certificate (PEM), where the server asks for one'),
    key: z.string().optional().describe('file with its key (PEM)'),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'cert and key belong together')
  .optional()
  .describe('files for TLS; `{}`: TLS with the certificates of the system');

/** Settings of the connection, the same for source and sink. */
export const connectionFields = {
  servers,
  user: z.string().optional().describe('user name'),
  password: z.string().optional().describe('password of the user'),
  token: z.string().optional().describe('token'),
  nkey: z.string().startsWith('SU', 'the seed of a user begins with SU').optional().describe('seed of an NKey (SU...)'),
  nkey_file: z.string().optional().describe('file with the seed of an NKey'),
  credentials: z.string().optional().describe('credentials file (.creds) with JWT and seed'),
  tls,
};

export type ConnectionConfig = z.output<z.ZodObject<typeof connectionFields>>;

/** What is wrong with the settings together. */
export function connectionProblem({ user, password, token, nkey, nkey_file: nkeyFile, credentials }: ConnectionConfig): { readonly path: string; readonly message: string } | undefined {
  const given = Object.entries({ user, token, nkey, nkey_file: nkeyFile, credentials }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length > 1) return { path: given[1]!, message: `${given.join(' and ')} are different ways to log in: give one` };
  if (password !== undefined && user === undefined) return { path: 'password', message: 'a password belongs to a user: give both' };
  return undefined;
}

/** Everything that a client needs to connect, with the contents of the files; plain data, for its thread. */
export interface ConnectionOptions {
  readonly servers: readonly string[];
  /** As the server's monitoring shows it. */
  readonly name: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly nkey?: string;
  readonly credentials?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** Reads the files, which start at folder `base`. Rejects with what can't be read. */
export async function connectionOptions(config: ConnectionConfig, name: string, base: string): Promise<ConnectionOptions> {
  const text = async (what: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    try {
      return await readFile(resolve(base, path), 'utf8');
    } catch (error) {
      throw new Error(`${what} can't be read: ${(error as Error).message}`, { cause: error });
    }
  };
  const { servers: addresses, user, password, token, tls: files } = config;
  const nkey = config.nkey ?? (await text('nkey_file', config.nkey_file))?.trim();
  const credentials = await text('credentials', config.credentials);
  const tlsOptions = files === undefined ? undefined : present({ ca: await text('tls.ca', files.ca), cert: await text('tls.cert', files.cert), key: await text('tls.key', files.key) });
  return present({ servers: addresses, name, user, password, token, nkey, credentials, tls: tlsOptions });
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/** Without the members that are undefined. */
function present<T extends object>(all: T): Present<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Present<T>;
}
