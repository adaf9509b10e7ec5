import t from 'tap';
import { readConfigText, type LoadOptions, type Loaded } from '../../config/load.js';

function load(text: string, options: LoadOptions = {}): Loaded {
  const { config, diagnostics } = readConfigText('mine.yml', text, {}, options);
  if (config === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return config;
}

const namesOf = ({ graph }: Loaded): string[] => [...graph.sources, ...graph.operators, ...graph.sinks].map(({ name }) => name);

const GRAPH = `
sources:
  nab: { type: file, path: a.csv }
  http: { type: http }
operators:
  odd: { type: detect, from: nab }
  calm: { type: detect, from: nab, sensitivity: 9 }
  ten: { type: window, from: nab, size: 10s }
  room: { type: forecast, from: ten }
  budgets: { type: burn-rate, from: http, slos: [{ name: a, sli: { name: b, type: quality, target_value: 1 }, target_percentage: 99 }] }
  alerts: { type: correlate, from: [odd, room, budgets] }
sinks:
  out: { type: file, from: [odd, calm, alerts], path: out.ndjson }
  rooms: { type: file, from: room, path: rooms.ndjson }
`;

t.test('a component that is switched off is left out, with what reads only it and what it alone reads', async (t) => {
  const config = load(`components: { capacity_planning: { enabled: false } }${GRAPH}`);
  t.strictSame(namesOf(config), ['nab', 'http', 'odd', 'calm', 'budgets', 'alerts', 'out']);
  t.strictSame([...config.removed].sort(), ['room', 'rooms', 'ten']);
  t.strictSame(config.graph.operators.find(({ name }) => name === 'alerts')?.from, ['odd', 'budgets'], 'what reads others too goes on with those');
  t.match(config.warnings, [{ place: { line: 9 }, message: 'room does not run: components.capacity_planning.enabled is false' }]);
});

t.test('its settings are defaults of all operators of its type', async (t) => {
  const { graph } = load(`components: { anomaly_detection: { sensitivity: 5, warmup: 50 }, alert_correlation: { window: 1h } }${GRAPH}`);
  const configOf = (name: string) => graph.operators.find((node) => node.name === name)?.config;
  t.match(configOf('odd'), { sensitivity: 5, warmup: 50 });
  t.match(configOf('calm'), { sensitivity: 9, warmup: 50 }, 'what an operator says itself counts');
  t.match(configOf('alerts'), { window: 3_600_000 });
});

t.test('a mistake in its settings is told once, where it stands', async (t) => {
  const { diagnostics } = readConfigText('mine.yml', `components: { anomaly_detection: { sensitivty: 5 } }${GRAPH}`, {});
  t.match(diagnostics, [{ place: { line: 1, column: 36 }, message: 'detect has no setting `sensitivty`', suggestion: 'did you mean sensitivity?' }]);
  t.equal(diagnostics.length, 1);
});

t.test('global.data_retention_days is the retention of every node that has one', async (t) => {
  const text = `global: { data_retention_days: 7 }
sources: { http: { type: http } }
sinks: { a: { type: duckdb, from: http, path: a.duckdb }, b: { type: duckdb, from: http, path: b.duckdb, retention: 1d } }`;
  const { graph } = load(text);
  t.match([...graph.sources, ...graph.sinks].map(({ config }) => (config as { retention: number }).retention / 86_400_000), [7, 7, 1]);
});

t.test('a replay leaves out what cannot be read again', async (t) => {
  const config = load(GRAPH, { replay: true });
  t.strictSame(namesOf(config), ['nab', 'odd', 'calm', 'ten', 'room', 'alerts', 'out', 'rooms']);
  t.strictSame([...config.removed], ['http', 'budgets']);
  const following = load('sources: { log: { type: file, path: a.csv, follow: true } }\nsinks: { out: { type: file, from: log, path: b.csv } }', { replay: true });
  t.strictSame(namesOf(following), ['log', 'out'], 'a file that is followed live is read to its end');

  const messages = (text: string) => readConfigText('mine.yml', text, {}, { replay: true }).diagnostics.map(({ message }) => message);
  t.strictSame(messages('sources: { host: { type: host } }\nsinks: { log: { type: log, from: host } }'), ["nothing here can be replayed: host (host) can't be read again"]);
  t.strictSame(messages('sources: { demo: { type: generate, rate: 5 } }\nsinks: { log: { type: log, from: demo } }'), ["demo never ends, so it can't be replayed: give it `count` or `duration`"]);
});

t.test('relative paths start at the folder of the file, or at base', async (t) => {
  const at = (text: string, file: string): Loaded => {
    const { config } = readConfigText(file, `${text}${GRAPH}`, {});
    if (config === undefined) throw new Error(text);
    return config;
  };
  t.match(at('', '/etc/millrace/mine.yml'), { base: '/etc/millrace', folder: '/etc/millrace/data', checkpoint: { folder: '/etc/millrace/data/checkpoints' } });
  t.match(at('base: /srv', '/etc/mine.yml'), { base: '/srv', folder: '/srv/data' });
  t.match(at('base: .', '/etc/mine.yml'), { base: process.cwd() });
  t.match(at('{ folder: /var/lib/m, checkpoint: { folder: /fast } }'.slice(2, -2).replace(', checkpoint', '\ncheckpoint'), '/etc/mine.yml'), { folder: '/var/lib/m', checkpoint: { folder: '/fast', interval: 10_000 } });
});

t.test('what is loaded is plain data', async (t) => {
  const { graph } = load(GRAPH);
  t.strictSame(structuredClone(graph), graph);
  t.strictSame(JSON.parse(JSON.stringify(graph)), graph);
});
