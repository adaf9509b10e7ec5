import type { Feedback, Finding } from '../../engine/finding.js';
import type { Names, OperatorContext } from '../../engine/operator.js';
import { factorOf, lower, raise, share, withoutVerdict, withVerdict, type Verdicts } from './feedback.js';

/** The column that an operator multiplies its thresholds by; 0 stands for 1. */
export interface Factors {
  readonly factor: Float64Array;
}

/** Keeps by slot what people said, and makes the factors of it. Of a metric with a million series most have the same: they share it. */
export class Thresholds {
  readonly #node: string;
  readonly #names: Names;
  readonly #surprise: number;
  /** By slot; empty where nobody has said anything. */
  readonly #verdicts: (Verdicts | undefined)[] = [];
  /** As saved, of each that is kept. */
  readonly #bytes = new WeakMap<Verdicts, Uint8Array>();
  /** Of those that were restored, by their text. */
  readonly #restored = new Map<string, Verdicts>();

  /** `surprise`: the score that opens an anomaly by itself, if any does. */
  constructor({ node, names }: Pick<OperatorContext, 'node' | 'names'>, surprise = 1) {
    this.#node = node;
    this.#names = names;
    this.#surprise = surprise;
  }

  /** Where it is what people say of an anomaly of this node: changes the series that it is about, and those of the same metric that are followed now, some 60 ns a slot. */
  take(said: Finding, columns: Factors, isFollowed: (slot: number) => boolean): void {
    if (said.kind !== 'feedback' || said.toldBy !== this.#node) return;
    const { id, series, metric, state } = said;
    const others = share(this.#by(said, 1));
    this.#restored.clear();
    /** What became of those that other series had, and the factor that it makes; mostly that of the series before. */
    const changed = new Map<Verdicts | undefined, Changed>();
    let last: Changed | undefined;
    for (let slot = 0; slot < columns.factor.length; slot++) {
      if (!isFollowed(slot)) continue;
      const text = this.#names.text(slot);
      if (!isOf(metric, text)) continue;
      const before = this.#verdicts[slot];
      if (text === series) {
        const without = withoutVerdict(before, id);
        const by = this.#by(said, without === undefined ? 1 : factorOf(without));
        this.#set(slot, changedTo(before, state === 'closed' ? without : withVerdict(before, id, by)), columns);
        continue;
      }
      if (last === undefined || last.before !== before) {
        last = changed.get(before) ?? changedTo(before, state === 'closed' ? withoutVerdict(before, id) : withVerdict(before, id, others));
        changed.set(before, last);
      }
      this.#set(slot, last, columns);
    }
  }

  #by(said: Feedback, factor: number): number {
    return said.verdict === 'false_positive' ? raise(said, this.#surprise, factor) : lower();
  }

  #set(slot: number, { after, factor }: Changed, columns: Factors): void {
    this.#keep(slot, after);
    columns.factor[slot] = factor;
  }

  #keep(slot: number, verdicts: Verdicts | undefined): void {
    // An array with holes is a slow one.
    while (verdicts !== undefined && this.#verdicts.length < slot) this.#verdicts.push(undefined);
    if (slot <= this.#verdicts.length) this.#verdicts[slot] = verdicts;
  }

  save(slot: number): Uint8Array | undefined {
    const verdicts = this.#verdicts[slot];
    if (verdicts === undefined) return undefined;
    let bytes = this.#bytes.get(verdicts);
    if (bytes === undefined) this.#bytes.set(verdicts, (bytes = Buffer.from(JSON.stringify(verdicts))));
    return bytes;
  }

  restore(slot: number, saved: Uint8Array): void {
    const text = Buffer.from(saved).toString();
    let verdicts = this.#restored.get(text);
    if (verdicts === undefined) this.#restored.set(text, (verdicts = JSON.parse(text) as Verdicts));
    this.#keep(slot, verdicts);
  }

  release(slot: number): void {
    this.#keep(slot, undefined);
  }
}

interface Changed {
  readonly before: Verdicts | undefined;
  readonly after: Verdicts | undefined;
  readonly factor: number;
}

function changedTo(before: Verdicts | undefined, after: Verdicts | undefined): Changed {
  return { before, after, factor: after === undefined ? 0 : factorOf(after) };
}

/** By its canonical text: parsed, a million series would take some hundred megabytes. */
function isOf(metric: string, text: string): boolean {
  return text.startsWith(metric) && (text.length === metric.length || text[metric.length] === '{');
}
