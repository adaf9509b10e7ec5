import { join } from 'node:path';
import t from 'tap';
import { feedback } from '../../cli/feedback.js';
import { Book } from '../../connectors/feedback/book.js';
import type { z } from 'zod';
import { folder, stage } from '../connectors/stage.js';
import * as schemas from '../../server/schemas.js';
import { anomaly, Memory, NOW, startApi } from './api-harness.js';
import { ask } from './raw-client.js';
import { start } from '../cli/command.js';

const ID = '0123456789abcdef';
const PATH = `/api/anomalies/${ID}/feedback`;

await t.test('feedback is said, listed and undone; what it changes is told', async (t) => {
  const { runtime, server, get } = await startApi(t);
  const port = Number(new URL(server.address).port);
  const post = (body: unknown, path = PATH) => ask(port, path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const undo = (body = '', path = PATH) => ask(port, path, { method: 'DELETE', body, headers: { 'content-length': String(body.length) } });
  const store = new Memory();
  store.found = [anomaly({ id: ID })];
  runtime.stores = [store];
  runtime.planned = [{ name: 'odd', type: 'detect' }];

  t.match((await post({ verdict: 'false_positive' })).json(), { status: 409, detail: /add a source of type feedback, and name it/ }, 'a graph without');
  t.match((await get(PATH)).json(), { anomaly_id: ID, feedback: [] });
  const book = new Book(stage(folder(t), { node: 'people' }).context);
  await book.open(0);
  t.teardown(() => book.close());
  runtime.book = book;

  t.match((await post({ verdict: 'false_positive' }, '/api/anomalies/fedcba9876543210/feedback')).json(), { status: 404, detail: /no anomaly "fedcba9876543210"/ });
  t.equal((await get('/api/anomalies/fedcba9876543210/feedback')).status, 404);
  t.equal((await undo('', '/api/anomalies/fedcba9876543210/feedback')).status, 404);
  t.equal((await undo()).status, 409, 'nothing stands');
  t.match((await post('{"verdict')).json(), { status: 400, detail: /not JSON/ });
  t.match((await post({ verdict: 'maybe', mood: 1 })).json(), { status: 422, detail: /verdict: .*false_positive.*mood/, errors: [{ member: 'verdict' }, {}] });
  t.equal((await post({ verdict: 'false_positive', note: 'x'.repeat(2_001) })).status, 422);
  t.equal((await post('')).status, 422);

  const blind = await post({ verdict: 'true_positive' });
  t.match(blind.json(), { effect: 'It is kept and changes nothing: odd does not read people.' });
  runtime.reads = ['people'];
  const said = await post({ verdict: 'false_positive', note: 'backup', by: 'ann' });
  t.equal(said.status, 202);
  t.strictSame(schemas.feedbackAcceptedBody.parse(said.json()), said.json());
  t.match(said.json(), { anomaly_id: ID, revision: 2, verdict: 'false_positive', note: 'backup', by: 'ann', holds_from: new Date(NOW + 1_000).toISOString(), undone: false, effect: /^odd raises the threshold of cpu_usage\{host="a"\}, and a little those of other series of cpu_usage, from 2024-01-15T12:00:01.000Z on/ });
  t.equal((await post({ verdict: 'false_positive', note: 'backup' })).status, 409, 'said already');
  const listed = async (): Promise<z.infer<typeof schemas.anomaliesBody>['anomalies']> => schemas.anomaliesBody.parse((await get('/api/anomalies')).json()).anomalies;
  t.match(await listed(), [{ id: ID, feedback: { verdict: 'false_positive', by: 'ann' } }]);

  t.match((await undo('{"by":"bob","note":"it was right"}')).json(), { revision: 3, undone: true, by: 'bob', effect: /^odd takes the threshold of .* back to what they were without it/ });
  t.equal((await listed())[0]!.feedback, undefined);
  const trail = (await get(PATH)).json();
  t.strictSame(schemas.feedbackBody.parse(trail), trail);
  t.match(trail, { feedback: [{ verdict: 'true_positive', by: '127.0.0.1' }, { verdict: 'false_positive', by: 'ann' }, { undone: true, by: 'bob', note: 'it was right' }] });
  // The stores may have forgotten the anomaly, not what was said of it.
  store.found = [];
  t.match((await get(PATH)).json(), { feedback: [{}, {}, {}] });
});

await t.test('millrace feedback', async (t) => {
  const { runtime, server } = await startApi(t);
  const store = new Memory();
  store.found = [anomaly({ id: ID })];
  runtime.stores = [store];
  runtime.planned = [{ name: 'odd', type: 'detect' }];
  runtime.reads = ['people'];
  const book = new Book(stage(folder(t), { node: 'people' }).context);
  await book.open(0);
  t.teardown(() => book.close());
  runtime.book = book;
  const config = (port: number | string): string => `server: { port: ${port} }\nsources: { in: { type: generate, rate: 1 } }\nsinks: { out: { type: log, from: in } }\n`;
  const cwd = t.testdir({ 'mine.yml': config(new URL(server.address).port), 'away.yml': config(9) });
  const said = (...args: string[]) => start(cwd, ['feedback', ...args, '-c', 'mine.yml']).ended;

  t.match(await said(ID), { code: 0, stdout: `Nobody has said anything of anomaly ${ID}.\n` });
  t.match(await said(ID, '--false-positive', '--note', 'a \x1b[31m backup', '--by', 'ann'), { code: 0, stdout: /^odd raises the threshold of cpu_usage/ });
  const undone = await said(ID, '--undo', '--json');
  t.match(JSON.parse(undone.stdout), { undone: true, verdict: 'false_positive' });
  const listed = (await said(ID)).stdout;
  t.match(listed, /^[\d:.TZ-]+ {2}false alarm {2}ann: a .*backup\n[\d:.TZ-]+ {2}undone {7}\S/);
  t.notMatch(listed, '\x1b', 'what people wrote is printed as text');
  t.match(JSON.parse((await said(ID, '--json')).stdout), { anomaly_id: ID, feedback: [{}, {}] });
  const fails = (what: string, options: object, message: RegExp, code: number, file = 'mine.yml') => t.rejects(feedback(what, { config: join(cwd, file), ...options }), { name: 'CommandError', code, message });
  await fails(ID, { undo: true }, /No feedback stands/, 1);
  await fails('fedcba9876543210', { truePositive: true }, /no anomaly "fedcba9876543210"/, 1);
  await fails(ID, { undo: true, truePositive: true }, /say one of them/, 1);
  await fails(ID, { note: 'why' }, /--note goes with/, 1);
  await fails(ID, {}, /no engine of this config answers at http:\/\/127\.0\.0\.1:9/, 2, 'away.yml');
});
