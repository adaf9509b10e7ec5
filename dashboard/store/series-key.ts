/** The canonical text of a series, `name{a="x",b="y"}`, by which findings name it too. */
export function seriesKey(metric: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.keys(labels)
    .filter((name) => labels[name] !== '')
    .toSorted()
    .map((name) => `${name}="${labels[name]!.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`);
  return pairs.length === 0 ? metric : `${metric}{${pairs.join()}}`;
}
