import { z } from 'zod';
import { MAX_SERIES, PARTITIONS } from '../engine/limits.js';
import { duration } from '../engine/scalars.js';

const port = z.int().min(0).max(65_535);

const server = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; `0.0.0.0` or `::` to be reached from other machines.'),
  port: port.default(8080).describe('Port of the API and the dashboards. 0: a free one, told in the log.'),
  api_port: port.optional().describe('A further port that serves the API, for clients that expect it there.'),
  origins: z.array(z.string().min(1)).default([]).describe('Web pages of these origins, such as `https://status.example.com`, may post and open WebSockets, too.'),
  transport: z.enum(['auto', 'uws', 'node']).default('auto').describe('What serves HTTP and WebSockets: uWebSockets.js, or Node.js itself. `auto`: uWebSockets.js where it is installed.'),
  shards: z.int().min(1).max(256).optional().describe('Threads that run the operators. Default: one for each core but one, at least one.'),
  partitions: z.int().min(1).max(4_096).default(PARTITIONS).describe('Parts into which series are divided, the unit in which state moves between threads. Fixed once a graph has a checkpoint.'),
  max_series: z.int().min(1).max(100_000_000).default(MAX_SERIES).describe('Series at most; further ones are refused, counted and told in the log.'),
});

const checkpoint = z.strictObject({
  interval: duration({ min: '100ms' }).prefault('10s').describe('Time between two checkpoints: what a crash makes the sources give again.'),
  folder: z.string().min(1).optional().describe('Where checkpoints lie. Default: `checkpoints` in the data folder.'),
});

const logging = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info').describe('Least severity that is logged.'),
  format: z.enum(['auto', 'json', 'pretty']).default('auto').describe('`auto`: readable in a terminal, JSON lines into a pipe or file.'),
});

const global = z.strictObject({
  service_name: z.string().min(1).default('millrace').describe('Name of this service in its own log.'),
  environment: z.string().min(1).optional().describe('Environment such as `production`, in every line of the log.'),
  data_retention_days: z.number().positive().max(36_500).optional().describe('Days for which data is kept: `retention` of every source and sink that has one and does not say otherwise.'),
});

const component = (type: string, what: string) =>
  z
    .looseObject({ enabled: z.boolean().default(true).describe(`Whether operators of type \`${type}\` run. false: they are left out, with what reads only them.`) })
    .optional()
    .describe(`${what}; further settings are defaults of all operators of type \`${type}\`, under what each says itself.`);

const components = z.strictObject({
  anomaly_detection: component('detect', 'Anomaly detection'),
  alert_correlation: component('correlate', 'Correlation of alerts'),
  slo_monitoring: component('burn-rate', 'Error budgets'),
  capacity_planning: component('forecast', 'Capacity forecasts'),
});

/** The operators that each of the documented components stands for. */
export const componentTypes = {
  anomaly_detection: 'detect',
  alert_correlation: 'correlate',
  slo_monitoring: 'burn-rate',
  capacity_planning: 'forecast',
} as const satisfies Record<keyof z.output<typeof components>, string>;

const service = (what: string) => z.string().min(1).optional().describe(what);

const services = z.strictObject({
  database_url: service('Address of a database for the history.'),
  redis_url: service('Address of a Redis.'),
  prometheus_host: service('Address of a Prometheus.'),
  elasticsearch_host: service('Address of an Elasticsearch.'),
  jaeger_endpoint: service('Address that takes traces.'),
  jwt_secret_key: service('Key that signs tokens.'),
  encryption_key: service('Key that encrypts what is stored.'),
  slack_webhook_url: service('Address that posts into a Slack channel.'),
  pagerduty_api_key: service('Key of PagerDuty.'),
});

/** Read by themselves, each node by the schema of its type. */
const nodes = z.unknown();

/** A config file without its components, each of which has the schema of its type. */
export const settingsSchema = z.strictObject({
  server: server.prefault({}).describe('Where it is reached, and how much of the machine it takes.'),
  sources: nodes.optional().describe('Where samples come from: a name, its `type` and the settings of that type.'),
  operators: nodes.optional().describe('What is computed: a name, its `type`, `from` whom it reads, and the settings of that type.'),
  sinks: nodes.optional().describe('Where results go: a name, its `type`, `from` whom it reads, and the settings of that type.'),
  checkpoint: checkpoint.prefault({}).describe('How often state is saved, and where.'),
  base: z.string().min(1).optional().describe('Folder at which relative paths start, itself relative to the folder that millrace is started in. Default: the folder of this file.'),
  folder: z.string().min(1).default('data').describe('Folder for what is kept: checkpoints, logs of accepted input, dead letters.'),
  seed: z.int().default(1).describe('Seed of everything random in the graph.'),
  logging: logging.prefault({}).describe('The log of the engine itself.'),
  global: global.prefault({}).describe('What holds for everything.'),
  components: components.prefault({}).describe('Parts of the graph that can be switched off or set together.'),
  services: services.prefault({}).describe('Addresses and keys of other systems, for components that use them; each is also read from the variable of its name.'),
});

export type Settings = z.output<typeof settingsSchema>;

/** Variables that are read without the prefix MILLRACE_, and the setting that each one is. */
export const plainVariables: Readonly<Record<string, readonly string[]>> = {
  LOG_LEVEL: ['logging', 'level'],
  ...Object.fromEntries(Object.keys(services.shape).map((key) => [key.toUpperCase(), ['services', key]])),
};

export const sections = ['sources', 'operators', 'sinks'] as const;
export type Section = (typeof sections)[number];
