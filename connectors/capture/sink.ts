import { z } from 'zod';
import type { Batch } from '../../engine/batch.js';
import type { Time } from '../../engine/clock.js';
import { defineSink, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';

const config = z.strictObject({
  ordered: z.boolean().default(true).describe('rows in order of time and series, once the watermark has passed them'),
  limit: z.number().int().min(1).default(1_000_000).describe('rows and findings kept; more are an error'),
});

export interface CapturedRow {
  /** The node that gave it. */
  readonly node: string;
  readonly time: Time;
  readonly series: string;
  readonly value: number;
  readonly flags: number;
  readonly columns: Readonly<Record<string, number>>;
}

/** What a sink has taken, in the order it came; `closed` when the graph has let go of it. */
export interface Captured {
  readonly rows: CapturedRow[];
  readonly findings: { readonly node: string; readonly finding: Finding }[];
  readonly watermarks: Time[];
  closed: boolean;
}

const byName = new Map<string, Captured>();

/** What the capture sink of this name has taken, in this thread; kept until a new run of a sink of that name. Throws where there is none. */
export function captured(name: string): Captured {
  const found = byName.get(name);
  if (found === undefined) throw new Error(`no capture sink ${name} was opened; there are: ${[...byName.keys()].join(', ') || 'none'}`);
  return found;
}

class CaptureSink implements Sink {
  readonly #name: string;
  readonly #limit: number;
  #kept: Captured = { rows: [], findings: [], watermarks: [], closed: false };

  constructor(name: string, limit: number) {
    this.#name = name;
    this.#limit = limit;
  }

  /** A run that goes on finds what the run before it took, if it was in this process. */
  open(from: Position | undefined): Promise<void> {
    const before = byName.get(this.#name);
    if (from !== undefined && before !== undefined) {
      const { rows, findings, watermarks } = from as { rows: number; findings: number; watermarks: number };
      this.#kept = before;
      before.rows.length = Math.min(before.rows.length, rows);
      before.findings.length = Math.min(before.findings.length, findings);
      before.watermarks.length = Math.min(before.watermarks.length, watermarks);
      before.closed = false;
    }
    byName.set(this.#name, this.#kept);
    return Promise.resolve();
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    const { rows } = this.#kept;
    if (rows.length + batch.length > this.#limit) throw new Error(`capture sink ${this.#name}: more than ${this.#limit} rows`);
    for (let i = 0; i < batch.length; i++) {
      const columns = Object.fromEntries(Object.entries(batch.columns).map(([name, column]) => [name, column[i]!]));
      rows.push({ node, time: batch.time[i]!, series: names.text(batch.slot[i]!), value: batch.value[i]!, flags: batch.flags[i]!, columns });
    }
  }

  async receive(node: string, finding: Finding): Promise<void> {
    if (this.#kept.findings.length >= this.#limit) throw new Error(`capture sink ${this.#name}: more than ${this.#limit} findings`);
    this.#kept.findings.push({ node, finding });
  }

  async advance(watermark: Time): Promise<void> {
    if (this.#kept.watermarks.length < this.#limit) this.#kept.watermarks.push(watermark);
  }

  flush(): Promise<Position> {
    const { rows, findings, watermarks } = this.#kept;
    return Promise.resolve({ rows: rows.length, findings: findings.length, watermarks: watermarks.length });
  }

  close(): Promise<void> {
    this.#kept.closed = true;
    return Promise.resolve();
  }
}

export const captureSink = defineSink({
  name: 'capture',
  summary: 'Keeps rows and findings in memory, for tests.',
  description: 'A test reads them with `captured(name)`. Nothing is written anywhere.',
  config,
  examples: [{ title: 'Keep what a detector gives', yaml: 'sinks:\n  kept: { type: capture, from: odd }' }],
  ordered: (options) => options.ordered,
  create: (options, context) => new CaptureSink(context.node, options.limit),
});
