import t from 'tap';
import { NotResubmitted } from '../../engine/resubmissions.js';
import { HttpError } from '../../engine/routes.js';
import { openMetricsText } from '../../server/openmetrics.js';
import * as schemas from '../../server/schemas.js';
import { alert, anomaly, burn, forecast, Memory, NOW, startApi } from './api-harness.js';
import { ask } from './raw-client.js';

const DAY = 86_400_000;
const iso = (time: number) => new Date(time).toISOString();

await t.test('before there is a graph: alive, not ready, 503 with when to ask again', async (t) => {
  const { get, server, runtime } = await startApi(t, false);
  t.equal((await get('/healthz')).status, 200);
  for (const path of ['/readyz', '/health', '/api/anomalies', '/api/system-health', '/api/graph', '/api/of-a-connector']) {
    const reply = await get(path);
    t.same([reply.status, reply.headers['retry-after'], reply.headers['content-type']], [503, '1', 'application/problem+json'], path);
  }
  t.match((await get('/metrics')).text, /process_resident_memory_bytes \d+[\s\S]*# EOF\n$/);
  server.attach(runtime);
  t.equal((await get('/readyz')).status, 200);
  t.equal((await get('/api/of-a-connector')).status, 404);
  runtime.state = 'restarting';
  t.match((await get('/readyz')).json(), { status: 503, detail: /restarting/ });
  t.equal((await get('/healthz')).status, 200);
});

await t.test('/health and /api/system-health', async (t) => {
  const { get, runtime } = await startApi(t);
  const node = { kind: 'operator' as const, health: 'ok' as const, rowsIn: 10, rowsOut: 9, findingsOut: 2, late: 1 };
  runtime.nodeStatus = [
    { ...node, name: 'odd', type: 'detect', watermark: NOW - 1_000 },
    { ...node, name: 'slos', type: 'burn-rate' },
  ];
  const health = await get('/health');
  t.equal(health.status, 200);
  t.same(health.json(), {
    status: 'ok',
    state: 'running',
    ready: true,
    version: '1.2.3',
    started_at: iso(NOW - 60_000),
    restarts: 1,
    components: [
      { name: 'odd', type: 'detect', kind: 'operator', status: 'ok', rows_in: 10, rows_out: 9, findings: 2, late: 1, watermark: iso(NOW - 1_000) },
      { name: 'slos', type: 'burn-rate', kind: 'operator', status: 'ok', rows_in: 10, rows_out: 9, findings: 2, late: 1 },
    ],
    shards: [{ index: 0, state: 'running', partitions: 64, series: 7, busy: 0.25, backpressured: 0 }],
    checkpoint: { number: 3, at: iso(NOW - 5_000), bytes: 1_024, ms: 12.5 },
    failures: [{ at: iso(NOW - 30_000), node: 'odd', partition: 5, message: 'it broke' }],
  });
  t.doesNotThrow(() => schemas.healthBody.parse(health.json()));
  const active = { status: 'active' };
  const inactive = { status: 'inactive' };
  t.same((await get('/api/system-health')).json(), {
    overall_status: 'healthy',
    components: { anomaly_detection: active, slo_monitoring: active, alert_correlation: inactive, capacity_planning: inactive },
  });

  runtime.checkpointFailure = { since: NOW - 7_000, message: 'no space' };
  t.match((await get('/health')).json(), { status: 'degraded', checkpoint: { number: 3 }, checkpoint_failure: { since: iso(NOW - 7_000), message: 'no space' } });
  runtime.checkpointFailure = undefined;

  runtime.nodeStatus.push({ ...node, name: 'store', type: 'duckdb', kind: 'sink', health: 'degraded', detail: 'away' });
  t.match((await get('/health')).json(), { status: 'degraded', components: [{}, {}, { name: 'store', status: 'degraded', detail: 'away' }] });
  t.equal((await get('/api/system-health')).json()['overall_status'], 'degraded');

  runtime.state = 'failed';
  const down = await get('/health');
  t.same([down.status, down.json()['status']], [503, 'down']);
  t.match((await get('/api/system-health')).json(), { overall_status: 'unhealthy', components: { anomaly_detection: inactive } });
  for (const [state, status] of [['starting', 'starting'], ['draining', 'stopping'], ['stopped', 'stopping'], ['restarting', 'degraded']] as const) {
    runtime.state = state;
    t.equal((await get('/health')).json()['status'], status);
  }
});

await t.test('/metrics: those of the graph and of the process', async (t) => {
  const { get, runtime } = await startApi(t);
  const reply = await get('/metrics');
  t.equal(reply.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  t.ok(reply.text.startsWith(openMetricsText(runtime.metrics()).replace('# EOF\n', '')));
  t.match(reply.text, /millrace_event_loop_delay_seconds\{quantile="0.99"\} /);
  t.match(reply.text, /process_cpu_seconds_total /);
});

await t.test('/api/anomalies: of stores and of live sinks, each once at its highest revision', async (t) => {
  const { get, runtime, logged } = await startApi(t);
  const [store, live] = [new Memory(), new Memory()];
  [runtime.stores, runtime.lives] = [[store], [live]];
  store.found = [anomaly(), anomaly({ id: 'old', openedAt: NOW - 2 * DAY }), anomaly({ id: 'other', metric: 'disk', labels: {}, openedAt: NOW - 120_000 })];
  live.found = [anomaly({ revision: 2, state: 'grew', value: 99 }), anomaly({ id: 'new', openedAt: NOW - 1_000 }), alert()];
  const ids = async (query: string) => {
    const reply = await get(`/api/anomalies${query}`);
    t.equal(reply.status, 200, query);
    schemas.anomaliesBody.parse(reply.json());
    return (reply.json()['anomalies'] as { id: string }[]).map(({ id }) => id);
  };
  t.same(await ids(''), ['new', 'an1', 'other']);
  t.same(await ids('?time_range=7d'), ['new', 'an1', 'other', 'old']);
  t.same(await ids('?time_range=30s'), ['new']);
  t.same(await ids('?metric_name=disk'), ['other']);
  t.same(await ids('?limit=1&time_range=24h'), ['new']);
  const [, grown] = (await get('/api/anomalies')).json()['anomalies'] as object[];
  t.same(grown, {
    id: 'an1',
    metric_name: 'cpu_usage',
    labels: { host: 'a' },
    node: 'odd',
    state: 'grew',
    timestamp: iso(NOW - 60_000),
    revised_at: iso(NOW - 30_000),
    value: 99,
    expected: 45.1,
    lower: 38,
    upper: 52.3,
    score: 0.99,
    confidence: 0.97,
    severity: 'high',
    explanation: 'because',
  });
  store.broken = true;
  t.same(await ids(''), ['new', 'an1'], 'a store that fails takes nothing else along');
  t.match(logged, [{ msg: /store/ }]);
});

await t.test('a bad query is told whole', async (t) => {
  const { get } = await startApi(t);
  const bad: [query: string, detail: RegExp][] = [
    ['anomalies?time_range=yesterday', /time_range: "yesterday" is not a duration/],
    ['anomalies?limit=0', /limit: /],
    ['anomalies?limit=1e9', /limit: /],
    ['anomalies?limit=many&time_range=5', /time_range: .*; limit: |limit: .*; time_range: /],
    ['anomalies?metric=cpu', /metric: is not known here; there is metric_name, time_range, limit/],
    ['anomalies?limit=1&limit=2', /limit: is given twice/],
    ['alerts/active?x=1', /x: is not known here; there are none/],
    ['capacity-report?forecast_days=-1', /forecast_days/],
    ['history', /node: /],
    ['history?node=odd&from=soon', /from: "soon" is not a time/],
    ['history?node=odd&labels=a', /labels: must be a JSON object/],
    ['dead-letters?before=x', /before: /],
  ];
  for (const [query, detail] of bad) {
    const reply = await get(`/api/${query}`);
    t.same([reply.status, reply.headers['content-type']], [400, 'application/problem+json'], query);
    t.match(reply.json()['detail'], detail, query);
    t.ok(Array.isArray(reply.json()['errors']), query);
  }
});

await t.test('/api/alerts: active, and correlated with their findings', async (t) => {
  const { get, runtime } = await startApi(t);
  const live = new Memory();
  runtime.lives = [live];
  live.found = [
    anomaly(),
    alert({ members: ['an1', 'long gone'], count: 7, suppressed: 3 }),
    alert({ id: 'al2', correlationId: 'al2', state: 'closed', severity: 'medium', openedAt: NOW - 3_000, members: [] }),
    alert({ id: 'al3', correlationId: 'al3', openedAt: NOW - 3 * DAY }),
  ];
  const first = { id: 'al1', correlation_id: 'al1', severity: 'critical', status: 'firing', started_at: iso(NOW - 60_000), labels: { host: 'a' }, suppressed: 3 };
  const active = (await get('/api/alerts/active')).json();
  t.same(schemas.activeAlertsBody.parse(active), active);
  t.match(active['alerts'], [first, { id: 'al3' }]);
  t.equal((active['alerts'] as object[]).length, 2);

  const all = (await get('/api/alerts/correlated')).json();
  t.same((all['alerts'] as { id: string; status: string }[]).map(({ id, status }) => [id, status]), [['al2', 'resolved'], ['al1', 'firing'], ['al3', 'firing']]);
  const one = (await get('/api/alerts/correlated?correlation_id=al1')).json();
  t.same(schemas.correlatedBody.parse(one), one);
  t.same(one, {
    alerts: [
      {
        ...first,
        explanation: 'because',
        count: 7,
        findings: [{ id: 'an1', kind: 'anomaly', metric_name: 'cpu_usage', labels: { host: 'a' }, severity: 'high', timestamp: iso(NOW - 60_000), explanation: 'because' }],
      },
    ],
  });
  t.equal((await get('/api/alerts/correlated?correlation_id=none')).status, 404);

  [runtime.lives, runtime.stores] = [[], [live]];
  t.same(((await get('/api/alerts/active')).json()['alerts'] as { id: string }[]).map(({ id }) => id), ['al3', 'al1'], 'of a store, where there is no live sink');
});

await t.test('/api/slo-compliance: every SLO of the graph, and its status', async (t) => {
  const { get, runtime } = await startApi(t);
  const live = new Memory();
  runtime.lives = [live];
  const names = ['api', 'calm', 'pages', 'spent', 'quiet'];
  runtime.planned = [{ name: 'slos', type: 'burn-rate', config: { interval: 60_000, slos: names.map((name) => ({ name, target_percentage: 99.9, sli: {} })) } }];
  const row = (slo: string, compliance: number, budget_remaining: number, burn_rate: number) => ({ time: NOW, series: `slo{slo="${slo}"}`, value: burn_rate, columns: { compliance, budget_remaining, burn_rate } });
  live.kept = { slos: [row('api', 99.95, 95, 0.5), row('calm', 99.95, 95, 0.5), row('pages', 99.92, 20, 3), row('spent', 99, -900, 0)] };
  live.found = [burn(), burn({ id: 'bu2', slo: 'pages', severity: 'medium' }), burn({ id: 'bu3', slo: 'calm', state: 'closed' })];
  const body = (await get('/api/slo-compliance')).json();
  t.same(schemas.sloBody.parse(body), body);
  t.same(body, {
    api: { compliance: 99.95, target: 99.9, error_budget_remaining: 95, burn_rate: 0.5, status: 'critical' },
    calm: { compliance: 99.95, target: 99.9, error_budget_remaining: 95, burn_rate: 0.5, status: 'good' },
    pages: { compliance: 99.92, target: 99.9, error_budget_remaining: 20, burn_rate: 3, status: 'warning' },
    spent: { compliance: 99, target: 99.9, error_budget_remaining: -900, burn_rate: 0, status: 'breached' },
    quiet: { compliance: 100, target: 99.9, error_budget_remaining: 100, burn_rate: 0, status: 'no_data' },
  });
  runtime.planned = [];
  t.same((await get('/api/slo-compliance')).json(), {}, 'no such operator');
});

await t.test('/api/capacity-report: the most urgent first, for as many days as asked', async (t) => {
  const { get, runtime } = await startApi(t);
  const live = new Memory();
  runtime.lives = [live];
  const criticalAt = NOW + 20 * DAY;
  live.found = [
    forecast({ id: 'calm', metric: 'disk', series: 'disk', labels: {}, action: 'maintain_current_capacity', current: 10, predicted: 10 }),
    forecast({ criticalAt, warningAt: NOW + 5 * DAY }),
    forecast({ id: 'gone', metric: 'gone', state: 'closed' }),
  ];
  const report = async (query = '') => {
    const body = (await get(`/api/capacity-report${query}`)).json();
    t.same(schemas.capacityBody.parse(body), body);
    return body as { predictions: object[] };
  };
  const cpu = { metric_name: 'cpu_usage', labels: { host: 'a' }, current_value: 60, predicted_value: 90, confidence: 0.8, recommended_action: 'plan_scale_up', threshold_breach_date: iso(criticalAt) };
  t.same(await report(), {
    timestamp: iso(NOW),
    forecast_days: 30,
    predictions: [cpu, { metric_name: 'disk', labels: {}, current_value: 10, predicted_value: 10, confidence: 0.8, recommended_action: 'maintain_current_capacity', threshold_breach_date: null }],
  });
  t.match((await report('?forecast_days=10')).predictions[0], { predicted_value: 70, confidence: 0.8, threshold_breach_date: iso(NOW + 5 * DAY) });
  t.match((await report('?forecast_days=1')).predictions[0], { predicted_value: 61, threshold_breach_date: null });
  t.match((await report('?forecast_days=60')).predictions[0], { predicted_value: 120, confidence: 0.4 }, 'beyond the horizon with less confidence');
  live.kept = { outlook: [{ time: NOW, series: 'cpu_usage{host="a"}', value: 62, columns: { predicted: 95, confidence: 0.9 } }] };
  t.match((await report()).predictions[0], { current_value: 62, predicted_value: 95, confidence: 0.9 }, 'the newest row');
});

await t.test('/api/history: of the store that holds the node, else of the live sink', async (t) => {
  const { get, runtime } = await startApi(t);
  const [store, live] = [new Memory(), new Memory()];
  [runtime.stores, runtime.lives] = [[store], [live]];
  runtime.planned = [{ name: 'odd', type: 'detect' }, { name: 'raw', type: 'select' }, { name: 'none', type: 'select' }];
  const rows = (node: string, n: number) => Array.from({ length: n }, (_, i) => ({ time: NOW - (n - i) * 1_000, series: `${node}_m{k="${i % 2}"}`, value: i === 3 ? NaN : i, columns: { score: i / 4 } }));
  store.kept = { odd: rows('store', 4) };
  live.kept = { odd: rows('live', 4), raw: rows('live', 2) };
  const history = async (query: string) => {
    const body = (await get(`/api/history?${query}`)).json();
    t.same(schemas.historyBody.parse(body), body);
    return body as { series: { metric_name: string; rows: unknown[] }[]; truncated: boolean };
  };
  t.same(await history('node=odd'), {
    node: 'odd',
    from: iso(NOW - 3_600_000),
    to: iso(NOW),
    series: [
      { metric_name: 'store_m', labels: { k: '0' }, columns: ['score'], rows: [[NOW - 4_000, 0, 0], [NOW - 2_000, 2, 0.5]] },
      { metric_name: 'store_m', labels: { k: '1' }, columns: ['score'], rows: [[NOW - 3_000, 1, 0.25], [NOW - 1_000, null, 0.75]] },
    ],
    truncated: false,
  });
  t.match((await history('node=raw')).series, [{ metric_name: 'live_m' }, {}]);
  t.same((await history('node=none')).series, []);
  const short = await history('node=odd&limit=3');
  t.same([short.truncated, short.series.flatMap((series) => series.rows).length], [true, 3]);
  await history(`node=odd&metric_name=m&labels=${encodeURIComponent('{"k":"1"}')}&from=${iso(NOW - 2_000)}&to=${NOW}&buckets=5`);
  t.same(store.asked.at(-1), { node: 'odd', metric: 'm', labels: { k: '1' }, from: NOW - 2_000, to: NOW, buckets: 5, limit: 10_001 });
  t.match((await get('/api/history?node=od')).json(), { status: 404, detail: /in, odd, raw, none/ });
  t.equal((await get(`/api/history?node=odd&from=${NOW}&to=${NOW - 1}`)).status, 400);
  store.broken = true;
  t.match((await history('node=odd')).series, [{ metric_name: 'live_m' }, {}], 'the live sink stands in for a store that fails');
});

await t.test('a dead letter is sent in again, with its payload or another', async (t) => {
  const { runtime, server } = await startApi(t);
  runtime.letters = [{ id: 7, at: NOW, node: 'in', origin: 'x', reason: 'y', headers: { subject: 's' }, sequence: 5, payload: '/w==', encoding: 'base64', resubmission: { state: 'refused', at: NOW, reason: 'z', edited: { payload: 'secret' } } }];
  const port = Number(new URL(server.address).port);
  const letters = (await ask(port, '/api/dead-letters?resubmitted=false')).json();
  t.same(letters['dead_letters'], [{ id: 7, at: iso(NOW), node: 'in', origin: 'x', reason: 'y', headers: { subject: 's' }, sequence: 5, payload: '/w==', encoding: 'base64', resubmission: { state: 'refused', at: iso(NOW), reason: 'z' } }]);
  t.same(schemas.deadLettersBody.parse(letters), letters);
  t.equal((await ask(port, '/api/dead-letters?resubmitted=maybe')).status, 400);

  const post = (path: string, body = '') => ask(port, path, { method: 'POST', body });
  const taken = await post('/api/dead-letters/7/resubmit');
  t.equal(taken.status, 200);
  t.same(taken.json(), { id: 7, resubmission: { state: 'taken', at: iso(NOW) } });
  t.same(schemas.resubmittedBody.parse(taken.json()), taken.json());
  await post('/api/dead-letters/7/resubmit', 'mended');
  t.same(runtime.resubmitted, [[7, undefined], [7, 'mended']]);
  const refusals: [Error, number, RegExp][] = [
    [new NotResubmitted('unknown', 'there is none'), 404, /there is none/],
    [new NotResubmitted('taken', 'it was taken'), 409, /it was taken/],
    [new NotResubmitted('under way', 'right now'), 409, /right now/],
    [new NotResubmitted('cut', 'only the first'), 422, /only the first/],
    [new NotResubmitted('refused', 'no number'), 422, /no number/],
    [new NotResubmitted('refused', 'full', { cause: new HttpError(429, 'Too many', 'the log is full', { headers: { 'retry-after': '3' } }) }), 429, /the log is full/],
  ];
  for (const [error, status, detail] of refusals) {
    runtime.resubmitting = () => Promise.reject(error);
    const answer = await post('/api/dead-letters/7/resubmit');
    t.match(answer.json(), { status, detail }, error.message);
    t.equal(answer.status, status);
    t.equal(answer.headers['content-type'], 'application/problem+json');
    t.equal(answer.headers['retry-after'], status === 429 ? '3' : undefined);
  }
  t.equal((await post('/api/dead-letters/x/resubmit')).status, 404);
});

await t.test('/api/dead-letters and /api/graph', async (t) => {
  const { get, runtime } = await startApi(t);
  runtime.planned = [{ name: 'odd', type: 'detect', config: { token: 'hunter2' } }];
  runtime.letters = [{ id: 2, at: NOW, node: 'in', origin: '127.0.0.1', reason: 'not JSON', offset: 3, payload: '{"a', bytes: 3 }, { id: 1, at: NOW, node: 'in', origin: 'x', reason: 'y', payload: '' }];
  const letters = (await get('/api/dead-letters')).json();
  t.same(schemas.deadLettersBody.parse(letters), letters);
  t.same((letters['dead_letters'] as object[])[0], { id: 2, at: iso(NOW), node: 'in', origin: '127.0.0.1', reason: 'not JSON', offset: 3, payload: '{"a', bytes: 3 });
  t.equal(((await get('/api/dead-letters?limit=1')).json()['dead_letters'] as object[]).length, 1);
  const graph = await get('/api/graph');
  t.same(graph.json(), {
    partitions: 64,
    shards: 2,
    nodes: [
      { name: 'in', type: 'http', kind: 'source', from: [] },
      { name: 'odd', type: 'detect', kind: 'operator', from: ['in'], actor: 0, columns: ['score'] },
    ],
  });
  t.notMatch(graph.text, /hunter2/, 'no secrets of the config');
});

await t.test('the OpenAPI document names every route with its query and body', async (t) => {
  const { get, server } = await startApi(t);
  server.routes.route('POST', '/api/things/:id', () => ({ status: 202 }), { description: { summary: 'Takes a thing', body: schemas.activeAlertsBody, answer: schemas.graphBody, status: 202 } });
  const document = (await get('/api/openapi.json')).json() as { openapi: string; info: object; paths: Record<string, Record<string, { parameters?: { name: string; schema: object }[]; responses: Record<string, object> }>> };
  t.equal(document.openapi, '3.1.0');
  t.match(document.info, { version: '1.2.3' });
  t.same(Object.keys(document.paths).sort(), [
    '/api/alerts/active',
    '/api/alerts/correlated',
    '/api/anomalies',
    '/api/anomalies/{id}/feedback',
    '/api/capacity-report',
    '/api/dead-letters',
    '/api/dead-letters/{id}/resubmit',
    '/api/graph',
    '/api/history',
    '/api/slo-compliance',
    '/api/system-health',
    '/api/things/{id}',
    '/health',
    '/healthz',
    '/metrics',
    '/readyz',
  ]);
  const { get: anomalies } = document.paths['/api/anomalies']!;
  t.match(anomalies!.parameters, [{ name: 'metric_name', in: 'query', required: false }, { name: 'time_range', schema: { default: '24h' } }, { name: 'limit', schema: { default: 100, maximum: 1_000 } }]);
  t.match(anomalies!.responses['200'], { content: { 'application/json': { schema: { properties: { anomalies: { type: 'array', items: { required: ['id', 'metric_name', 'labels', 'timestamp'] } } } } } } });
  t.match(document.paths['/api/things/{id}']!['post'], {
    parameters: [{ name: 'id', in: 'path', required: true }],
    requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
    responses: { 202: {}, default: { content: { 'application/problem+json': {} } } },
  });
});
