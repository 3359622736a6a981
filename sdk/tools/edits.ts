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

import { AionisError } from "../../src/contracts/failures.ts";

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
  const found = count(text, find);
  const shown = `Edit ${index + 1} looks for ${JSON.stringify(find.slice(0, 120))}`;
  if (found === 0) throw failed(`${shown}, which is not there. Read the file again and copy the text exactly.`);
  if (found === 1 || all === true) return text.replaceAll(find, () => replace);
  throw failed(`${shown}, which is there ${found} times. Take more of the text around it, or say all.`);
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
  if (replace === "") return text.includes(find) ? undefined : text;
  const pieces = text.split(replace);
  // Where a line was added to another, the other one is still there, within its replacement.
  const isLeft = replace.includes(find) ? pieces.some((piece) => piece.includes(find)) : text.includes(find);
  if (pieces.length === 1 || isLeft) return undefined;
  return all === true ? pieces.join(find) : text.replace(replace, () => find);
}

/** E3 */
function withLineEnds(text: string, edits: readonly Edit[]): Edit[] {
  const windows = count(text, "\r\n");
  const all = count(text, "\n");
  if (all === 0 || (windows > 0 && windows < all)) return [...edits];
  const adapt = (piece: string): string => piece.replace(/\r?\n/g, windows > 0 ? "\r\n" : "\n");
  return edits.map((edit) => ({ ...edit, find: adapt(edit.find), replace: adapt(edit.replace) }));
}

function count(text: string, piece: string): number {
  let found = 0;
  for (let at = text.indexOf(piece); at >= 0; at = text.indexOf(piece, at + piece.length)) found += 1;
  return found;
}

function failed(detail: string): AionisError {
  return new AionisError("TOOL_FAILED", detail);
}
