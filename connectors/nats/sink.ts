import { join } from 'node:path';
import type { Batch } from '../../engine/batch.js';
import { defineSink, payloadOf, type ConnectorContext, type ConnectorHealth, type DeadLetter, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import { findingJson } from '../../engine/finding-json.js';
import type { Names } from '../../engine/operator.js';
import { Spool } from '../../engine/spool.js';
import { SpoolEntry } from '../spooled/entry.js';
import { ClientThread } from './client-thread.js';
import { connectionOptions } from './connection-config.js';
import { Delivery } from './delivery.js';
import { encodeOutgoing } from './outgoing.js';
import type { RowForm } from './row-form.js';
import { RowFrames } from './row-frames.js';
import { RowLines } from './row-lines.js';
import { sinkConfig, type SinkConfig } from './sink-config.js';
import { MESSAGE_ID } from './thread-messages.js';

interface Opened {
  readonly entry: SpoolEntry;
  readonly client: ClientThread;
  readonly delivery: Delivery;
}

/** Encodes findings and rows, and puts them into the spool; from there they are published. */
class NatsSink implements Sink {
  readonly #config: SinkConfig;
  readonly #context: ConnectorContext;
  readonly #rows = new Map<string, RowForm>();
  #open: Opened | undefined;

  constructor(config: SinkConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
  }

  async open(from: Position | undefined): Promise<void> {
    const { node, base, folder, clock, log } = this.#context;
    const connection = await connectionOptions(this.#config, `millrace ${node}`, base);
    const damaged = (message: string): void => {
      this.#context.count('damaged');
      log.error(`messages that waited for NATS are lost: ${message}`);
    };
    const spool = await Spool.open(join(folder, 'spool'), { limit: this.#config.spool, from, clock, damaged });
    const client = new ClientThread({ connection }, this.#context);
    const delivery = new Delivery(spool, client, this.#config.jetstream === undefined ? 'server' : 'stream', this.#context);
    delivery.start();
    const entry = new SpoolEntry(spool, () => [...this.#rows].map(([of, form]) => () => this.#takeRows(of, form)));
    this.#open = { entry, client, delivery };
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    if (this.#config.rows === undefined) return;
    const form = this.#form(node);
    for (let i = 0; i < batch.length; ) {
      const added = form.add(batch, names, i);
      if (added === 'full') await this.#opened().entry.append(() => this.#takeRows(node, form));
      else {
        if (added === 'unwritable') this.#refuseRow(node, batch, names, i);
        i += 1;
      }
    }
  }

  async receive(node: string, finding: Finding): Promise<void> {
    const { id, revision, kind } = finding;
    const subject = `${this.#config.findings}.${kind}.${inSubject(node)}`;
    const headers = { 'Content-Type': 'application/json', [MESSAGE_ID]: `${id}.${revision}` };
    await this.#opened().entry.append(() => encodeOutgoing({ subject, headers: this.#expecting(headers), payload: Buffer.from(JSON.stringify(findingJson(finding))) }));
  }

  /** At the end of everything it waits until everything is published: nobody may come back for it. */
  async advance(watermark: number): Promise<void> {
    if (watermark !== Infinity) return;
    await this.#opened().entry.drained();
  }

  async flush(): Promise<Position> {
    return await this.#opened().entry.flush();
  }

  abort(): void {
    this.#open?.entry.abort();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    const { entry, client, delivery } = open;
    await entry.close(delivery.well, () => Promise.all([delivery.stop(), client.close()]));
  }

  health(): ConnectorHealth {
    return this.#open?.delivery.health() ?? { status: 'ok' };
  }

  async resubmit(letter: DeadLetter): Promise<void> {
    const { subject, ...headers } = letter.headers ?? {};
    if (subject === undefined) throw new Error('this row has no form that could be published');
    await this.#opened().delivery.resubmit({ subject, headers, payload: payloadOf(letter) });
  }

  #opened(): Opened {
    if (this.#open === undefined) throw new Error('the sink is not open');
    return this.#open;
  }

  #form(node: string): RowForm {
    const known = this.#rows.get(node);
    if (known !== undefined) return known;
    // Of this run alone: after a crash the same rows may come in other pieces.
    const own = Uint8Array.from({ length: 8 }, () => Math.floor(this.#context.random() * 256));
    const form = this.#config.rows?.form === 'influx' ? new RowLines(Buffer.from(own).toString('hex')) : new RowFrames(own);
    this.#rows.set(node, form);
    return form;
  }

  #takeRows(node: string, form: RowForm): Uint8Array | undefined {
    const taken = form.take();
    if (taken === undefined) return undefined;
    const headers = { 'Content-Type': form.contentType, [MESSAGE_ID]: taken.id };
    return encodeOutgoing({ subject: `${this.#config.rows!.subject}.${inSubject(node)}`, headers: this.#expecting(headers), payload: taken.payload });
  }

  #expecting(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const stream = this.#config.jetstream?.stream;
    return stream === undefined ? headers : { ...headers, 'Nats-Expected-Stream': stream };
  }

  #refuseRow(node: string, batch: Batch, names: Names, i: number): void {
    this.#context.count('unwritable');
    const row = { series: names.text(batch.slot[i]!), time: batch.time[i]!, value: batch.value[i]! };
    this.#context.deadLetter({ origin: node, reason: 'a label has a line break, or a backslash before a comma, a space, an equals sign or its end, which line protocol has no way to write: publish frames', payload: JSON.stringify(row) });
  }
}

/** A node's name as part of a subject. */
function inSubject(node: string): string {
  return node.replaceAll(/[\s*>]/g, '_');
}

export const natsSink = defineSink<SinkConfig>({
  name: 'nats',
  summary: 'Publishes findings to NATS as JSON, and rows as columnar frames or line protocol; also what came while it was away.',
  description: `A finding of node \`odd\` goes to \`findings.v1.KIND.odd\` (kinds: anomaly, forecast, burn, alert) as JSON with the members that docs/live-protocol.md lists, each revision once: a
consumer keeps the highest \`revision\` of each \`id\`, and \`Nats-Msg-Id\` is \`ID.REVISION\`, so a stream takes a repeat once. With \`rows\` the rows of node \`sums\` go
to \`rows.v1.sums\`; a further column \`p99\` of series \`latency\` is the series \`latency_p99\` there, and a source of type \`nats\` reads them again.

What is published goes through a spool on disk and leaves it when it is confirmed: by a stream with \`jetstream\`, else by the server, which then hands it to whoever
listens at that moment. A server or stream that is away holds up nothing, until the spool is full; then the sources wait. After a crash messages since the last
checkpoint may come again: findings under the same id and revision, rows with the same series and times under another id. docs/nats.md tells more.`,
  config: sinkConfig,
  examples: [
    { title: 'Findings, for whoever listens', yaml: 'sinks:\n  out: { type: nats, from: odd, servers: nats://localhost:4222 }\n' },
    { title: 'Findings and rows into streams', yaml: 'sinks:\n  out:\n    type: nats\n    from: [odd, sums]\n    rows: { subject: rows.v1, form: influx }\n    jetstream: {}\n    spool: 10GiB\n' },
  ],
  create: (parsed, context) => new NatsSink(parsed, context),
});
