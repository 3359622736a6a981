// Joining slots: two values that stand beside one another in a text and in every brief are one value of several words.

import { findPlaces } from "./mentions.ts";
import type { Origins } from "./origins.ts";
import { type Tuple, valuesIn } from "./parameter-drafts.ts";
import type { Part } from "./template.ts";

/** `parts` with neighbours joined; they render to the same texts. */
export function joinSlots(parts: readonly Part[], runs: readonly number[], origins: Origins): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const [left, blank] = joined.slice(-2);
    const texts = blank === " " && left !== undefined ? findJoined(left, part, runs, origins) : undefined;
    if (texts === undefined) joined.push(part);
    else joined.splice(-2, 2, { reference: [origins.parameters.take(texts, { from: "brief" }).id], transforms: [] });
  }
  return joined;
}

function findJoined(left: Part, right: Part, runs: readonly number[], origins: Origins): Tuple | undefined {
  const [one, other] = [readBrief(left, runs, origins), readBrief(right, runs, origins)];
  if (one === undefined || other === undefined) return undefined;
  const texts = one.map((text, index) => `${text} ${other[index] ?? ""}`);
  const areSaid = runs.every((run, index) => findPlaces(origins.briefs[run] ?? "", texts[index] ?? "").length > 0);
  return areSaid ? { runs, texts } : undefined;
}

function readBrief(part: Part, runs: readonly number[], origins: Origins): string[] | undefined {
  if (typeof part === "string" || part.transforms.length > 0) return undefined;
  const draft = origins.parameters.all.find(({ id, source }) => id === part.reference[0] && source.from === "brief");
  return draft && valuesIn(draft, runs);
}
