/** Of names that there are the one that somebody probably meant: for "did you mean". */

/** Letters that may differ: a slip, not another word. */
const editsMax = 3;

/** undefined: none is near. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => ({ name, edits: editDistance(given, name) }));
  const near = distances.filter(({ name, edits }) => edits <= Math.min(editsMax, name.length / 2));
  return near.sort((a, b) => a.edits - b.edits)[0]?.name;
}

/** Levenshtein's: letters put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    above = row;
  }
  return above[b.length] as number;
}
