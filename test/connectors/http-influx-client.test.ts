import { HttpError as ClientError, InfluxDB, Point, setLogger, type WriteApi } from '@influxdata/influxdb-client';
import t from 'tap';
import { listen, NOW } from './http-publisher.js';

setLogger({ error: () => {}, warn: () => {} });

/** Closes a write API, and tells what it could not write. */
async function failureOf(api: WriteApi): Promise<unknown> {
  return api.close().then(
    () => undefined,
    (error: unknown) => error,
  );
}

await t.test('the client library of InfluxDB 2 writes to it, plain and by gzip', async (t) => {
  const { publisher, url } = await listen(t);
  for (const gzipThreshold of [1, 1_000_000]) {
    const api = new InfluxDB({ url, token: 'any' }).getWriteApi('org', 'bucket', 'ms', { gzipThreshold, maxRetries: 0, batchSize: 2 });
    for (let i = 0; i < 3; i++) api.writePoint(new Point('cpu').tag('host', 'a b,c=d').floatField('usage', i + 0.5).uintField('cores', 4).booleanField('on', true).stringField('note', 'say "hi"').timestamp(NOW - i));
    t.equal(await failureOf(api), undefined);
    const wanted = [0, 1, 2].flatMap((i) => [`${-i} cpu_cores{host="a b,c=d"} 4`, `${-i} cpu_on{host="a b,c=d"} 1`, `${-i} cpu_usage{host="a b,c=d"} ${i + 0.5}`]);
    const rows: string[] = [];
    while (rows.length < wanted.length) rows.push(...(await publisher.read()).rows);
    t.same(rows.sort(), wanted.sort());
  }
  t.same(publisher.counts, { accepted: 18, skipped: 6 });
});

await t.test('the client library reads the errors', async (t) => {
  const { publisher, url } = await listen(t);
  const api = new InfluxDB({ url, token: 'any' }).getWriteApi('org', 'bucket', 'ns', { maxRetries: 0 });
  api.writeRecords(['m value=1', 'm value=x', 'm value=2']);
  const error = await failureOf(api);
  t.ok(error instanceof ClientError);
  t.match(error, { statusCode: 400, code: 'invalid', message: /^partial write: unable to parse 'm value=x': "x" is no number.* \(line 2, byte 8\) dropped=1$/, json: { line: 2 } });
  t.same((await publisher.read()).rows, ['0 m 1', '0 m 2']);
  t.match(publisher.letters, [{ origin: '127.0.0.1 POST /api/v2/write', reason: /^line 2: "x"/, payload: 'm value=x' }]);
});
