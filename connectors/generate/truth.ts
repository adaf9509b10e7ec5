import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { seriesText, type Series } from '../../engine/series.js';
import type { Signal } from './signal.js';

/** Writes the anomalies that were injected, stretch by stretch, when a stretch begins. */
export class TruthFile {
  readonly #series: readonly Series[];
  readonly #signal: Signal;
  readonly #file: FileHandle;
  /** Bytes written, and stretches. */
  #length: number;
  #stretches: number;

  private constructor(series: readonly Series[], signal: Signal, file: FileHandle, length: number, stretches: number) {
    this.#series = series;
    this.#signal = signal;
    this.#file = file;
    this.#length = length;
    this.#stretches = stretches;
  }

  /** A new file, or that of an earlier run cut back to its place. */
  static async open(path: string, series: readonly Series[], signal: Signal, from: TruthPlace): Promise<TruthFile> {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, from.length === 0 ? 'w' : 'r+');
    await file.truncate(from.length);
    return new TruthFile(series, signal, file, from.length, from.stretches);
  }

  get place(): TruthPlace {
    return { length: this.#length, stretches: this.#stretches };
  }

  /** Writes all stretches up to this one. */
  async upTo(stretch: number): Promise<void> {
    for (; this.#stretches <= stretch; this.#stretches++) {
      let text = '';
      for (const [s, { name, labels }] of this.#series.entries()) {
        const injected = this.#signal.injected(s, this.#stretches);
        if (injected === undefined) continue;
        const { kind, from, to, size } = injected;
        text += `${JSON.stringify({ series: seriesText(name, labels), kind, from: new Date(from).toISOString(), to: new Date(to).toISOString(), size })}\n`;
      }
      const bytes = Buffer.from(text);
      await this.#file.write(bytes, 0, bytes.length, this.#length);
      this.#length += bytes.length;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export type TruthPlace = { readonly length: number; readonly stretches: number };
