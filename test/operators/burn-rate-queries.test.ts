import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { PromqlError } from '../../engine/selector.js';
import definition from '../../operators/burn-rate/definition.js';
import { readRatio } from '../../operators/burn-rate/ratio.js';

await t.test('a ratio of two rates is read, however it is written', async (t) => {
  const expected = {
    good: { metric: 'a', matchers: [{ label: 'code', op: '!~', value: '5..' }] },
    total: { metric: 'a', matchers: [] },
  };
  for (const query of [
    "rate(a{code!~'5..'}[5m]) / rate(a[5m])",
    'sum(rate(a{code!~"5.."}[5m])) / sum(rate(a{}[300s]))',
    '(sum((rate(a{code!~"5.."}[1h])))) / (((rate(a[1h]))))',
    '# good\nsum(rate(a{code!~`5..`}[5m]) # by code\n) / # all\nrate(a[5m])',
    'SUM(rate({"a",code!~"5.."}[5m])) / sum(rate(a[5m]))',
  ]) {
    t.strictSame(readRatio(query), expected, query);
  }
  t.match(readRatio('sum(rate(h_bucket{le="0.3"}[5m])) / sum(rate(h_count[5m]))').good, { metric: 'h_bucket', matchers: [{ label: 'le', value: '0.3' }] });
});

await t.test('anything else is refused where it begins', async (t) => {
  for (const [query, offset, why] of [
    ['up', 0, /not a ratio/],
    ['', 0, /expected a selector or an expression/],
    ['1 - rate(a[5m]) / rate(b[5m])', 2, /only a division/],
    ['rate(a[5m]) / rate(b[5m]) > 0.9', 26, /only a division/],
    ['rate(a[5m]) / rate(b[5m]) or vector(0)', 26, /only a division/],
    ['(rate(a[5m]) - rate(c[5m])) / rate(b[5m])', 13, /operation within a side/],
    ['rate(a[5m]) / (rate(b[5m]) > 0)', 27, /operation within a side/],
    ['rate(a[5m]) / on(x) rate(b[5m])', 14, /matching of labels/],
    ['sum by (x) (rate(a[5m])) / sum(rate(b[5m]))', 4, /grouping/],
    ['sum(rate(a[5m])) by (x) / sum(rate(b[5m]))', 17, /grouping/],
    ['sum(rate(a[5m])) without () / sum(rate(b[5m]))', 17, /grouping/],
    ['avg(rate(a[5m])) / sum(rate(b[5m]))', 0, /only sum/],
    ['increase(a[5m]) / rate(b[5m])', 0, /only rate/],
    ['rate(a[5m]) / irate(b[5m])', 14, /only rate/],
    ['rate(a[5m]) / rate(b[5m] offset 1h)', 19, /selector with a range/],
    ['rate(a[5m] @ 5) / rate(b[5m])', 5, /selector with a range/],
    ['rate(a[5m:1m]) / rate(b[5m])', 5, /selector with a range/],
    ['rate(a[5m]) / rate(b[10m])', 21, /same range/],
    ['sum(rate(a[5m]), 2) / rate(b[5m])', 17, /one argument/],
    ['rate() / rate(b[5m])', 4, /one argument/],
    ['rate({}[5m]) / rate(b[5m])', 5, /every series/],
    ['rate(a[5m]) / 100', 14, /must be a rate/],
    ['rate(a{x=~"("}[5m]) / rate(b[5m])', 11, /regular expression/],
    ['rate(a[5m]) / rate(b[5m]', 24, /the end/],
  ] as const) {
    try {
      readRatio(query);
      t.fail(`is run: ${query}`);
    } catch (error) {
      t.ok(error instanceof PromqlError, query);
      t.match(error, { offset, message: why }, query);
    }
  }
});

const real = `${process.env['MILLRACE_SHARED'] ?? '../shared'}/data/sli-queries.json`;
await t.test('of 75 expressions in real use each is run or refused with a position', { skip: existsSync(real) ? false : `${real} is not there` }, async (t) => {
  let run = 0;
  let refused = 0;
  for (const { q } of JSON.parse(readFileSync(real, 'utf8')) as { q: string }[]) {
    try {
      readRatio(q);
      run += 1;
    } catch (error) {
      if (error instanceof PromqlError && error.offset >= 0 && error.offset <= q.length) refused += 1;
      else t.fail(`${q}: ${String(error)}`);
    }
  }
  t.strictSame({ run, refused }, { run: 28, refused: 47 });
});

const slo = {
  name: 'api',
  sli: { name: 'success', type: 'availability', query: 'rate(a[5m]) / rate(b[5m])', target_value: 0.99, time_window: '5m', description: 'x' },
  target_percentage: 99.9,
  time_period: '30d',
  burn_rate_thresholds: { critical: 10.0, high: 5.0, warning: 2.0 },
};

await t.test('mistakes in SLOs are told with their place', async (t) => {
  const problems = (config: unknown): [string, string][] => {
    const { error } = definition.config.safeParse(config);
    return (error?.issues ?? []).map(({ path, message }) => [path.join('.'), message]);
  };
  t.strictSame(problems({ slos: [slo], file: 'slos.yml' }), []);
  for (const [config, path, message] of [
    [{ slos: [{ ...slo, target_percentage: 100 }] }, 'slos.0.target_percentage', /no error budget/],
    [{ slos: [{ ...slo, target_percentage: 0 }] }, 'slos.0.target_percentage', /./],
    [{ slos: [slo, slo] }, 'slos.1.name', /called api already/],
    [{ slos: [] }, 'slos', /./],
    [{ slos: [{ ...slo, sli: { ...slo.sli, query: '1 - a' } }] }, 'slos.0.sli.query', /at offset 2: /],
    [{ slos: [{ ...slo, sli: { name: 'x', type: 'quality' } }] }, 'slos.0.sli.target_value', /needs target_value/],
    [{ slos: [{ ...slo, time_period: '5m' }] }, 'slos.0.time_period', /at least 1h/],
    [{ slos: [slo], interval: '7s' }, 'interval', /divide 5m/],
  ] as const) {
    t.match(problems(config), [[path, message]]);
  }
});
