/**
 * Which series is what at the nodes that derive one to one: an identity is one series' alone. Who comes second is refused, and
 * stays so until it is forgotten itself.
 */
export class Claims {
  /** By node and text of the identity: which slot has it. */
  readonly #owners = new Map<string, number>();
  readonly #claimsOf = new Map<number, string[]>();
  /** At which nodes a slot was refused: it stays so, also after a restart. */
  readonly #refusedAt = new Map<number, Set<string>>();
  /** Node and slot of those refused since it was last emptied. */
  news: [string, number][] = [];
  conflicts = 0;
  lastConflict = '';

  /** Whether the series at `slot` may be `text` at this node. */
  take(node: string, slot: number, text: string): boolean {
    if (this.#refusedAt.get(slot)?.has(node) === true) return false;
    const claim = `${node}\0${text}`;
    const owner = this.#owners.get(claim);
    if (owner === slot) return true;
    if (owner !== undefined) {
      this.conflicts += 1;
      this.lastConflict = `${node}: ${text}`;
      this.restore(slot, (this.#refusedAt.get(slot) ?? new Set<string>()).add(node));
      this.news.push([node, slot]);
      return false;
    }
    this.#owners.set(claim, slot);
    this.#claimsOf.set(slot, [...(this.#claimsOf.get(slot) ?? []), claim]);
    return true;
  }

  release(slot: number): void {
    for (const claim of this.#claimsOf.get(slot) ?? []) this.#owners.delete(claim);
    this.#claimsOf.delete(slot);
    this.#refusedAt.delete(slot);
  }

  refused(): [string, number][] {
    return [...this.#refusedAt].flatMap(([slot, nodes]) => [...nodes].map((node): [string, number] => [node, slot]));
  }

  restore(slot: number, refusedAt: Set<string>): void {
    this.#refusedAt.set(slot, refusedAt);
  }
}
