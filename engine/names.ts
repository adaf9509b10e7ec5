import { BLOCK_SHIFT } from './limits.js';
import { Derivation, withSlot } from './derivation.js';
import type { Names } from './operator.js';
import { NO_SLOT, parseSeries, type Series } from './series.js';

/** What the directory tells the other threads; sent before the first row that needs it. */
export interface Announcement {
  /** [block, partition] */
  readonly blocks: readonly (readonly [number, number])[];
  /** Slots with their canonical texts: two lists, as a million pairs take seconds to hand over. */
  readonly series: { readonly slots: readonly number[]; readonly texts: readonly string[] };
  /** [member slot, group slot, member text, node] */
  readonly members: readonly (readonly [number, number, string, number])[];
  /** [node, port, slot, derived slot] */
  readonly derived: readonly (readonly [number, number, number, number])[];
}

/** The names of slots as one thread knows them, with the partition of each block and what series become at each node. */
export class ThreadNames implements Names {
  readonly #texts: (string | undefined)[] = [];
  readonly #series: (Series | undefined)[] = [];
  /** By slot of a member. */
  readonly #group: ({ group: number; member: string; node: number } | undefined)[] = [];
  /** The group of each slot, which may be asked for every row; of what is no member NO_SLOT. */
  #groupOf = new Uint32Array(0);
  /** By node, as several may give the same group. */
  readonly #members: Map<number, number[]>[] = [];
  readonly #derivations = new Map<number, Derivation[]>();
  /** Shard of each block; 255: of none yet. */
  shardOf = new Uint8Array(256).fill(255);
  readonly #partitions: (number | undefined)[] = [];
  #blocks = 0;
  #slots = 0;

  constructor(
    readonly partitions: number,
    readonly owner: readonly number[],
  ) {}

  /** Everything as one announcement: what another thread needs to begin with. */
  all(): Announcement {
    const blocks: [number, number][] = [];
    for (const [block, partition] of this.#partitions.entries()) if (partition !== undefined) blocks.push([block, partition]);
    const series = { slots: [] as number[], texts: [] as string[] };
    for (const [slot, text] of this.#texts.entries()) {
      if (text === undefined) continue;
      series.slots.push(slot);
      series.texts.push(text);
    }
    const members: [number, number, string, number][] = [];
    for (const [slot, own] of this.#group.entries()) if (own !== undefined) members.push([slot, own.group, own.member, own.node]);
    const derived: [number, number, number, number][] = [];
    for (const [node, ports] of this.#derivations) {
      for (const [port, derivation] of ports.entries()) for (const [from, to] of derivation?.entries() ?? []) derived.push([node, port, from, to]);
    }
    return { blocks, series, members, derived };
  }

  /** Slots known so far lie below this. */
  get slots(): number {
    return this.#slots;
  }

  /** Blocks that a shard owns, ascending. */
  blocksOf(shard: number): number[] {
    const blocks: number[] = [];
    for (let block = 0; block < this.#blocks; block++) if (this.shardOf[block] === shard) blocks.push(block);
    return blocks;
  }

  /** The partition of a slot that lies in a block that has been announced. */
  partitionAt(slot: number): number {
    return this.#partitions[slot >>> BLOCK_SHIFT]!;
  }

  owns(shard: number, slot: number): boolean {
    return this.shardOf[slot >>> BLOCK_SHIFT] === shard;
  }

  learn(announcement: Announcement): void {
    for (const [block, partition] of announcement.blocks) {
      if (block >= this.shardOf.length) {
        const grown = new Uint8Array(2 ** Math.ceil(Math.log2(block + 1))).fill(255);
        grown.set(this.shardOf);
        this.shardOf = grown;
      }
      this.shardOf[block] = this.owner[partition]!;
      this.#partitions[block] = partition;
      this.#blocks = Math.max(this.#blocks, block + 1);
    }
    const { slots, texts } = announcement.series;
    for (const [i, slot] of slots.entries()) {
      this.#texts[slot] = texts[i];
      this.#series[slot] = undefined;
      this.#slots = Math.max(this.#slots, slot + 1);
    }
    for (const [slot, group, member, node] of announcement.members) {
      this.#slots = Math.max(this.#slots, slot + 1);
      const known = this.#group[slot]?.group === group;
      this.#group[slot] = { group, member, node };
      this.#groupOf = withSlot(this.#groupOf, slot);
      this.#groupOf[slot] = group;
      const groups = (this.#members[node] ??= new Map());
      const members = groups.get(group) ?? [];
      groups.set(group, members);
      if (!known) members.splice(this.#place(members, member), 0, slot);
    }
    for (const [node, port, slot, derived] of announcement.derived) this.derivation(node, port).add(slot, derived);
  }

  /** Index at which a member goes so that the members stay in order of their text. */
  #place(members: readonly number[], member: string): number {
    let low = 0;
    let high = members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#group[members[middle]!]!.member < member) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#texts[slot] = undefined;
      this.#series[slot] = undefined;
      const own = this.#group[slot];
      if (own !== undefined) {
        // The same series may be there again already, by another slot.
        const members = this.#members[own.node]!.get(own.group) ?? [];
        const at = members.indexOf(slot, this.#place(members, own.member));
        if (at >= 0) members.splice(at, 1);
        this.#group[slot] = undefined;
        this.#groupOf[slot] = NO_SLOT;
      }
      for (const groups of this.#members) groups?.delete(slot);
      for (const derivations of this.#derivations.values()) for (const derivation of derivations) derivation?.remove(slot);
    }
  }

  derivation(node: number, port: number): Derivation {
    let ports = this.#derivations.get(node);
    if (ports === undefined) this.#derivations.set(node, (ports = []));
    return (ports[port] ??= new Derivation());
  }

  series(slot: number): Series {
    let series = this.#series[slot];
    if (series === undefined) this.#series[slot] = series = parseSeries(this.text(slot));
    return series;
  }

  /** Whether a series of its own has this slot (a member that gives no rows has none). */
  has(slot: number): boolean {
    return this.#texts[slot] !== undefined;
  }

  text(slot: number): string {
    const text = this.#texts[slot];
    if (text !== undefined) return text;
    const own = this.#group[slot];
    if (own === undefined) throw new Error(`slot ${slot} has not been announced`);
    return this.text(own.group);
  }

  group(member: number): number {
    const group = this.#groupOf[member];
    return group === undefined || group === NO_SLOT ? member : group;
  }

  member(slot: number): string {
    return this.#group[slot]?.member ?? this.text(slot);
  }

  /** Members are a node's: ask `at`. */
  members(): readonly number[] {
    return [];
  }

  /** The names as a node sees them, with the members of its own groups. */
  at(node: number): Names {
    return {
      series: (slot) => this.series(slot),
      text: (slot) => this.text(slot),
      group: (member) => this.group(member),
      member: (slot) => this.member(slot),
      members: (group) => this.#members[node]?.get(group) ?? [],
    };
  }
}
