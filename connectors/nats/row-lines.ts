import { STALE, type Batch } from '../../engine/batch.js';
import type { Names } from '../../engine/operator.js';
import type { Series } from '../../engine/series.js';
import { KNOWN_SERIES, PAYLOAD_BYTES, PAYLOAD_ROWS } from './limits.js';
import type { RowForm } from './row-form.js';

/** In a tag, where a comma, a space or an equals sign is escaped by a backslash, and nothing else can be. */
const SPECIAL = /[,= ]/g;
const UNWRITABLE = /[\n\r]|\\(?:[,= ]|$)|\p{Surrogate}/u;

/** InfluxDB line protocol: the value as field `value`, further columns as fields of their names. It has no way to say that a series ends. */
export class RowLines implements RowForm {
  readonly contentType = 'text/x-influx-line-protocol';
  readonly #run: string;
  readonly #heads = new Map<number, { readonly text: string; readonly head: string | undefined }>();
  #lines: string[] = [];
  #length = 0;
  #payloads = 0;

  /** `run`: a text that no other writer has, for the ids. */
  constructor(run: string) {
    this.#run = run;
  }

  add(batch: Batch, names: Names, i: number): 'added' | 'full' | 'unwritable' {
    if ((batch.flags[i]! & STALE) !== 0) return 'added';
    const head = this.#head(names, batch.slot[i]!);
    if (head === undefined) return 'unwritable';
    if (this.#length >= PAYLOAD_BYTES || this.#lines.length >= PAYLOAD_ROWS) return 'full';
    let fields = Number.isFinite(batch.value[i]!) ? `value=${batch.value[i]!}` : '';
    for (const [column, values] of Object.entries(batch.columns)) if (Number.isFinite(values[i]!)) fields += `${fields === '' ? '' : ','}${column}=${values[i]!}`;
    if (fields === '') return 'added';
    const line = `${head} ${fields} ${nanoseconds(batch.time[i]!)}\n`;
    this.#lines.push(line);
    this.#length += line.length;
    return 'added';
  }

  take(): { readonly payload: Uint8Array; readonly id: string } | undefined {
    if (this.#lines.length === 0) return undefined;
    const payload = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#length = 0;
    return { payload, id: `${this.#run}-${this.#payloads++}` };
  }

  #head(names: Names, slot: number): string | undefined {
    const text = names.text(slot);
    const known = this.#heads.get(slot);
    if (known?.text === text) return known.head;
    const head = headOf(names.series(slot));
    if (this.#heads.size >= KNOWN_SERIES) this.#heads.clear();
    this.#heads.set(slot, { text, head });
    return head;
  }
}

/** Measurement and tags, or undefined for a label that a tag can't carry. */
function headOf({ name, labels }: Series): string | undefined {
  let head = name;
  for (const [label, value] of Object.entries(labels)) {
    if (UNWRITABLE.test(value)) return undefined;
    head += `,${label}=${value.replaceAll(SPECIAL, '\\$&')}`;
  }
  return head;
}

function nanoseconds(ms: number): string {
  if (Number.isInteger(ms)) return ms === 0 ? '0' : `${ms}000000`;
  const whole = Math.floor(ms);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1e6)));
}
