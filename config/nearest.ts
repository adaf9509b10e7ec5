/** Edits between two texts: insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1);
      row.push(edits);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

const MOST_CHARACTERS = 64;

/** The candidate that was probably meant: at most a third of its characters differ. Case, `-` and `_` count for nothing. */
export function nearest(text: string, candidates: Iterable<string>): string | undefined {
  if (text.length > MOST_CHARACTERS) return undefined;
  const plain = (of: string): string => of.toLowerCase().replaceAll(/[-_ ]/g, '');
  const wanted = plain(text);
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    if (candidate.length > MOST_CHARACTERS) continue;
    const edits = editDistance(wanted, plain(candidate));
    const allowed = Math.max(1, Math.floor(Math.max(wanted.length, plain(candidate).length) / 3));
    if (edits < least && edits <= allowed && edits < wanted.length) [best, least] = [candidate, edits];
  }
  return best;
}
