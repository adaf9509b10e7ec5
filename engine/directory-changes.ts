/** What the directory saves: what it gave away and took back since its last save. */
export interface DirectoryChanges {
  /** [slot, partition, key] of each slot given. */
  readonly given: readonly (readonly [number, number, string])[];
  readonly released: readonly number[];
  /** [source, slot] of each series that a source gives itself. */
  readonly native: readonly (readonly [string, number])[];
  /** [node, slot] of each series that is nothing there, as another had claimed what it would be. */
  readonly refused: readonly (readonly [string, number])[];
}

/** With these; the rest is empty. */
export function changesOf(of: Partial<DirectoryChanges>): DirectoryChanges {
  return { given: [], released: [], native: [], refused: [], ...of };
}

/** What saves are worth together: by slot its key and partition, by source the slots that it gives, by slot the nodes at which it was refused. */
export function worthOf(saved: readonly DirectoryChanges[], sources: readonly string[]) {
  const keys: (string | undefined)[] = [];
  const partitions: number[] = [];
  const native = new Map(sources.map((name) => [name, new Set<number>()]));
  const refused = new Map<number, Set<string>>();
  for (const changes of saved) {
    // A slot released rests until a later save, so in one interval it is given before it is released.
    for (const [slot, partition, key] of changes.given) {
      keys[slot] = key;
      partitions[slot] = partition;
    }
    for (const [source, slot] of changes.native) native.get(source)?.add(slot);
    for (const [node, slot] of changes.refused) refused.set(slot, (refused.get(slot) ?? new Set()).add(node));
    for (const slot of changes.released) {
      keys[slot] = undefined;
      refused.delete(slot);
      for (const slots of native.values()) slots.delete(slot);
    }
  }
  return { keys, partitions, native, refused };
}
