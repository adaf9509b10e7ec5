/** What the directory saves: what it gave away and took back since its last save. In columns, as there may be a million. */
export interface DirectoryChanges {
  /** Slots given, with the partition and the key of each. */
  readonly given: { readonly slots: readonly number[]; readonly partitions: readonly number[]; readonly keys: readonly string[] };
  readonly released: readonly number[];
  /** [source, slots] of the series that a source gives itself. */
  readonly native: readonly (readonly [string, readonly number[]])[];
  /** [node, slot] of each series that is nothing there, as another had claimed what it would be. */
  readonly refused: readonly (readonly [string, number])[];
}

/** As it was written once: an entry each. */
interface ByEntry extends Omit<DirectoryChanges, 'given' | 'native'> {
  readonly given: readonly (readonly [slot: number, partition: number, key: string])[];
  readonly native: readonly (readonly [source: string, slot: number])[];
}

/** With these; the rest is empty. */
export function changesOf(of: Partial<DirectoryChanges>): DirectoryChanges {
  return { given: { slots: [], partitions: [], keys: [] }, released: [], native: [], refused: [], ...of };
}

/** From a checkpoint, also of an older version. */
export function changesFrom(saved: unknown): DirectoryChanges {
  const changes = saved as DirectoryChanges | ByEntry;
  if (!isByEntry(changes)) return changes;
  const { given, native } = changes;
  return { ...changes, given: { slots: given.map(([slot]) => slot), partitions: given.map(([, partition]) => partition), keys: given.map(([, , key]) => key) }, native: native.map(([source, slot]) => [source, [slot]] as const) };
}

const isByEntry = (changes: DirectoryChanges | ByEntry): changes is ByEntry => Array.isArray(changes.given);

export function isEmpty({ given, released, native, refused }: DirectoryChanges): boolean {
  return given.slots.length + released.length + refused.length === 0 && native.every(([, slots]) => slots.length === 0);
}

/** What saves are worth together: by slot its key and partition, by source the slots that it gives, by slot the nodes at which it was refused. */
export function worthOf(saved: readonly DirectoryChanges[], sources: readonly string[]) {
  const keys: (string | undefined)[] = [];
  const partitions: number[] = [];
  const native = new Map(sources.map((name) => [name, new Set<number>()]));
  const refused = new Map<number, Set<string>>();
  for (const changes of saved) {
    // A slot released rests until a later save, so in one interval it is given before it is released.
    const { given } = changes;
    for (const [i, slot] of given.slots.entries()) {
      keys[slot] = given.keys[i];
      partitions[slot] = given.partitions[i]!;
    }
    for (const [source, slots] of changes.native) {
      const of = native.get(source);
      if (of !== undefined) for (const slot of slots) of.add(slot);
    }
    for (const [node, slot] of changes.refused) refused.set(slot, (refused.get(slot) ?? new Set()).add(node));
    for (const slot of changes.released) {
      keys[slot] = undefined;
      refused.delete(slot);
      for (const slots of native.values()) slots.delete(slot);
    }
  }
  return { keys, partitions, native, refused };
}
