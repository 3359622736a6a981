// One text of a single run becomes a template: whatever is known (known.ts) is found in it, the longest first, where it does not stand in the
// middle of a word.
//
// Invariants:
//   S1. The parts render to the run's own text.

import type { Part, Slot } from "./template.ts";
import { bordersOf } from "./tokens.ts";

/** One text that is to be found, and the slot that stands for it. */
export interface Known {
  readonly text: string;
  /** Where it is found: anywhere but in the middle of a word, apart from letters and digits, or as a word of its own. */
  readonly stands: "anywhere" | "apart" | "alone";
  toSlot(): Slot;
}

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
        (borders === "inside" && !mayStand(each, text, from, to)) ||
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

/** Whether a part of a longer word may be what is known: `20` of `node:20-slim`, but not of `1.20.3` or `v20`. */
function mayStand({ stands }: Known, text: string, from: number, to: number): boolean {
  if (stands !== "apart") return stands === "anywhere";
  return (
    !/[\p{L}\p{N}.]$/u.test(text.slice(Math.max(0, from - 2), from)) &&
    !/^(?:[\p{L}\p{N}]|\.\d)/u.test(text.slice(to, to + 2))
  );
}
