import fc from 'fast-check';
import t from 'tap';
import { isoTime } from '../../connectors/payload/iso-time.js';
import { httpSource } from '../../connectors/http/source.js';
import { NOW, Publisher } from './http-publisher.js';

const stopped = AbortSignal.abort();

await t.test('what is posted is read: one sample, an array, a measured SLI', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  const one = await publisher.post('/api/metrics', { metric_name: 'cpu_usage', value: 75.5, timestamp: '2024-01-15T10:30:00Z', labels: { host: 'a' } });
  t.same(one, { status: 202, body: { accepted: 1 } });
  await publisher.post('/api/metrics', [
    { metric_name: 'b', value: -1e-9, timestamp: NOW - 5, labels: { z: 'x"y', a: '1' } },
    { metric_name: 'b', value: 2 },
  ]);
  await publisher.post('/api/sli-measurements', { sli_name: 'api_success_rate', value: 0.999, timestamp: '2024-01-15T11:59:59.5' });
  const { rows, position } = await publisher.read();
  t.same(rows, ['-5400000 cpu_usage{host="a"} 75.5', '-5 b{a="1",z="x\\"y"} -1e-9', '0 b 2', '-500 sli_measurement{sli_name="api_success_rate"} 0.999']);
  t.equal(position, 3);
  t.same(publisher.counts, { accepted: 4 });
  await publisher.source.close();
});

await t.test('what was accepted and not committed is read again after a restart, and no more', async (t) => {
  const folder = t.testdir();
  let publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  for (let i = 0; i < 5; i++) await publisher.post('/api/metrics', { metric_name: 'm', value: i });
  t.same((await publisher.read(2)).rows, ['0 m 0', '0 m 1'], 'about so many rows as asked for');
  await publisher.read(1);
  await publisher.source.commit!(3);
  await publisher.source.close();
  t.equal((await publisher.post('/api/metrics', { metric_name: 'm', value: 9 })).status, 503, 'closed');

  publisher = new Publisher(folder);
  await publisher.source.open(3);
  await publisher.post('/api/metrics', { metric_name: 'm', value: 5 });
  const { rows, position } = await publisher.read();
  t.same(rows, ['0 m 3', '0 m 4', '0 m 5']);
  t.equal(position, 6);
  await publisher.source.close();
});

await t.test('an array is one message: a read takes it whole', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  await publisher.post('/api/metrics', Array.from({ length: 3000 }, (_, value) => ({ metric_name: 'm', value })));
  t.equal((await publisher.read(100)).rows.length, 3000);
  await publisher.source.close();
});

await t.test('read waits for a sample, and ends when told', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  t.same(await publisher.read(10, stopped), { rows: [], position: 0, ended: false });
  const stop = new AbortController();
  const nothing = publisher.read(10, stop.signal);
  stop.abort();
  t.same((await nothing).rows, []);
  const waiting = publisher.read(10);
  await publisher.post('/api/metrics', { metric_name: 'm', value: 1 });
  t.same((await waiting).rows, ['0 m 1']);
  await publisher.source.close();
});

await t.test('bad samples are dead letters with a reason, the others are taken', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  const bad: [unknown, string][] = [
    [{ value: 1 }, 'metric_name must be a string, not missing'],
    [{ metric_name: 'm', value: '1' }, 'value must be a finite number, not "1"'],
    [{ metric_name: 'm', value: null }, 'value must be a finite number, not null'],
    [{ metric_name: 'm' }, 'value must be a finite number, not missing'],
    [{ metric_name: 'no spaces', value: 1 }, 'metric name "no spaces" does not match ^[a-zA-Z_:][a-zA-Z0-9_:.\\-/]*$'],
    [{ metric_name: 'm', value: 1, labels: { a: 1 } }, 'labels.a must be a string, not 1'],
    [{ metric_name: 'm', value: 1, timestamp: 'yesterday' }, 'timestamp "yesterday" is not ISO 8601, such as 2024-01-15T10:30:00Z'],
    [{ metric_name: 'm', value: 1, timestamp: '2024-02-30T00:00:00Z' }, 'timestamp "2024-02-30T00:00:00Z" is not ISO 8601, such as 2024-01-15T10:30:00Z'],
    [{ metric_name: 'm', value: 1, timestamp: NOW / 1000 }, `timestamp ${NOW / 1000} looks like seconds; send milliseconds or ISO 8601`],
    [{ metric_name: 'm', value: 1, timestamp: 1e18 }, 'timestamp 1000000000000000000 is not a time'],
    [{ metric_name: 'm', value: 1, timestamp: NOW + 60_001 }, 'timestamp 2024-01-15T12:01:00.001Z is more than 60 s in the future: check the clock of the publisher'],
    [7, 'a sample is a JSON object, not 7'],
    [null, 'a sample is a JSON object, not null'],
    [[{ metric_name: 'm', value: 1 }], 'a sample is a JSON object, not [{"metric_name":"m","value":1}]'],
  ];
  const good = { metric_name: 'm', value: 1, timestamp: NOW + 60_000 };
  const answer = await publisher.post('/api/metrics', [good, ...bad.map(([sample]) => sample)]);
  t.equal(answer.status, 202);
  t.equal(answer.body.accepted, 1);
  t.match(
    answer.body.rejected,
    bad.map(([, reason], i) => ({ index: i + 1, line: 1, offset: JSON.stringify([good, ...bad.slice(0, i).map(([sample]) => sample)]).length, reason })),
  );
  t.same(
    publisher.letters,
    bad.map(([sample, reason]) => ({ origin: '10.0.0.7 POST /api/metrics', reason, offset: 0, headers: { 'content-type': 'application/json' }, payload: JSON.stringify(sample) })),
  );
  const refused = await publisher.post('/api/sli-measurements', { sli_name: '', value: 1 });
  t.match(refused, { status: 400, body: { detail: 'sli_name must not be empty', rejected: [{ line: 1 }] } });
  t.match(await publisher.post('/api/metrics', Array(500).fill({})), { status: 400, body: { rejected_count: 500, detail: /^All 500 samples and lines are refused; the first, at line 1: metric_name must/ } });
  t.same((await publisher.read()).rows, ['60000 m 1']);
  await publisher.source.close();
});

await t.test('a body that is not JSON is a dead letter too', async (t) => {
  const publisher = new Publisher(t.testdir());
  await publisher.source.open(undefined);
  t.match(await publisher.post('/api/metrics', '{"metric_name": "é", value: 1}'), { status: 400, body: { title: 'No sample can be accepted', detail: /^not JSON/ } });
  t.equal(publisher.letters[0]?.offset, '{"metric_name": "é", '.length + 1, 'offset in bytes');
  t.match(await publisher.post('/api/metrics', Uint8Array.of(0xff, 0xfe)), { status: 400, body: { detail: /not UTF-8/ } });
  t.match(await publisher.post('/api/metrics', ''), { status: 400, body: { detail: /not JSON/ } });
  t.same(await publisher.post('/api/metrics', '[]'), { status: 202, body: { accepted: 0 } });
  t.equal(publisher.letters.length, 3);
  await publisher.source.close();
});

await t.test('old samples and unknown members are taken with a warning', async (t) => {
  const publisher = new Publisher(t.testdir(), { retention: '1h' });
  await publisher.source.open(undefined);
  const answer = await publisher.post('/api/metrics', { metric_name: 'm', value: 1, timestamp: NOW - 3_600_001, label: {} });
  t.same(answer.body, { accepted: 1, warnings: ["members that samples don't have are ignored: label", 'samples older than 1h are followed, but the history does not keep them'] });
  t.equal(publisher.counts.old, 1);
  t.equal((await publisher.read()).rows.length, 1);
  await publisher.source.close();
});

await t.test('past its bounds it says so', async (t) => {
  const publisher = new Publisher(t.testdir(), { max_samples: 3000, max_body: '256KiB', log_size: '1MiB' });
  await publisher.source.open(undefined);
  const many = (count: number) => Array.from({ length: count }, () => ({ metric_name: 'm'.repeat(100), value: 1 }));
  t.match(await publisher.post('/api/metrics', many(3001)), { status: 413, body: { detail: /more than 3000/ } });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await publisher.post('/api/metrics', many(3000))).status);
  t.same(statuses, [202, 202, 429, 429]);
  t.match(await publisher.post('/api/metrics', many(3000)), { headers: { 'retry-after': /^\d+$/ } });
  t.equal(publisher.counts.log_full, 9000);
  const { position } = await publisher.read(1e6);
  await publisher.source.commit!(position as number);
  t.equal((await publisher.post('/api/metrics', many(3000))).status, 202, 'room again');
  t.notOk(httpSource.config.safeParse({ log_size: '1MiB' }).success, 'a request must fit into the log');
  await publisher.source.close();
});

await t.test('without a server it ends at once', async (t) => {
  const publisher = new Publisher(t.testdir(), {}, true);
  await publisher.source.open(undefined);
  t.same(await publisher.read(), { rows: [], position: 0, ended: true });
  await publisher.source.close();
});

await t.test('times are read as Date.parse does, in UTC where they have no zone', async (t) => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const text = date.toISOString();
      return isoTime(text) === date.getTime() && isoTime(text.slice(0, -1)) === date.getTime() && isoTime(text.slice(0, 10)) === Date.parse(text.slice(0, 10));
    }),
  );
  t.equal(isoTime('2024-01-15T10:30:00.123456+01:00'), Date.UTC(2024, 0, 15, 9, 30, 0, 123));
  t.equal(isoTime('2024-01-15 10:30'), Date.UTC(2024, 0, 15, 10, 30));
  for (const text of ['15.01.2024', '2024-13-01', '2024-01-00', '2024-01-15T25:00Z', '2024', '', 'now']) t.ok(Number.isNaN(isoTime(text)), text);
});
