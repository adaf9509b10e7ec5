import { Claims } from './claims.js';
import { changesOf, worthOf, type DirectoryChanges } from './directory-changes.js';
import { BLOCK_SLOTS } from './limits.js';
import type { Registry } from './graph.js';
import type { Announcement } from './names.js';
import type { Derived } from './operator.js';
import { consumers, deriveOf, type Derive } from './series-flow.js';
import type { Plan, PlannedOperator } from './plan.js';
import { NO_SLOT, parseSeries, partitionOf, seriesText, type Series } from './series.js';

/** Slots of one part of a whole save, with their texts and as mere numbers: a few milliseconds of JSON. */
const PART_SLOTS = 8_192;
const NATIVE_PART_SLOTS = 65_536;

/** Slots looked at for expiry at one barrier: some milliseconds; the next barrier goes on. */
const EXPIRY_LOOKS = 65_536;

/**
 * The series directory, at the intake: gives each series a slot in a block of its partition, runs every
 * node's `series` once for it, and announces what came of it before its first row. Forgets series unseen
 * for longer than they are kept, and gives their slots again once no kept checkpoint knows them.
 */
export class Directory {
  readonly #plan: Plan;
  readonly #derive: (Derive | undefined)[];
  /** Consumers of each source and of each operator. */
  readonly #ofSource: { node: number; port: number }[][];
  readonly #ofOperator: { node: number; port: number }[][];
  /** Of each source: some node makes something else of its series. */
  readonly #derives: readonly boolean[];
  /** By source, and then by slot: 1 where it gives the series itself. */
  readonly #native: Uint8Array[];
  /** Slot by key: the canonical text, with what else tells it apart. */
  readonly #slots = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  /** By slot: which came after it when it was asked for last; and the slot asked for last. */
  readonly #following: number[] = [];
  #before = 0;
  readonly #partition: number[] = [];
  /** How many natives and derivations need a slot. */
  readonly #needs: number[] = [];
  /** Slots that came of a native one. */
  readonly #reach = new Map<number, number[]>();
  readonly #claims = new Claims();
  readonly #free: number[][];
  /** Slots released at a barrier, not yet to be used again. */
  readonly #resting: { checkpoint: number; slots: readonly number[] }[] = [];
  #blocks = 0;
  #live = 0;
  #last = new Float64Array(256);
  /** Where the look for expired series goes on. */
  #looked = 0;
  #announcement = emptyAnnouncement();
  /** Since the last save: slots given, released, and given by each source itself; and series refused. */
  #given: number[] = [];
  #released: number[] = [];
  #adopted: number[][];
  /** Series refused because of the bound, and the last of them. */
  refused = 0;
  lastRefused = '';

  constructor(plan: Plan, registry: Registry) {
    this.#plan = plan;
    this.#native = plan.sources.map(() => new Uint8Array(this.#last.length));
    this.#free = Array.from({ length: plan.partitions }, () => []);
    this.#derive = plan.operators.map((node) => deriveOf(node, registry));
    this.#ofSource = plan.sources.map((source) => consumers(plan, source.spec.name));
    this.#ofOperator = plan.operators.map((node) => consumers(plan, node.spec.name));
    this.#derives = this.#ofSource.map((first) => this.#leadsToDerived(first));
    this.#adopted = plan.sources.map(() => []);
    this.#giveSelves();
  }

  /** Slot of a node's own series; NO_SLOT where it has none. */
  self(node: PlannedOperator): number {
    return node.route === 'one' ? this.#slots.get(derivedKey(node.spec.name, node.spec.name))! : NO_SLOT;
  }

  #giveSelves(): void {
    for (const node of this.#plan.operators) {
      if (node.route !== 'one') continue;
      const text = node.spec.name;
      const key = derivedKey(text, text);
      const slot = this.#slots.get(key) ?? this.#give(key, text, partitionOf(text, this.#plan.partitions));
      this.#needs[slot] = 1;
    }
  }

  /** Derived series refused because another claims their identity. */
  get conflicts(): number {
    return this.#claims.conflicts;
  }

  get lastConflict(): string {
    return this.#claims.lastConflict;
  }

  /** Series that have slots now. */
  get live(): number {
    return this.#live;
  }

  /** The slot of a source's series; announced if it is new. NO_SLOT: refused, there are too many. */
  slot(source: number, text: string, time: number): number {
    // Publishers repeat their series in the same order, and comparing a text is less than hashing it. Mostly it is the same one in memory,
    // which `Object.is` sees without looking into it: `===` first reads what it is, which waits for memory where there are many.
    const guess = this.#following[this.#before];
    const known = guess !== undefined && Object.is(this.#keys[guess], text) ? guess : this.#slots.get(text);
    if (known === undefined || this.#native[source]![known] === 0) return this.#add(source, text, known, time);
    if (known !== guess) this.#following[this.#before] = known;
    this.#before = known;
    if (time > this.#last[known]!) this.#last[known] = time;
    return known;
  }

  /** `known`: its slot, where another source gives it too. */
  #add(source: number, text: string, known: number | undefined, time: number): number {
    if (known === undefined && this.#live >= this.#plan.maxSeries) {
      this.refused += 1;
      this.lastRefused = text;
      return NO_SLOT;
    }
    const slot = known ?? this.#give(text, text, partitionOf(text, this.#plan.partitions));
    this.#adopt(source, text, slot);
    this.#adopted[source]!.push(slot);
    this.#last[slot] = time;
    return slot;
  }

  #adopt(source: number, text: string, slot: number): void {
    this.#native[source]![slot] = 1;
    this.#needs[slot] = (this.#needs[slot] ?? 0) + 1;
    if (this.#derives[source]!) this.#walk(this.#ofSource[source]!, slot, parseSeries(text), slot);
  }

  #leadsToDerived(consumers: readonly { readonly node: number }[]): boolean {
    return consumers.some(({ node }) => this.#derive[node] !== undefined || this.#leadsToDerived(this.#ofOperator[node]!));
  }

  /** Follows a series through the graph, and gives slots to what it becomes. */
  #walk(consumers: readonly { node: number; port: number }[], slot: number, series: Series, native: number): void {
    for (const { node, port } of consumers) {
      const derive = this.#derive[node];
      if (derive === undefined) {
        this.#walk(this.#ofOperator[node]!, slot, series, native);
        continue;
      }
      for (const derived of derive(series, port)) this.#derived(node, port, slot, derived, native);
    }
  }

  #derived(node: number, port: number, slot: number, derived: Derived, native: number): void {
    const { name } = this.#plan.operators[node]!.spec;
    const text = seriesText(derived.series.name, derived.series.labels);
    if (derived.member === undefined) {
      if (!this.#claims.take(name, slot, text)) return;
      const key = derivedKey(text, name);
      // One that stays what it is keeps its slot, and a renamed one its partition: no row is copied, or changes its shard, for it.
      const out = text === textOf(this.#keys[slot]!) ? slot : (this.#slots.get(key) ?? this.#give(key, text, this.#partition[slot]!));
      this.#announcement.derived.push([node, port, slot, out]);
      this.#need(out, native);
      this.#walk(this.#ofOperator[node]!, out, derived.series, native);
      return;
    }
    const own = derived.gives && seriesText(derived.gives.name, derived.gives.labels);
    if (own !== undefined && !this.#claims.take(name, slot, own)) return;
    const home = partitionOf(text, this.#plan.partitions);
    const groupKey = derivedKey(text, name);
    const group = this.#slots.get(groupKey) ?? this.#give(groupKey, text, home);
    const memberKey = `${own ?? ''}\0${name}\0${text}\0${derived.member}`;
    const member = this.#slots.get(memberKey) ?? this.#give(memberKey, own, home);
    this.#announcement.members.push([member, group, derived.member, node]);
    this.#announcement.derived.push([node, port, slot, member]);
    this.#need(group, native);
    this.#need(member, native);
    if (derived.gives === undefined) this.#walk(this.#ofOperator[node]!, group, derived.series, native);
    else this.#walk(this.#ofOperator[node]!, member, derived.gives, native);
  }

  #need(slot: number, native: number): void {
    if (slot === native) return;
    const reach = this.#reach.get(native) ?? [];
    this.#reach.set(native, reach);
    if (reach.includes(slot)) return;
    reach.push(slot);
    this.#needs[slot] = (this.#needs[slot] ?? 0) + 1;
  }

  #give(key: string, text: string | undefined, partition: number): number {
    const free = this.#free[partition]!;
    if (free.length === 0) this.#addBlock(partition);
    const slot = free.pop()!;
    this.#enter(slot, key, text, partition);
    this.#given.push(slot);
    return slot;
  }

  #enter(slot: number, key: string, text: string | undefined, partition: number): void {
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#partition[slot] = partition;
    this.#needs[slot] = 0;
    this.#live += 1;
    if (slot >= this.#last.length) {
      const capacity = this.#last.length * 2 ** Math.ceil(Math.log2((slot + 1) / this.#last.length));
      const last = new Float64Array(capacity);
      last.set(this.#last);
      this.#last = last;
      for (const [source, native] of this.#native.entries()) {
        const grown = new Uint8Array(capacity);
        grown.set(native);
        this.#native[source] = grown;
      }
    }
    if (text === undefined) return;
    this.#announcement.series.slots.push(slot);
    this.#announcement.series.texts.push(text);
  }

  #addBlock(partition: number): void {
    const block = this.#blocks++;
    this.#announcement.blocks.push([block, partition]);
    const free = this.#free[partition]!;
    for (let slot = (block + 1) * BLOCK_SLOTS - 1; slot >= block * BLOCK_SLOTS; slot--) {
      this.#partition[slot] = partition;
      free.push(slot);
    }
  }

  /** What has to be told since the last call; undefined: nothing. */
  announce(): Announcement | undefined {
    const told = this.#announcement;
    if (told.series.slots.length === 0 && told.blocks.length === 0 && told.derived.length === 0) return undefined;
    this.#announcement = emptyAnnouncement();
    return told;
  }

  /**
   * Series not seen since `before` are forgotten at the barrier of `checkpoint`; returns the slots that
   * every thread releases there. `kept`: the oldest checkpoint still kept; slots that rested since before
   * it are free again.
   */
  expire(before: number, checkpoint: number, kept: number): number[] {
    while (this.#resting.length > 0 && this.#resting[0]!.checkpoint < kept) for (const slot of this.#resting.shift()!.slots) this.#free[this.#partition[slot]!]!.push(slot);
    const released: number[] = [];
    for (let looks = Math.min(EXPIRY_LOOKS, this.#keys.length); looks > 0; looks--) {
      if (this.#looked >= this.#keys.length) this.#looked = 0;
      const slot = this.#looked++;
      if (this.#last[slot]! >= before || this.#lasts(slot)) continue;
      // Sources that have it in common have seen it last in common.
      for (const native of this.#native) {
        if (native[slot] === 0) continue;
        native[slot] = 0;
        this.#drop(slot, released);
      }
      for (const derived of this.#reach.get(slot) ?? []) this.#drop(derived, released);
      this.#reach.delete(slot);
    }
    if (released.length > 0) {
      for (const slot of released) {
        this.#claims.release(slot);
        this.#released.push(slot);
      }
      this.#resting.push({ checkpoint, slots: released });
    }
    return released;
  }

  /** A source read on the shards has its series for as long as it is open; what no source gives goes with what it came of. */
  #lasts(slot: number): boolean {
    let given = false;
    for (const [source, native] of this.#native.entries()) {
      if (native[slot] === 0) continue;
      if (this.#plan.sources[source]!.local !== undefined) return true;
      given = true;
    }
    return !given;
  }

  #drop(slot: number, released: number[]): void {
    this.#needs[slot]! -= 1;
    if (this.#needs[slot] !== 0) return;
    this.#slots.delete(this.#keys[slot]!);
    this.#keys[slot] = undefined;
    this.#live -= 1;
    released.push(slot);
  }

  /** What changed since the last call. */
  save(): DirectoryChanges {
    const changes: DirectoryChanges = {
      // What was released again is not there any more.
      given: this.#entries(this.#given),
      released: this.#released,
      native: this.#adopted.flatMap((slots, source) => (slots.length === 0 ? [] : [this.#nativesOf(source, slots)])),
      refused: this.#claims.news,
    };
    this.#forgetChanges();
    return changes;
  }

  /** All it holds, in parts: what a save is worth after many. What is given meanwhile is part of the next save as well. */
  *saveAll(): Generator<DirectoryChanges> {
    this.#forgetChanges();
    for (let from = 0; from < this.#keys.length; from += PART_SLOTS) {
      const slots: number[] = [];
      for (let slot = from; slot < Math.min(this.#keys.length, from + PART_SLOTS); slot++) slots.push(slot);
      yield changesOf({ given: this.#entries(slots) });
    }
    for (const [source, native] of this.#native.entries()) {
      for (let from = 0; from < native.length; from += NATIVE_PART_SLOTS) {
        const slots: number[] = [];
        for (let slot = from; slot < Math.min(native.length, from + NATIVE_PART_SLOTS); slot++) if (native[slot] === 1) slots.push(slot);
        if (slots.length > 0) yield changesOf({ native: [this.#nativesOf(source, slots)] });
      }
    }
    const refused = this.#claims.refused();
    if (refused.length > 0) yield changesOf({ refused });
  }

  /** Of those that are not released again. */
  #entries(slots: readonly number[]): DirectoryChanges['given'] {
    const given = { slots: [] as number[], partitions: [] as number[], keys: [] as string[] };
    for (const slot of slots) {
      const key = this.#keys[slot];
      if (key === undefined) continue;
      given.slots.push(slot);
      given.partitions.push(this.#partition[slot]!);
      given.keys.push(key);
    }
    return given;
  }

  #nativesOf(source: number, slots: readonly number[]): readonly [string, readonly number[]] {
    return [this.#plan.sources[source]!.spec.name, slots];
  }

  #forgetChanges(): void {
    this.#given = [];
    this.#released = [];
    this.#adopted = this.#plan.sources.map(() => []);
    this.#claims.news = [];
  }

  /** Takes up what was saved, in order, into a fresh directory; `time`: all series count as seen then. */
  restore(saved: readonly DirectoryChanges[], time: number): void {
    const { keys, partitions, native, refused } = worthOf(saved, this.#plan.sources.map(({ spec }) => spec.name));
    const blocks: (number | undefined)[] = [];
    for (const [slot, key] of keys.entries()) if (key !== undefined) blocks[Math.floor(slot / BLOCK_SLOTS)] = partitions[slot];
    this.#reset();
    for (let block = 0; block < blocks.length; block++) this.#addBlock(blocks[block] ?? block % this.#plan.partitions);
    for (const [p, free] of this.#free.entries()) this.#free[p] = free.filter((slot) => keys[slot] === undefined);
    for (const [slot, key] of keys.entries()) if (key !== undefined) this.#enter(slot, key, key.startsWith('\0') ? undefined : textOf(key), partitions[slot]!);
    this.#giveSelves();
    for (const [slot, nodes] of refused) this.#claims.restore(slot, nodes);
    for (const [source, { spec }] of this.#plan.sources.entries()) {
      for (const slot of native.get(spec.name)!) {
        const key = keys[slot];
        if (key === undefined) continue;
        this.#last[slot] = time;
        this.#adopt(source, textOf(key), slot);
      }
    }
    this.#forgetChanges();
  }

  #reset(): void {
    this.#announcement = emptyAnnouncement();
    this.#slots.clear();
    this.#keys.length = 0;
    this.#blocks = 0;
    this.#live = 0;
    for (const free of this.#free) free.length = 0;
  }
}

function emptyAnnouncement(): { blocks: [number, number][]; series: { slots: number[]; texts: string[] }; members: [number, number, string, number][]; derived: [number, number, number, number][] } {
  return { blocks: [], series: { slots: [], texts: [] }, members: [], derived: [] };
}

/** What a node makes of others is its own: it goes when they go, whatever else has the same text. */
function derivedKey(text: string, node: string): string {
  return `${text}\0${node}`;
}

function textOf(key: string): string {
  const end = key.indexOf('\0');
  return end < 0 ? key : key.slice(0, end);
}
