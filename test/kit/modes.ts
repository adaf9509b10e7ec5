import { CHANNEL_FRAMES } from '../../engine/limits.js';
import { seeded, type Random } from '../../engine/random.js';
import { Engine, PARTITIONS, type Layout, type Subject } from './engine.js';
import { runReference } from './reference.js';
import { formatOutcome, type Message, type Outcome } from './text.js';

/** A way to run an operator through the engine: whatever it is, what comes out must be the same. */
export interface Mode {
  readonly name: string;
  run(subject: Subject): Engine;
}

const alone: Layout = { shards: 1 };

/** Sends each message, with what is to be done after it; then ends. */
function each(subject: Subject, layout: Layout, after: (engine: Engine, index: number) => void): Engine {
  const engine = new Engine(subject, layout);
  for (const [index, message] of subject.messages.entries()) {
    engine.send(message);
    after(engine, index);
  }
  engine.end();
  engine.settle();
  return engine;
}

/** Two shards, of which each partition in turn changes over to the other. */
const moved = (index: number): number[] => Array.from({ length: PARTITIONS }, (_, partition) => ((partition < index % (PARTITIONS + 1) ? 1 : 0) + partition) % 2);

/** Watermarks before the first message: so many that the channel to the sink is full by then. */
const FILLING = 2 * CHANNEL_FRAMES;

export const modes: readonly Mode[] = [
  { name: 'row by row', run: (subject) => each(subject, alone, (engine) => engine.settle()) },
  { name: 'all at once', run: (subject) => each(subject, alone, () => {}) },
  { name: 'saved and restored after every message', run: (subject) => each(subject, alone, (engine) => engine.restart()) },
  { name: 'on two shards', run: (subject) => each(subject, { shards: 2 }, () => {}) },
  { name: 'behind another actor, on two shards, saved and restored after every message', run: (subject) => each(subject, { shards: 2, behind: true }, (engine) => engine.restart()) },
  {
    name: 'a partition moved to the other shard after every message',
    run: (subject) => each(subject, { shards: 2 }, (engine, index) => engine.restart({ shards: 2, owner: moved(index + 1) })),
  },
  { name: 'into an output that is full', run: intoFullOutput },
];

/** The sink takes a frame only when nothing else can go on. */
function intoFullOutput(subject: Subject): Engine {
  const first = Math.min(0, ...subject.messages.map((message) => (message.type === 'row' ? message.row.time : message.type === 'finding' ? message.finding.time : message.time)));
  const filling = Array.from({ length: FILLING }, (_, i): Message => ({ type: 'watermark', time: first - 1_000 * (FILLING - i) - 1e9 }));
  const engine = new Engine(subject, alone);
  let blocked = 0;
  const squeeze = (): void => {
    for (;;) {
      engine.flush();
      let turn = 'nothing';
      for (const shard of engine.shards) turn = shard.turn();
      if (turn === 'worked' || engine.answer()) continue;
      if (turn === 'nothing') return;
      blocked += 1;
      engine.drain(1);
    }
  };
  for (const message of [...filling, ...subject.messages]) {
    engine.send(message);
    squeeze();
  }
  if (blocked === 0) throw new Error('the output was never full');
  engine.end();
  engine.settle();
  return engine;
}

/** Everything that may happen, in an order drawn from the seed: batches, turns, answers, drains, saves, moves. */
export function interleaved(seed: number): Mode {
  return {
    name: `interleaved by seed ${seed}`,
    run(subject) {
      const random = seeded(seed);
      const layout = drawLayout(random);
      const engine = new Engine(subject, layout);
      const restarts = random() < 0.5 ? 0.05 : 0;
      let sent = 0;
      while (sent < subject.messages.length) {
        const choice = random();
        if (choice < restarts) engine.restart({ ...drawLayout(random), behind: layout.behind === true });
        else if (choice < 0.35 && !engine.intakeBlocked) engine.send(subject.messages[sent++]!);
        else if (choice < 0.5) engine.flush();
        else if (choice < 0.85) engine.shards[Math.floor(random() * engine.shards.length)]!.turn();
        else if (choice < 0.95) engine.drain(1);
        else engine.answer();
      }
      engine.end();
      engine.settle();
      return engine;
    },
  };
}

function drawLayout(random: Random): Layout {
  const shards = 1 + Math.floor(random() * 3);
  return { shards, owner: Array.from({ length: PARTITIONS }, () => Math.floor(random() * shards)), behind: random() < 0.5 };
}

/** What the operator must give, as lines; the stream does not tell why a row is late. */
export function expected(subject: Subject): string[] {
  return linesOf(runReference(subject.definition, subject.config, subject.messages));
}

/** What the operator gives when the engine runs it so, and whether that came to its end. */
export function outcome(mode: Mode, subject: Subject): string[] {
  const engine = mode.run(subject);
  return [...linesOf(engine), ...(engine.finished ? [] : ['not all shards have ended'])];
}

function linesOf({ rows, findings, late }: Outcome): string[] {
  return formatOutcome({ rows, findings, late: late.map((row) => ({ ...row, reason: 'late' })) });
}

/** The first mode that gives something else, with both. */
export function differs(subject: Subject, tried: readonly Mode[]): { mode: string; wanted: readonly string[]; found: readonly string[] } | undefined {
  const wanted = expected(subject);
  for (const mode of tried) {
    const found = outcome(mode, subject);
    if (found.join('\n') !== wanted.join('\n')) return { mode: mode.name, wanted, found };
  }
  return undefined;
}
