import type { SenderBuffer } from '@questdb/nodejs-client';
import type { Finding } from '../../engine/finding.js';
import { clientBuffer } from './client-encoder.js';
import { KNOWN_FINDINGS } from './limits.js';
import { microseconds } from './row-encoder.js';

/**
 * Findings as line protocol, a row each by (opening time, id): the last one written counts. So a revision lower than one before
 * is left out. After a restart they come again in their order, and the highest is the last once more.
 */
export class FindingLines {
  readonly #table: string;
  readonly #buffer: SenderBuffer = clientBuffer();
  /** The highest revision by id, of those that changed last. */
  readonly #highest = new Map<string, number>();
  rows = 0;

  constructor(table: string) {
    this.#table = table;
  }

  get bytes(): number {
    return this.#buffer.currentPosition();
  }

  add(node: string, finding: Finding): void {
    const { id, revision } = finding;
    const highest = this.#highest.get(id) ?? 0;
    if (revision < highest) return;
    this.#highest.delete(id);
    this.#highest.set(id, revision);
    if (this.#highest.size > KNOWN_FINDINGS) this.#highest.delete(this.#highest.keys().next().value!);
    const buffer = this.#buffer.table(this.#table);
    for (const [column, value] of [
      ['kind', finding.kind],
      ['node', node],
      ['state', finding.state],
      ['severity', finding.severity],
      ['metric', finding.metric],
    ] as const) {
      buffer.symbol(column, value);
    }
    buffer.stringColumn('id', id).intColumn('revision', revision).timestampColumn('time', microseconds(finding.time), 'us');
    buffer.stringColumn('series', finding.series).stringColumn('body', JSON.stringify(finding));
    buffer.at(microseconds(finding.openedAt), 'us');
    this.rows += 1;
  }

  /** What has been added since; undefined where nothing was. */
  take(): Uint8Array {
    this.rows = 0;
    return this.#buffer.toBufferNew() ?? new Uint8Array();
  }
}
