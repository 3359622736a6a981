// Names of parameters: from the data's own key, from what stands before the value where it is used, from the words before it in the briefs, or
// from its type. Names are for people; nothing depends on them.

import type { ParameterType } from "../contracts/playbook.ts";
import { toSnake } from "./cases.ts";
import { isPlainWord, roleAt } from "./cues.ts";
import { listSlots, mapTexts } from "./json-template.ts";
import { findPlaces } from "./mentions.ts";
import { type ParameterDraft, typeOf } from "./parameter-drafts.ts";
import { parseTemplate } from "./template.ts";

const nameChars = 40;
const byType: Readonly<Record<ParameterType, string>> = {
  ...{ text: "text", word: "name", path: "path", version: "version", url: "url", number: "number", json: "value" },
};

/** A name for each draft that `templates` use, by the draft's id; in the order of `drafts`. */
export function nameParameters(
  drafts: readonly ParameterDraft[],
  templates: unknown,
  briefs: readonly string[],
): Map<string, string> {
  const used = new Set(
    listSlots(templates).map(({ reference }) => (reference.length === 1 ? reference[0] : undefined)),
  );
  const cues = listCues(templates);
  const names = new Map<string, string>();
  const taken = new Set(["steps"]);
  for (const draft of drafts) {
    if (!used.has(draft.id)) continue;
    const name = toName(proposeName(draft, cues.get(draft.id), briefs), draft);
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${name}_${count}`;
    taken.add(free);
    names.set(draft.id, free);
  }
  return names;
}

function toName(proposed: string | undefined, { values, isJson }: ParameterDraft): string {
  const plain = toSnake((proposed ?? "").normalize("NFKD"))
    .replace(/[^a-z0-9_]+/g, "")
    .replace(/^[^a-z]+/, "")
    .slice(0, nameChars);
  return plain === ""
    ? byType[
        typeOf(
          values.filter((each) => each !== undefined),
          isJson,
        )
      ]
    : plain;
}

function proposeName(
  { source, values }: ParameterDraft,
  cue: string | undefined,
  briefs: readonly string[],
): string | undefined {
  if (source.from === "data") return source.path.findLast((key) => /^\p{L}/u.test(key)) ?? cue;
  const said = values.flatMap((value, run) => proposeFromBrief(briefs[run] ?? "", value));
  const [most] = [...new Set(said)].sort((left, right) => count(said, right) - count(said, left));
  return cue ?? most;
}

function count(list: readonly string[], item: string): number {
  return list.filter((each) => each === item).length;
}

/** The word of the work right before the value; `from` and `to` for what was and what is to be. */
function proposeFromBrief(brief: string, value: string | undefined): string[] {
  const [place] = value === undefined ? [] : findPlaces(brief, value);
  if (place === undefined) return [];
  const before = /(\p{L}[\p{L}\p{N}]*)(?:\s+(?:called|named|is|of))?[\s:"'`(/]*$/u.exec(
    brief.slice(Math.max(0, place.from - 60), place.from),
  )?.[1];
  if (
    before !== undefined &&
    before.length > 2 &&
    !isPlainWord(before) &&
    /^\p{Lu}?\p{Ll}+$/u.test(before) &&
    !/(?:s|ed|ing)$/.test(before)
  )
    return [before];
  const role = roleAt(brief, place.from, place.from + (value?.length ?? 0));
  return role === undefined ? [] : [role === "old" ? "from" : "to"];
}

/** What stands before a slot like a key before its value: `"version": "{{p1}}"`. */
function listCues(templates: unknown): Map<string, string> {
  const cues = new Map<string, string>();
  mapTexts(templates, (text) => {
    const parts = parseTemplate(text);
    for (const [index, part] of parts.entries()) {
      const before = parts[index - 1];
      if (
        typeof part === "string" ||
        part.reference.length !== 1 ||
        part.transforms.length > 0 ||
        typeof before !== "string"
      )
        continue;
      const key = /(\p{L}[\p{L}\p{N}_-]{1,30})["'`]?\s*[:=]\s*["'`]?$/u.exec(before.slice(-60))?.[1];
      const [id = ""] = part.reference;
      if (key !== undefined && !cues.has(id)) cues.set(id, key);
    }
    return text;
  });
  return cues;
}
