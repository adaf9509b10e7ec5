/** Counters that shards write and the main thread reads: one f64 each in shared memory, each with one writer. */
export const NodeField = { rowsIn: 0, rowsOut: 1, findings: 2, late: 3, ahead: 4, watermark: 5, capped: 6, unaligned: 7 } as const;
export type NodeField = (typeof NodeField)[keyof typeof NodeField];
export const ShardField = { busyMs: 0, idleMs: 1, blockedMs: 2, turns: 3, longestTurnMs: 4, fill: 5 } as const;
export type ShardField = (typeof ShardField)[keyof typeof ShardField];

/** Fields of a node or shard: a cache line. */
const LINE = 8;

/** Operators by their index in the plan, then sources, of which shards count those that they read themselves. */
export function statsNodes({ operators, sources }: { readonly operators: readonly unknown[]; readonly sources: readonly unknown[] }): number {
  return operators.length + sources.length;
}
export function statsOfSource({ operators }: { readonly operators: readonly unknown[] }, source: number): number {
  return operators.length + source;
}

export class Stats {
  readonly #values: Float64Array;

  constructor(
    readonly memory: SharedArrayBuffer | ArrayBuffer,
    readonly nodes: number,
    readonly shard: number,
  ) {
    this.#values = new Float64Array(memory);
  }

  static bytes(nodes: number, shards: number): number {
    return (nodes + 1) * shards * LINE * 8;
  }

  #node(shard: number, node: number): number {
    return (shard * (this.nodes + 1) + 1 + node) * LINE;
  }

  addNode(node: number, field: NodeField, by: number): void {
    this.#values[this.#node(this.shard, node) + field]! += by;
  }
  setNode(node: number, field: NodeField, value: number): void {
    this.#values[this.#node(this.shard, node) + field] = value;
  }
  addShard(field: ShardField, by: number): void {
    this.#values[this.shard * (this.nodes + 1) * LINE + field]! += by;
  }
  setShard(field: ShardField, value: number): void {
    this.#values[this.shard * (this.nodes + 1) * LINE + field] = value;
  }
  maxShard(field: ShardField, value: number): void {
    if (value > this.ofShard(this.shard, field)) this.setShard(field, value);
  }

  ofNode(shard: number, node: number, field: NodeField): number {
    return this.#values[this.#node(shard, node) + field]!;
  }
  ofShard(shard: number, field: ShardField): number {
    return this.#values[shard * (this.nodes + 1) * LINE + field]!;
  }
}
