import t from 'tap';
import { NOW, Publisher } from './http-publisher.js';

const MINUTE = 60_000;

await t.test('texts of each form are taken, by their Content-Type or their bytes, and are there after a restart', async (t) => {
  const folder = t.testdir();
  let publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  const posts: readonly (readonly [body: string, type?: string, query?: string])[] = [
    [`cpu,host=a usage=1.5,idle=2i,on=t ${NOW - 5}000000\n`, 'text/plain; charset=utf-8'],
    [`cpu value=1 ${(NOW - 1_000) / 1_000}`, 'text/x-influx-line-protocol', 'precision=s'],
    [`up{job="x"} 1 ${NOW}\ndown NaN\nfar +Inf\nnear -Inf\n`, 'text/plain; version=0.0.4'],
    [`# TYPE up gauge\nup 2 ${(NOW - 1) / 1_000}\n# EOF\n`, 'application/openmetrics-text; version=1.0.0'],
    ['{"metric_name":"m","value":1}\n{"metric_name":"m","value":2}\n', 'application/x-ndjson'],
    ['{"metric_name":"m","value":3}\n{"metric_name":"m","value":4}\n'],
    ['up 3'],
  ];
  const accepted = [];
  for (const [body, type, query] of posts) accepted.push((await publisher.post('/api/metrics', body, type, query)).body);
  t.same(accepted, [3, 1, 4, 1, 2, 2, 1].map((count) => ({ accepted: count })));
  t.same(publisher.counts, { accepted: 14 });
  const wanted = [
    '-5 cpu_usage{host="a"} 1.5',
    '-5 cpu_idle{host="a"} 2',
    '-5 cpu_on{host="a"} 1',
    '-1000 cpu 1',
    '0 up{job="x"} 1',
    '0 down NaN',
    '0 far Infinity',
    '0 near -Infinity',
    '-1 up 2',
    ...[1, 2, 3, 4].map((value) => `0 m ${value}`),
    '0 up 3',
  ];
  t.same((await publisher.read()).rows, wanted);
  await publisher.source.close();

  publisher = new Publisher(folder);
  await publisher.source.open(undefined);
  t.same((await publisher.read()).rows, wanted);
  await publisher.source.close();
});

await t.test('bad lines are dead letters with their place, the others are taken', async (t) => {
  const publisher = new Publisher(t.testdir(), { max_samples: 3, retention: '1h' });
  await publisher.source.open(undefined);
  t.same(await publisher.post('/api/metrics', 'm value=1\nm value=x\nm a="s",b=2\n'), {
    status: 202,
    body: {
      accepted: 2,
      rejected: [{ line: 2, offset: 18, reason: '"x" is no number, integer (1i), unsigned integer (1u), boolean or "string"' }],
      rejected_count: 1,
      warnings: ['1 string fields are skipped: they are no samples'],
    },
  });
  t.match(publisher.letters, [{ origin: '10.0.0.7 POST /api/metrics', reason: /^line 2: "x" is no number/, offset: 8, payload: 'm value=x' }]);
  t.same(publisher.counts, { accepted: 2, rejected: 1, skipped: 1 });
  t.match(await publisher.post('/api/metrics', 'm x\nm y\n', 'text/plain; version=0.0.4'), { status: 400, body: { detail: /^All 2 samples and lines are refused; the first, at line 1: "x" is not a number/, rejected_count: 2 } });
  t.equal(publisher.letters.length, 3);
  for (const body of ['m value=1\n'.repeat(4), 'm value=1\nm value=x\nm\nm value=2', 'm a=1,b=2,c=3,d=4', 'm =\n'.repeat(4)]) {
    t.match(await publisher.post('/api/metrics', body, 'text/x-influx-line-protocol'), { status: 413, body: { detail: /more than 3 samples/ } });
  }
  t.equal(publisher.letters.length, 3, 'nothing of a body that is too long');
  t.match(await publisher.post('/api/metrics', 'm value=1', undefined, 'precision=d'), { status: 400, body: { detail: /precision=d is none of ns, us, ms, s, m, h/ } });
  t.match(await publisher.post('/api/metrics', `m value=3 ${NOW - 61 * MINUTE}000000`), { status: 202, body: { accepted: 1, warnings: [/older than 1h are followed/] } });
  t.same(await publisher.post('/api/metrics', '# nothing\n', 'text/x-influx-line-protocol'), { status: 202, body: { accepted: 0 } });
  t.match(await publisher.post('/api/sli-measurements', 'm value=1'), { status: 400, body: { detail: /^not JSON/ } }, 'measurements have their own form');
  t.same((await publisher.read()).rows, ['0 m 1', '0 m_b 2', `${-61 * MINUTE} m 3`]);
  t.equal(publisher.counts['old'], 1);
  await publisher.source.close();
});
