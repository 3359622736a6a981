// Identifiers: a value that stands where a program has a name is written as one. `seats` shows no joint, but `price-lists` must become
// `priceLists` there.

import type { Part } from "./template.ts";
import { applyAll, transform } from "./transforms.ts";

const camel = transform("camel");

/** `parts` of code with `camel` at the slots that stand for names; `textsOf` gives what a slot comes to in each run. */
export function markIdentifiers(parts: readonly Part[], textsOf: (index: number) => readonly string[]): Part[] {
  let line = "";
  return parts.map((part, index) => {
    if (typeof part === "string") {
      const last = part.lastIndexOf("\n");
      line = last === -1 ? line + part : part.slice(last + 1);
      return part;
    }
    const next = parts[index + 1] ?? "";
    const isName = part.transforms.length === 0 && standsForName(line, typeof next === "string" ? next : "x");
    line += "x"; // whatever it comes to
    return isName && textsOf(index).every(isPlainName) ? { ...part, transforms: [camel] } : part;
  });
}

/** Whether what comes between the two is one of code's own words, outside of quotes and comments. */
function standsForName(line: string, next: string): boolean {
  const isQuoted = (line.match(/["'`]/g)?.length ?? 0) % 2 === 1;
  if (isQuoted || /\/\/|^\s*\*|#/.test(line)) return false;
  return /(?:^|[\s({[,.!])$/.test(line) && /^(?:[\s.,;:()=}\]]|$)/.test(next);
}

function isPlainName(text: string): boolean {
  return /^[a-z][a-z\d]*$/.test(text) && applyAll([camel], text) === text;
}
