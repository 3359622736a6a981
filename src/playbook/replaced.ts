// Replaced values: of a single run it shows by an edit that puts a new value in an old one's place that the old one is whatever stands there.

import type { CleanStep } from "./clean.ts";
import { deriveFromOutput } from "./derive-output.ts";
import type { Origins, Scope } from "./origins.ts";
import type { Known } from "./segment.ts";
import { borderAt, shapeOf } from "./tokens.ts";
import { editsOf, pathOf } from "./tools.ts";

const valueChars = 100;

/** The old values in the edits of `step` where a text in `values` takes their place, as what was read of the file before says them. */
export function listReplaced(
  step: CleanStep,
  origins: Origins,
  run: number,
  scope: Scope,
  values: readonly Known[],
): Known[] {
  const path = pathOf(step);
  const edits = step.tool === "file.patch" ? (editsOf(step) ?? []) : [];
  return edits.flatMap(({ find, replace }): Known[] => {
    const old = findOld(find, replace, values);
    if (old === undefined || shapeOf(old) === "text" || values.some(({ text }) => text === old)) return [];
    for (const { key, steps, leaves } of origins.outputsFor([run], scope)) {
      const read = steps[run];
      const leaf =
        read?.tool === "file.read" && pathOf(read) === path ? leaves[run]?.find(({ isText }) => isText) : undefined;
      const transforms = leaf && deriveFromOutput([leaf.text], [old]);
      if (leaf === undefined || transforms === undefined) continue;
      return [
        { text: old, stands: "anywhere", toSlot: () => ({ reference: ["steps", key, ...leaf.path], transforms }) },
      ];
    }
    return [];
  });
}

/** What stands in `find` where the only thing that is new in `replace` is a known value: as a whole word, or as a part of one. */
function findOld(find: string, replace: string, values: readonly Known[]): string | undefined {
  for (const cuts of [["free"], ["free", "inside"]]) {
    const before = countSame(
      find,
      replace,
      (length) => cuts.includes(borderAt(find, length)) && cuts.includes(borderAt(replace, length)),
    );
    const rest = [find.slice(before), replace.slice(before)].map((each) => each.split("").reverse().join("")) as [
      string,
      string,
    ]; // of two
    const after = countSame(...rest, (length) => cuts.includes(borderAt(find, find.length - length)));
    const [old, fresh] = [find.slice(before, find.length - after), replace.slice(before, replace.length - after)];
    if (old !== "" && old.length <= valueChars && !old.includes("\n") && values.some(({ text }) => text === fresh))
      return old;
  }
  return undefined;
}

/** How many characters both begin with, up to a place where both can be cut. */
function countSame(left: string, right: string, canCut: (length: number) => boolean): number {
  let same = 0;
  while (same < left.length && same < right.length && left[same] === right[same]) same += 1;
  while (same > 0 && !canCut(same)) same -= 1;
  return same;
}
