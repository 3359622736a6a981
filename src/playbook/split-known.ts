// Splitting a text at what is known: parameters that were found elsewhere stand in it too, in their own spelling or another.

import { listSpellings } from "./derive.ts";
import type { Origins } from "./origins.ts";
import { type Tuple, valuesIn } from "./parameter-drafts.ts";
import type { Slot } from "./template.ts";
import { bordersOf } from "./tokens.ts";
import { applyAll } from "./transforms.ts";

const textChars = 2_000;

/** One way to cut a text in three: what stands before and after the slot in each run. */
export interface Split {
  readonly before: Tuple;
  readonly slot: Slot;
  readonly after: Tuple;
}

/** The ways to cut `tuple` at a value that is known in all its runs, the longest values first. */
export function listSplits({ runs, texts }: Tuple, origins: Origins): Split[] {
  if (texts.some((each) => each.length > textChars)) return [];
  const splits: (Split & { readonly chars: number })[] = [];
  for (const draft of origins.parameters.all) {
    const values = draft.isJson || draft.source.from === "asked" ? undefined : valuesIn(draft, runs);
    if (values === undefined) continue;
    for (const transforms of listSpellings(values)) {
      const spelled = values.map((value) => String(applyAll(transforms, value) ?? ""));
      const places = texts.map((text, index) => findPlace(text, spelled[index] ?? ""));
      if (places.includes(-1)) continue;
      const before = texts.map((text, index) => text.slice(0, places[index]));
      const after = texts.map((text, index) => text.slice((places[index] ?? 0) + (spelled[index] ?? "").length));
      const slot = { reference: [draft.id], transforms };
      splits.push({
        before: { runs, texts: before },
        slot,
        after: { runs, texts: after },
        chars: spelled.join("").length,
      });
      break; // another spelling of it is the same one
    }
  }
  return splits.sort((left, right) => right.chars - left.chars);
}

function findPlace(text: string, value: string): number {
  if (value.length < 2) return -1;
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) {
    if (bordersOf(text, at, at + value.length) !== "none") return at;
  }
  return -1;
}
