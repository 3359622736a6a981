// One text of a single run becomes a template: whatever is known (known.ts) is found in it, the longest first, where it does not stand in the
// middle of a word.
//
// Invariants:
//   S1. The parts render to the run's own text.

import type { Known } from "./known.ts";
import type { Part, Slot } from "./template.ts";
import { bordersOf } from "./tokens.ts";

const textChars = 100_000;
const foundMax = 1_000;

/** The parts of `text` with slots for what is known (S1). */
export function segmentText(text: string, known: readonly Known[]): Part[] {
  if (text.length > textChars) return text === "" ? [] : [text];
  const taken: { from: number; to: number; slot: Slot }[] = [];
  const covered = new Uint8Array(text.length);
  for (const each of known) {
    if (taken.length > foundMax) break;
    for (let from = text.indexOf(each.text); from !== -1; from = text.indexOf(each.text, from + each.text.length)) {
      const to = from + each.text.length;
      const borders = from === 0 && to === text.length ? "free" : bordersOf(text, from, to);
      if (
        borders === "none" ||
        (borders === "inside" && each.needsFree) ||
        covered[from] === 1 ||
        covered[to - 1] === 1
      )
        continue;
      covered.fill(1, from, to);
      taken.push({ from, to, slot: each.toSlot() });
    }
  }
  taken.sort((left, right) => left.from - right.from);
  const parts: Part[] = [];
  let at = 0;
  for (const { from, to, slot } of taken) {
    if (from > at) parts.push(text.slice(at, from));
    parts.push(slot);
    at = to;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}
