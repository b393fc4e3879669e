/** Edit distance (Levenshtein): insertions, deletions and replacements of single characters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The names most like the wanted one, each once: those that contain it or are contained in it first, then by edit distance, then by name. */
export function nearest(wanted: string, names: readonly string[], count: number): string[] {
  const weigh = (name: string): number =>
    distance(wanted, name) - (name.includes(wanted) || wanted.includes(name) ? 1_000 : 0);
  return [...new Set(names)]
    .map((name) => ({ name, weight: weigh(name) }))
    .sort((a, b) => a.weight - b.weight || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map(({ name }) => name);
}
