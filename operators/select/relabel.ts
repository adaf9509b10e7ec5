/** A metric name with labels, sorted by name. */
interface Named {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The series with another name (undefined: its own) and labels added, replaced or, where empty, removed. */
export function relabel(of: Named, name: string | undefined, changes: Readonly<Record<string, string>>): Named {
  const merged = Object.entries({ ...of.labels, ...changes }).filter(([, value]) => value !== '');
  merged.sort(([a], [b]) => (a < b ? -1 : 1));
  return { name: name ?? of.name, labels: Object.fromEntries(merged) };
}
