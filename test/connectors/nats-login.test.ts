import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credsAuthenticator, nkeys, type NatsConnection } from 'nats';
import t, { type Test } from 'tap';
import { sourceConfig } from '../../connectors/nats/source-config.js';
import { natsServer, serversNeeded } from '../services/in-tests.js';
import { certificates } from './certificates.js';
import { client, json, Reader, until } from './nats-rig.js';
import { folder, stage, source } from './stage.js';
import { natsSource } from '../../connectors/nats/source.js';

const needed = await serversNeeded('nats');

/** A pair of keys, as the client library makes them; its types do not say. */
interface Keys {
  getPublicKey(): string;
  getSeed(): Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}
const { createOperator, createAccount, createUser } = nkeys as Record<'createOperator' | 'createAccount' | 'createUser', () => Keys>;
const seedOf = (keys: Keys): string => Buffer.from(keys.getSeed()).toString();

/** What is published reaches a source with these settings. */
async function reads(t: Test, publisher: NatsConnection, config: object): Promise<void> {
  const reader = await Reader.open(t, config);
  await until(() => reader.source.health!().status !== 'down');
  publisher.publish('metrics.v1.a', json('m', 1));
  await reader.until(1);
  await reader.close();
}

/** A source with these settings is refused, says why once and tries on. */
async function refused(t: Test, config: object, reason: RegExp): Promise<void> {
  const reader = await Reader.open(t, config);
  await until(() => reason.test(reader.source.health!().detail ?? ''));
  t.equal(reader.source.health!().status, 'down');
  // Some attempts later.
  await new Promise((resolve) => setTimeout(resolve, 800));
  const told = reader.stage.logged.map(({ level, msg }) => `${level} ${msg}`);
  t.same(told.filter((msg) => !reason.test(msg) || !msg.startsWith('40 ')), []);
  // Whether the server's word arrives before its end is a matter of timing: two reasons then.
  t.equal(new Set(told).size, told.length);
  await reader.close();
}

const LOGIN = /the server refuses the user, or what proves it/;

t.test('user and password, token, NKey', needed, async (t) => {
  const [user, file] = [createUser(), join(folder(t), 'seed')];
  writeFileSync(file, `${seedOf(user)}\n`);
  const [withUsers, withToken] = await Promise.all([
    natsServer(t, { config: `authorization { users: [{ user: ann, password: "p w" }, { nkey: ${user.getPublicKey()} }, { user: bob, password: b, permissions: { subscribe: ["_INBOX.>"] } }] }` }),
    natsServer(t, { config: 'authorization { token: "s3cret" }' }),
  ]);
  const publisher = await client(t, withUsers.url, { user: 'ann', pass: 'p w' });
  await reads(t, publisher, { servers: withUsers.url, user: 'ann', password: 'p w' });
  await reads(t, publisher, { servers: withUsers.url, nkey: seedOf(user) });
  await reads(t, publisher, { servers: withUsers.url, nkey_file: file });
  await reads(t, await client(t, withToken.url, { token: 's3cret' }), { servers: withToken.url, token: 's3cret' });
  await Promise.all([
    refused(t, { servers: withUsers.url, user: 'ann', password: 'wrong' }, LOGIN),
    refused(t, { servers: withUsers.url, nkey: seedOf(createUser()) }, LOGIN),
    refused(t, { servers: withToken.url }, LOGIN),
  ]);

  const reader = await Reader.open(t, { servers: withUsers.url, user: 'bob', password: 'b' });
  await until(() => reader.source.health!().status === 'down' && /^subscribing to metrics.v1.>: .*permissions/i.test(reader.source.health!().detail!));
  t.notOk(reader.source.hears!());
});

/** A JWT as the operator mode of NATS has it. */
function jwt(of: { readonly sub: string; readonly name: string; readonly nats: object }, issuer: Keys): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iat: 1_700_000_000, iss: issuer.getPublicKey(), ...of };
  const body = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ jti: createHash('sha256').update(JSON.stringify(claims)).digest('hex'), ...claims })}`;
  return `${body}.${Buffer.from(issuer.sign(Buffer.from(body))).toString('base64url')}`;
}

t.test('a credentials file', needed, async (t) => {
  const [operator, account, user] = [createOperator(), createAccount(), createUser()];
  const operatorJwt = jwt({ sub: operator.getPublicKey(), name: 'operator', nats: { type: 'operator', version: 2 } }, operator);
  const accountJwt = jwt({ sub: account.getPublicKey(), name: 'account', nats: { type: 'account', version: 2, limits: { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 } } }, operator);
  const userJwt = jwt({ sub: user.getPublicKey(), name: 'user', nats: { type: 'user', version: 2, subs: -1, data: -1, payload: -1 } }, account);
  const creds = `-----BEGIN NATS USER JWT-----\n${userJwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seedOf(user)}\n------END USER NKEY SEED------\n`;
  const file = join(folder(t), 'user.creds');
  writeFileSync(file, creds);
  const server = await natsServer(t, { config: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }` });
  await reads(t, await client(t, server.url, { authenticator: credsAuthenticator(Buffer.from(creds)) }), { servers: server.url, credentials: file });
  await refused(t, { servers: server.url, nkey: seedOf(user) }, LOGIN);
});

t.test('TLS: the server is known by its authority, and knows us by our certificate', needed, async (t) => {
  const at = folder(t);
  const [good, other] = [certificates(at, 'good'), certificates(at, 'other')];
  const server = await natsServer(t, { config: `tls { cert_file: "${good.cert}", key_file: "${good.key}", ca_file: "${good.ca}", verify: true }` });
  const servers = server.url.replace('nats:', 'tls:');
  const files = { caFile: good.ca, certFile: good.cert, keyFile: good.key };
  // The stock client would have an address be called localhost.
  const publisher = await client(t, servers, { tls: { ...files, checkServerIdentity: () => undefined } });
  await reads(t, publisher, { servers, tls: good });
  await reads(t, publisher, { servers: ['nats://127.0.0.1:1', servers], tls: good });
  await Promise.all([
    refused(t, { servers, tls: { ...good, ca: other.ca } }, /self-signed certificate in certificate chain|unable to verify/),
    refused(t, { servers, tls: { ca: good.ca } }, /certificate required|handshake failure|the server closed|disconnect|reset/i),
  ]);
});

t.test('settings that can’t be are refused with what is wrong', async (t) => {
  const wrong: readonly (readonly [config: object, path: string, reason: RegExp])[] = [
    [{ user: 'a', token: 'b' }, 'token', /user and token are different ways to log in/],
    [{ password: 'b' }, 'password', /belongs to a user/],
    [{ nkey: 'UABC' }, 'nkey', /begins with SU/],
    [{ tls: { cert: 'a' } }, 'tls', /belong together/],
    [{ subjects: ['a b'] }, 'subjects.0', /is not a subject/],
    [{ subjects: ['a.>.b'] }, 'subjects.0', /is not a subject/],
    [{ subjects: ['a..b'] }, 'subjects.0', /is not a subject/],
    [{ subjects: ['a.*', '*.b'] }, 'subjects.1', /\*\.b and a\.\* have subjects in common/],
    [{ subjects: ['>'] }, 'subjects.0', /takes in deadletters\.v1/],
    [{ queue: 'q', jetstream: {} }, 'queue', /for core subscriptions/],
    [{ jetstream: { stream: 'a.b' } }, 'jetstream.stream', /no spaces, dots/],
    [{ jetstream: { from: 'yesterday' } }, 'jetstream.from', /none of start, new and a time/],
  ];
  for (const [config, path, reason] of wrong) {
    const issues = sourceConfig.safeParse(config).error?.issues ?? [];
    t.match(issues.map((issue) => [issue.path.join('.'), issue.message]), [[path, reason]], JSON.stringify(config));
  }
  for (const subjects of [['a.*.c', 'a.b'], ['a.b.>', 'a.b'], ['*'], ['metrics.v1.*.web', 'metrics.v1.*.db']]) t.ok(sourceConfig.safeParse({ subjects }).success, subjects.join(' '));
  const at = folder(t);
  for (const config of [{ nkey_file: 'none' }, { credentials: 'none' }, { tls: { ca: 'none' } }]) {
    await t.rejects(source(natsSource, config, stage(at)).open(undefined), { message: /^(nkey_file|credentials|tls\.ca) can't be read: .*none/ });
  }
});
