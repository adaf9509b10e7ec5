import { resolve } from 'node:path';
import type { Batch } from '../../engine/batch.js';
import { defineSink, type ConnectorContext, type Position, type Sink } from '../../engine/connector.js';
import type { Finding } from '../../engine/finding.js';
import type { Names } from '../../engine/operator.js';
import { fileSinkConfig, type FileSinkConfig } from './config.js';
import { CsvForm, NdjsonForm, type RowForm } from './form.js';
import { OutputFile } from './output.js';

/** A line waits in memory for at most this long while results come. */
const DRAIN_AFTER_MS = 1_000;

type Lengths = { readonly rows: number; readonly findings: number };

class FileSink implements Sink {
  readonly #config: FileSinkConfig;
  readonly #context: ConnectorContext;
  readonly #csv: boolean;
  readonly #rows: OutputFile;
  /** The same file as `#rows` where findings stand among the rows. */
  readonly #findings: OutputFile;
  #form: RowForm | undefined;
  #drained = 0;
  readonly #dropped = new Set<string>();

  constructor(config: FileSinkConfig, context: ConnectorContext) {
    this.#config = config;
    this.#context = context;
    const path = resolve(context.base, config.path);
    this.#csv = config.format === 'auto' ? /\.csv(\.gz)?$/i.test(config.path) : config.format === 'csv';
    this.#rows = new OutputFile(path);
    const findings = config.findings !== undefined ? resolve(context.base, config.findings) : this.#csv ? `${path}.findings.ndjson` : path;
    this.#findings = findings === path ? this.#rows : new OutputFile(findings);
  }

  async open(from: Position | undefined): Promise<void> {
    const fresh = this.#config.append ? Infinity : 0;
    const lengths = from as Lengths | undefined;
    await this.#rows.open(lengths?.rows ?? fresh);
    if (this.#findings !== this.#rows) await this.#findings.open(lengths?.findings ?? fresh);
    const several = (this.#context.inputs?.length ?? 1) > 1;
    this.#form = this.#csv ? new CsvForm(several, await this.#rows.firstLine(), (column) => this.#drop(column)) : new NdjsonForm(several);
    this.#drained = this.#context.clock.elapsed();
  }

  async write(node: string, batch: Batch, names: Names): Promise<void> {
    const rows = this.#rows;
    for (let i = 0; i < batch.length; i++) {
      rows.put(this.#form!.row(node, batch, i, names));
      if (rows.full) await rows.drain();
    }
  }

  async receive(_node: string, finding: Finding): Promise<void> {
    this.#findings.put(`${JSON.stringify({ finding })}\n`);
    if (this.#findings.full) await this.#findings.drain();
  }

  async advance(): Promise<void> {
    const now = this.#context.clock.elapsed();
    if (now - this.#drained < DRAIN_AFTER_MS) return;
    this.#drained = now;
    await this.#rows.drain();
    await this.#findings.drain();
  }

  async flush(): Promise<Position> {
    const rows = await this.#rows.flush();
    const findings = this.#findings === this.#rows ? 0 : await this.#findings.flush();
    return { rows, findings };
  }

  async close(): Promise<void> {
    await this.#rows.close();
    if (this.#findings !== this.#rows) await this.#findings.close();
  }

  #drop(column: string): void {
    this.#context.count('cells_dropped');
    if (this.#dropped.has(column)) return;
    this.#dropped.add(column);
    this.#context.log.warn(`${this.#rows.path} has no column ${column}: its header is that of the first row; write NDJSON, or each node to a file of its own`);
  }
}

export const fileSink = defineSink<FileSinkConfig>({
  name: 'file',
  summary: 'Writes rows and findings to an NDJSON or CSV file.',
  description: `Rows are written in order of time and series, once the watermark has passed them: the same bytes for the same input, however many
threads there are.

**NDJSON**: one object a row, \`{"time":"2024-01-15T10:30:00.000Z","metric":"cpu_usage","labels":{"host":"a"},"value":75.5,"score":0.1}\`, with
every further column by name. Numbers have the shortest form that reads back the same; NaN and infinities are null. With several inputs each
row begins with its \`node\`. A finding is a line \`{"finding":{...}}\`, in its place among the rows, or in the file \`findings\`.

**CSV**: \`time,metric,labels,value\` and the further columns of the first row written; labels are a JSON object, NaN is empty. A later row of another node has
empty cells for columns that it lacks; columns that the header lacks are left out, counted and told in the log. Findings go to \`findings\`.

A new run writes in place of what is there, unless \`append\`. After a crash the file is cut to the length it had at the checkpoint, so no row is
in it twice. A file that ends in .gz is compressed, as several gzip members, which every gzip tool reads; how many there are depends on the checkpoints. Folders are made.`,
  config: fileSinkConfig,
  examples: [
    { title: 'Every row with its columns', yaml: 'sinks:\n  out: { type: file, from: odd, path: out.ndjson }' },
    { title: 'CSV, compressed, and the findings beside it', yaml: 'sinks:\n  table: { type: file, from: odd, path: results/odd.csv.gz, findings: results/findings.ndjson }' },
  ],
  ordered: () => true,
  create: (config, context) => new FileSink(config, context),
});
