import type { Engine } from '../engine.js';
import type { Form } from '../nats/messages.js';
import type { PostedForm } from '../posts/bodies.js';
import { storeMissing } from '../questdb/store.js';
import { variantNames } from './variants.js';

const main = new URL('main.js', import.meta.url).pathname;

const millrace = (engine: Omit<Engine, 'prepare'>): Engine => ({ ...engine, prepare: () => Promise.resolve({ command: process.execPath, args: [main, engine.name] }) });

export const engine = millrace({
  name: 'millrace',
  title: 'Millrace: the graph of the workload from YAML, operators as shipped, a counting sink',
  runs: {
    W1: { threads: [1, 2] },
    W2: { threads: [1, 2] },
    W3: { threads: [1, 2] },
    W4: { threads: [1] },
    W5: { threads: [1, 2] },
    W6: { threads: [1] },
    W7: { threads: [1] },
    W8: { threads: [1] },
  },
});

const withoutCheckpoints = millrace({ name: 'millrace-no-checkpoints', title: 'Millrace without checkpoints', runs: { W6: { threads: [1] } } });

/** How the samples lie in the messages of a stream, and how many are enough where there are many messages. */
const forms: readonly (readonly [form: Form, title: string, samples: number])[] = [
  ['frames', 'columnar frames of 8,192 rows', 20_000_000],
  ['frames-20k', 'columnar frames of 20 KB', 20_000_000],
  ['lines', 'line protocol, 300 lines a message', 6_000_000],
  ['lines-20k', 'line protocol of 20 KB as an agent writes it, 133 lines with seven tags a message', 8_000_000],
  ['arrays', 'JSON arrays of 180 samples', 3_000_000],
  ['objects', 'a JSON object a message', 1_000_000],
];
const natsForms = forms.map(([form, title, samples]) => millrace({ name: `millrace-${form}`, title: `Millrace from NATS JetStream: ${title}; windows of 10 s, detect, a checkpoint a second`, runs: { nats: { threads: [1], samples } } }));

/** QuestDB runs on Java, and comes by Maven. */
const encoders = (
  [
    ['binary', 'our own encoder of line protocol'],
    ['client', 'rows encoded by its client'],
  ] as const
).map(
  ([encoder, title]): Engine => ({
    ...millrace({ name: `millrace-${encoder}-encoder`, title: `Millrace into QuestDB through its spool, ${title}`, runs: { questdb: { threads: [1] } }, toolchain: 'Java' }),
    prepare: async () => (await storeMissing()) ?? { command: process.execPath, args: [main, `millrace-${encoder}-encoder`] },
  }),
);

/** How the samples lie in posts, and how many are enough. */
const postedForms: readonly (readonly [form: PostedForm, title: string, samples: number])[] = [
  ['lines', 'line protocol to /write, 5,000 lines a post', 10_000_000],
  ['lines-gzip', 'the same by gzip', 10_000_000],
  ['arrays', 'JSON arrays of 5,000 samples', 5_000_000],
  ['objects', 'a JSON object a post', 200_000],
  ['frames', 'columnar frames of 5,000 rows, each with its dictionary', 10_000_000],
];
const posts = postedForms.map(([form, title, samples]) => millrace({ name: `millrace-posts-${form}`, title: `Millrace by HTTP: ${title}; windows of 10 s, detect, a checkpoint a second`, runs: { posts: { threads: [1], samples } } }));
const decoders = postedForms.flatMap(([form, title]) => (form === 'lines-gzip' ? [] : [millrace({ name: `millrace-decode-${form}`, title: `The decoder of Millrace alone: ${title}`, runs: { decoders: { threads: [1] } } })]));

/** Those that are measured for the chart of growth alone run nothing by themselves. */
const variantRuns: Readonly<Record<string, Engine['runs']>> = {
  'millrace-exchange': { W1: { threads: [2] } },
  'millrace-tumbling': { windows: { threads: [1] } },
  'millrace-session': { windows: { threads: [1] } },
  'millrace-rows': { windows: { threads: [1] } },
};

export const engines: readonly Engine[] = [engine, ...variantNames.map((variant) => millrace({ ...variant, runs: variantRuns[variant.name] ?? {} })), withoutCheckpoints, ...natsForms, ...encoders, ...posts, ...decoders];
