import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { formatDiagnostic } from '../../config/diagnostic.js';
import { readConfigText, type Loaded } from '../../config/load.js';

type Env = Readonly<Record<string, string>>;

const NODES = `
sources: { nab: { type: file, path: a.csv } }
operators: { odd-ones: { type: detect, from: nab } }
sinks: { out: { type: file, from: odd-ones, path: out.ndjson } }
`;

function load(text: string, env: Env): Loaded {
  const { config, diagnostics } = readConfigText('mine.yml', text, env);
  if (config === undefined) throw new Error(told(text, env));
  if (diagnostics.length > 0) throw new Error(diagnostics.map((d) => d.message).join());
  return config;
}

function told(text: string, env: Env): string {
  return readConfigText('mine.yml', text, env)
    .diagnostics.map((diagnostic) => formatDiagnostic(diagnostic))
    .join('\n\n');
}

const pathOf = ({ graph }: Loaded): unknown => (graph.sinks[0]!.config as { path: string }).path;
const withPath = (path: string): string => NODES.replace('out.ndjson', () => path);

t.test('a variable is replaced where it stands in a value', async (t) => {
  const cases: readonly (readonly [path: string, env: Env, expected: string])[] = [
    ['${OUT}', { OUT: 'x.csv' }, 'x.csv'],
    ['${OUT:-y.csv}', {}, 'y.csv'],
    ['${OUT:-y.csv}', { OUT: '' }, 'y.csv'],
    ['${OUT:-y.csv}', { OUT: 'x.csv' }, 'x.csv'],
    ["'${FOLDER}/${NAME}.csv'", { FOLDER: 'data', NAME: 'x' }, 'data/x.csv'],
    ['"a ${OUT:-b, c: [d] #e} f"', {}, 'a b, c: [d] #e f'],
    ['$${OUT}', { OUT: 'x' }, '${OUT}'],
    ["'a$b{c}'", {}, 'a$b{c}'],
    ['${OUT}', { OUT: '$${NOT_READ_AGAIN}' }, '$${NOT_READ_AGAIN}'],
    // What looks like a number stays a text where a text is asked for.
    ['${OUT}', { OUT: '2024' }, '2024'],
    ['${OUT}', { OUT: 'true' }, 'true'],
  ];
  for (const [path, env, expected] of cases) {
    t.equal(pathOf(load(withPath(path), env)), expected, `${path} ${JSON.stringify(env)}`);
  }
});

t.test('its value is the number, truth or list that the setting asks for, with quotes and without', async (t) => {
  for (const port of ['${PORT}', '"${PORT}"', "'${PORT}'", '${PORT:-1}']) t.equal(load(`server: { port: ${port} }${NODES}`, { PORT: '9090' }).server.port, 9090, port);
  const config = load(
    `
components: { anomaly_detection: { enabled: "\${ON:-true}" } }
sources: { nab: { type: file, path: a.csv, follow: \${FOLLOW}, poll: \${POLL}, labels: \${LABELS} } }
operators: { odd: { type: detect, from: \${FROM:-nab}, sensitivity: \${SENSITIVITY} } }
sinks: { out: { type: file, from: odd, path: out } }`,
    { FOLLOW: 'true', POLL: '10s', LABELS: '[a, b]', SENSITIVITY: '2.5' },
  );
  t.match(config.graph.sources[0]?.config, { follow: true, poll: 10_000, labels: ['a', 'b'] });
  t.match(config.graph.operators[0], { from: ['nab'], config: { sensitivity: 2.5 } });
  t.strictSame(load(NODES, { MILLRACE_SINKS_OUT_FROM: '[nab, odd-ones]' }).graph.sinks[0]?.from, ['nab', 'odd-ones']);
});

t.test('what is wrong with a variable has its place', async (t) => {
  const [head] = told(`server: { port: \${PORT} }${NODES}`, { PORT: 'eighty' }).split('\n');
  t.equal(head, 'mine.yml:1:17: error: `port` must be a number, not the text "eighty" (the value of PORT)');
  t.match(told(withPath('${HOEM}/x'), { HOME: '/root' }), /^mine\.yml:4:51: error: the variable HOEM is not set [^\n]+\n[^\n]+\n.*\^{7} did you mean HOME\?$/);
  t.match(told(withPath('"${1}"'), {}), /^mine\.yml:4:52: error: "\$\{1\}" is not a variable: write \$\{NAME\}/);
  t.match(told(withPath('"a${OPEN"'), {}), /^mine\.yml:4:53: error: "\$\{OPEN" is not a variable/);
  t.match(told(`server: { port: \${PORT} }${NODES}`, {}), /^mine\.yml:1:17: error: the variable PORT is not set[^\n]*\n[^\n]*\n[^\n]*$/, 'and nothing else is told of it');
});

t.test('a secret may come from a file, and is never shown', async (t) => {
  const folder = t.testdir({ secret: 'sesame.ndjson\n' });
  t.equal(pathOf(load(withPath('${OUT_TOKEN}'), { OUT_TOKEN_FILE: join(folder, 'secret') })), 'sesame.ndjson');
  t.equal(pathOf(load(withPath('${OUT_TOKEN}'), { OUT_TOKEN: 'x', OUT_TOKEN_FILE: join(folder, 'secret') })), 'x', 'the variable itself counts more');
  t.match(told(withPath('${OUT_TOKEN}'), { OUT_TOKEN_FILE: join(folder, 'none') }), /OUT_TOKEN_FILE names the file .*none, which can't be read: ENOENT/);
  t.equal(pathOf(load(NODES, { MILLRACE_SINKS_OUT_PATH_FILE: join(folder, 'secret') })), 'sesame.ndjson');
  t.equal(load(NODES, { ENCRYPTION_KEY_FILE: join(folder, 'secret') }).services.encryption_key, 'sesame.ndjson');

  const shown = told(`server: { port: \${DB_PASSWORD} }${NODES}`, { DB_PASSWORD: 'hunter2' }) + told(NODES, { MILLRACE_SERVER_PORT_FILE: join(folder, 'secret') });
  t.notMatch(shown, /hunter2|sesame/);
  t.match(shown, /`port` must be a number, not the text "\*\*\*"/);
});

t.test('MILLRACE_* and the path of a setting sets it', async (t) => {
  const env = {
    MILLRACE_SERVER_PORT: '9090',
    MILLRACE_SERVER_MAX_SERIES: '1000',
    millrace_ignored: '1',
    MILLRACE_CHECKPOINT_INTERVAL: '1m',
    MILLRACE_FOLDER: '/var/lib/millrace',
    MILLRACE_GLOBAL_SERVICE_NAME: 'm1',
    MILLRACE_OPERATORS_ODD_ONES_SENSITIVITY: '5',
    MILLRACE_OPERATORS_ODD_ONES_MIN_DEVIATION: '7',
    MILLRACE_COMPONENTS_ANOMALY_DETECTION_WARMUP: '99',
    MILLRACE_SOURCES_NAB_LABELS: '[a, b]',
  };
  const config = load(NODES, env);
  t.match(config.server, { port: 9090, max_series: 1000 });
  t.equal(config.graph.maxSeries, 1000);
  t.match(config.checkpoint, { interval: 60_000, folder: '/var/lib/millrace/checkpoints' });
  t.equal(config.global.service_name, 'm1');
  t.match(config.graph.operators[0]?.config, { sensitivity: 5, min_deviation: 7, warmup: 99 });
  t.match(config.graph.sources[0]?.config, { labels: ['a', 'b'] });

  t.equal(load(`server: { port: 1 }${NODES}`, { MILLRACE_SERVER_PORT: '2' }).server.port, 2, 'over the file');
  t.equal(load(NODES, { MILLRACE_Server_Port: '3' }).server.port, 3, 'whatever the case');
});

t.test('a variable that is wrong, or that nothing answers to, is told with its own place', async (t) => {
  t.equal(
    told(NODES, { MILLRACE_SERVER_PORT: 'x' }),
    ['environment:1:22: error: `port` must be a number, not the text "x"', '    1 | MILLRACE_SERVER_PORT=x', '      |                      ^'].join('\n'),
  );
  t.equal(
    told(NODES, { MILLRACE_SERVER_PROT: '1', MILLRACE_SOMETHING_ELSE: '1', MILLRACE_OPERATORS_ODD_ONES_SENSITIVTY: '1' }),
    [
      'environment:1:1: warning: MILLRACE_OPERATORS_ODD_ONES_SENSITIVTY is no setting of this config and changes nothing',
      '    1 | MILLRACE_OPERATORS_ODD_ONES_SENSITIVTY=1',
      '      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean MILLRACE_OPERATORS_ODD_ONES_SENSITIVITY?',
      '',
      'environment:1:1: warning: MILLRACE_SERVER_PROT is no setting of this config and changes nothing',
      '    1 | MILLRACE_SERVER_PROT=1',
      '      | ^^^^^^^^^^^^^^^^^^^^ did you mean MILLRACE_SERVER_PORT?',
    ].join('\n'),
  );
});

t.test('known names without the prefix', async (t) => {
  const config = load(`logging: { level: error }${NODES}`, { LOG_LEVEL: 'DEBUG', DATABASE_URL: 'postgres://db', SLACK_WEBHOOK_URL: 'https://hook' });
  t.equal(config.logging.level, 'debug');
  t.match(config.services, { database_url: 'postgres://db', slack_webhook_url: 'https://hook' });
  t.equal(load(NODES, { LOG_LEVEL: 'WARNING' }).logging.level, 'warn', 'in the words of other programs');
  t.equal(load(NODES, { LOG_LEVEL: 'debug', MILLRACE_LOGGING_LEVEL: 'warn' }).logging.level, 'warn', 'MILLRACE_ counts more');
  t.match(told(NODES, { LOG_LEVEL: 'loud' }), /^environment:1:11: error: `level` must be trace, debug/);
});

t.test('a file of SLOs: its mistakes have their place in it, and its variables are replaced', async (t) => {
  const folder = t.testdir({});
  const config = `
sources: { http: { type: http } }
operators: { budgets: { type: burn-rate, from: http, file: slos.yml } }
sinks: { live: { type: live, from: budgets } }
`;
  const slos = "slos:\n  - name: api\n    sli: { name: ok, type: availability, query: 'rate(a[5m]) / rate(b[5m])' }\n    target_percentage: ${TARGET:-99.9}\n";
  const file = join(folder, 'mine.yml');
  const read = (text: string, env: Env = {}) => {
    writeFileSync(join(folder, 'slos.yml'), text);
    return readConfigText(file, config, env);
  };
  const placesOf = (text: string) => read(text).diagnostics.map((d) => formatDiagnostic(d).replaceAll(`${folder}/`, '').split('\n')[0]);

  t.match(read(slos, { TARGET: '99.5' }).config?.graph.operators[0]?.config, { slos: [{ name: 'api', target_percentage: 99.5, time_period: 30 * 86_400_000 }] });
  t.strictSame(placesOf(slos.replace('target_percentage', 'target_percent')), [
    'slos.yml:4:5: error: slos[0] has no setting `target_percent`',
  ]);
  t.strictSame(placesOf(slos.replace(/ +target_percentage.*/, '')), ['slos.yml:2:5: error: slos[0] needs `target_percentage`: percent of events that must be good over the period']);
  t.match(placesOf(slos.replace('rate(b[5m])', 'rate(b[5m]'))[0], /^slos\.yml:3:\d+: error: `query`: query at offset \d+/);
  t.strictSame(placesOf(slos.replace('availability', 'availabilty')), ['slos.yml:3:28: error: `type` must be availability, latency, throughput or quality, not the text "availabilty"']);
  t.strictSame(placesOf('objectives: []\n'), ['slos.yml:1:1: error: a file of SLOs has the key `slos`, a list']);
  t.strictSame(placesOf('slos:\n\t- x'), ['slos.yml:2:1: error: lines are indented by spaces, not by tabs'], 'and nothing that follows from it');
  const both = readConfigText(file, config.replace('slos.yml', 'none.yml'), {}).diagnostics.map(({ message }) => message.replaceAll(folder, 'F'));
  t.strictSame(both, ["the file F/none.yml can't be read: there is none"]);
});
