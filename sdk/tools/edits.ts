// Edits
//
// Replacing pieces of a text, all or none, so that doing it again changes nothing. Pure.
//
// Invariants:
//   E1. A piece that is to be found stands there exactly once, or at least once with `all`; else nothing is changed. Each edit works on what
//       the one before it left.
//   E2. Of a text that edits have made, `applyEdits` sees that they are done. What they would make is looked at first: edits whose result
//       would not be known again are refused.
//   E3. Line ends stay what they are: in a text that has one kind alone, those of the edits are read as that kind.
//   E4. It takes time linear in the text and the edits, and no text on the way is longer than a file may be.

import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { findText } from "../../src/playbook/find-text.ts";

export interface Edit {
  find: string;
  replace: string;
  /** Every occurrence, not the only one. */
  all?: boolean | undefined;
}

/** The text after the edits; the same text if they are done. @throws AionisError `TOOL_FAILED` */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (areDone(text, edits)) return text;
  let edited = text;
  for (const [index, edit] of withLineEnds(text, edits).entries()) edited = applyEdit(edited, edit, index);
  if (areDone(edited, edits)) return edited; // E2
  throw failed("The edits undo or change each other, so that doing them again would not be noticed. Give them as one.");
}

function applyEdit(text: string, { find, replace, all }: Edit, index: number): string {
  const pieces = split(text, find);
  const found = pieces.length - 1;
  const shown = `Edit ${index + 1} looks for ${JSON.stringify(find.slice(0, 120))}`;
  if (found === 0) throw failed(`${shown}, which is not there. Read the file again and copy the text exactly.`);
  if (found > 1 && all !== true) {
    throw failed(`${shown}, which is there ${found} times. Take more of the text around it, or say all.`);
  }
  const edited = join(pieces, replace);
  if (edited !== undefined) return edited;
  throw failed(`Edit ${index + 1} would make the file longer than ${limits.toolFileBytes} bytes. Split it.`);
}

/** From the last to the first: what a later edit has changed of an earlier one's piece is taken back before that is looked at. */
function areDone(text: string, edits: readonly Edit[]): boolean {
  let before: string | undefined = text;
  for (const edit of withLineEnds(text, edits).reverse()) {
    if (before !== undefined) before = takeBack(before, edit);
  }
  return before !== undefined;
}

/** The text as it was before the edit, or one like it; undefined if the edit is not done. A piece that was removed is not put back. */
function takeBack(text: string, { find, replace, all }: Edit): string | undefined {
  if (replace === "") return has(text, find) ? undefined : text;
  const [first = "", ...others] = split(text, replace);
  if (others.length === 0) return undefined;
  // Where a line was added to another, the other one is still there, within its replacement.
  const isLeft = has(replace, find) ? [first, ...others].some((piece) => has(piece, find)) : has(text, find);
  if (isLeft) return undefined;
  return all === true ? join([first, ...others], find) : first + find + others.join(replace);
}

/** E3 */
function withLineEnds(text: string, edits: readonly Edit[]): Edit[] {
  const windows = split(text, "\r\n").length - 1;
  const all = split(text, "\n").length - 1;
  if (all === 0 || (windows > 0 && windows < all)) return [...edits];
  const adapt = (piece: string): string => piece.replace(/\r?\n/g, windows > 0 ? "\r\n" : "\n");
  return edits.map((edit) => ({ ...edit, find: adapt(edit.find), replace: adapt(edit.replace) }));
}

function has(text: string, piece: string): boolean {
  return findText(text, piece) >= 0;
}

/** What stands between the occurrences. E4: the engine's own way may take the product of the two lengths. */
function split(text: string, piece: string): string[] {
  const pieces: string[] = [];
  let from = 0;
  for (let at = findText(text, piece); at >= 0; at = findText(text, piece, from)) {
    pieces.push(text.slice(from, at));
    from = at + piece.length;
  }
  pieces.push(text.slice(from));
  return pieces;
}

/** Undefined when it would be longer than a file may be. */
function join(pieces: readonly string[], between: string): string | undefined {
  let chars = between.length * (pieces.length - 1);
  for (const piece of pieces) chars += piece.length;
  return chars > limits.toolFileBytes ? undefined : pieces.join(between);
}

function failed(detail: string): AionisError {
  return new AionisError("TOOL_FAILED", detail);
}
