import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Test } from 'tap';
import { allocateBatch, type Batch } from '../../engine/batch.js';
import type { Clock } from '../../engine/clock.js';
import type { AnySink, AnySource, ConnectorContext, Intake, Position, RefusedInput, Source } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { seeded } from '../../engine/random.js';
import { parseSeries } from '../../engine/series.js';

/** A clock that stands still unless told. */
export class HandClock implements Clock {
  time: number;
  constructor(time = 1_700_000_000_000) {
    this.time = time;
  }
  now(): number {
    return this.time;
  }
  elapsed(): number {
    return this.time;
  }
}

export interface Stage {
  readonly context: ConnectorContext;
  readonly clock: HandClock;
  readonly letters: RefusedInput[];
  readonly counts: Map<string, number>;
  readonly logged: { readonly level: number; readonly msg: string; readonly [field: string]: unknown }[];
}

/** A folder that is gone after the test. */
export function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What a connector is given when it opens, and what it told. */
export function stage(base: string, given: Partial<ConnectorContext> = {}): Stage {
  const clock = new HandClock();
  const letters: RefusedInput[] = [];
  const counts = new Map<string, number>();
  const logged: Stage['logged'] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(JSON.parse(line) as Stage['logged'][number]) });
  const context: ConnectorContext = {
    node: 'node',
    clock,
    random: seeded(1),
    log,
    routes: undefined,
    folder: base,
    base,
    replay: false,
    deadLetter: (letter) => void letters.push(letter),
    count: (what, by = 1) => void counts.set(what, (counts.get(what) ?? 0) + by),
    ...given,
  };
  return { context, clock, letters, counts, logged };
}

export type Sample = readonly [time: number, series: string, value: number];

/** Takes what a source gives. */
export class Basket implements Intake {
  readonly samples: Sample[] = [];
  #before = 0;
  add(time: number, series: string, value: number): boolean {
    this.samples.push([time, series, value]);
    return true;
  }
  finding(): void {
    throw new Error('no source here gives findings');
  }
  get length(): number {
    return this.samples.length - this.#before;
  }
  /** A new call of `read` begins. */
  begin(): void {
    this.#before = this.samples.length;
  }
}

export function source(definition: AnySource, config: unknown, on: Stage): Source {
  return definition.create(definition.config.parse(config), on.context) as Source;
}

/** Everything a source gives until it ends, and the position after each call of `read`. */
export async function readAll(from: Source, limit = 100): Promise<{ samples: Sample[]; positions: { readonly at: number; readonly position: Position }[] }> {
  const basket = new Basket();
  const positions: { at: number; position: Position }[] = [];
  for (;;) {
    basket.begin();
    const { position, ended } = await from.read(basket, limit, new AbortController().signal);
    positions.push({ at: basket.samples.length, position });
    if (ended === true) break;
  }
  await from.close();
  return { samples: basket.samples, positions };
}

/** Reads until `count` samples are there; what follows them is not asked for. */
export async function readSome(from: Source, count: number): Promise<{ samples: Sample[]; position: Position }> {
  const basket = new Basket();
  let position: Position = null;
  while (basket.samples.length < count) {
    basket.begin();
    ({ position } = await from.read(basket, count - basket.samples.length, new AbortController().signal));
  }
  return { samples: basket.samples, position };
}

/** Opens, reads everything, closes. */
export async function samplesOf(definition: AnySource, config: unknown, on: Stage): Promise<Sample[]> {
  const from = source(definition, config, on);
  await from.open(undefined);
  return (await readAll(from)).samples;
}

export interface Row {
  readonly time: number;
  readonly series: string;
  readonly value: number;
  readonly columns?: Readonly<Record<string, number>>;
}

/** Rows as a batch, with the names of its slots. All rows have the columns of the first. */
export function batchOf(rows: readonly Row[]): { batch: Batch; names: Names } {
  const columns = Object.keys(rows[0]?.columns ?? {});
  const batch = allocateBatch(columns, Math.max(1, rows.length));
  const texts = [...new Set(rows.map((row) => row.series))];
  for (const [i, row] of rows.entries()) {
    batch.time[i] = row.time;
    batch.slot[i] = texts.indexOf(row.series);
    batch.value[i] = row.value;
    for (const column of columns) batch.columns[column]![i] = row.columns![column]!;
  }
  batch.length = rows.length;
  const none = (): never => {
    throw new Error('a sink does not ask for groups');
  };
  return { batch, names: { series: (slot) => parseSeries(texts[slot]!), text: (slot) => texts[slot]!, group: none, member: none, members: none } };
}

export function sink(definition: AnySink, config: unknown, on: Stage) {
  return definition.create(definition.config.parse(config), on.context);
}

/** An anomaly with its explanation. */
export function anomaly(given: Partial<Finding> = {}): Finding {
  return {
    id: '0011223344556677',
    revision: 1,
    state: 'opened',
    operator: 'odd',
    series: 'cpu{host="a"}',
    metric: 'cpu',
    labels: { host: 'a' },
    openedAt: 1_000,
    time: 1_000,
    severity: 'high',
    explanation: 'cpu is 97, expected 45',
    kind: 'anomaly',
    value: 97,
    expected: 45,
    lower: 40,
    upper: 50,
    score: 0.99,
    confidence: 0.9,
    direction: 'up',
    ...given,
  } as Finding;
}
