import type { Edit } from "./tools.ts";

/**
 * `earlier` edits that have the effect of both, or `undefined` when a later one works on text that the earlier ones did not put there
 * exactly once.
 */
export function foldEdits(earlier: readonly Edit[], later: readonly Edit[]): Edit[] | undefined {
  const folded = [...earlier];
  for (const { find, replace, all } of later) {
    if (find === "" || all) return undefined;
    const places = folded.flatMap(({ replace: text }, index) => (text.split(find).length === 2 ? [index] : []));
    const [at = -1, another] = places;
    const edit = folded[at];
    const isElsewhere = folded.some(({ replace: text }) => text.split(find).length > 2);
    if (edit === undefined || another !== undefined || isElsewhere) return undefined;
    folded[at] = { ...edit, replace: edit.replace.split(find).join(replace) };
  }
  return folded;
}
