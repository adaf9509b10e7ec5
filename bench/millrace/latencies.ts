/** Latencies, ms, each counted as often as it occurred. */
export class Latencies {
  readonly #of = new Map<number, number>();
  #count = 0;

  add(ms: number, times: number): void {
    this.#of.set(ms, (this.#of.get(ms) ?? 0) + times);
    this.#count += times;
  }

  /** `p50` and `p99` are the smallest that at least that share does not exceed. */
  summary(): { p50: number; p99: number; max: number; count: number } {
    const sorted = [...this.#of].sort(([a], [b]) => a - b);
    const quantile = (q: number): number => {
      let seen = 0;
      for (const [ms, times] of sorted) {
        seen += times;
        if (seen >= q * this.#count) return ms;
      }
      return NaN;
    };
    return { p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), count: this.#count };
  }
}
