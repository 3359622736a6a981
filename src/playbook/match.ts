// Patterns of what a step printed.

import { findText } from "./find-text.ts";

/**
 * Whether `text` contains `pattern`, where `*` stands for any text within a line. The lines of a pattern are looked for in lines of their
 * own, in order, with others between them. Takes time linear in both.
 */
export function hasMatch(text: string, pattern: string): boolean {
  const wanted = pattern.split(/\r?\n/);
  let next = 0;
  for (const line of text.split(/\r?\n/)) {
    const parts = wanted[next]?.split("*") ?? [];
    if (hasParts(line, parts)) next += 1;
    if (next === wanted.length) return true;
  }
  return false;
}

function hasParts(line: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = findText(line, part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return true;
}
