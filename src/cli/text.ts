// Text
//
// Lines, tables and cards for people. Owns: that nothing in the data reaches the terminal as a command to it.
//
// Invariants:
//   X1. Whatever comes from data passes `escapeLine` or `escapeBlock` before it is printed. Control characters (terminal commands),
//       bidirectional overrides and line separators appear as `\u001b` and the like.

/** One line of `text` (X1). */
export function escapeLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    return joiners.has(char) ? char : toEscape(char);
  });
}

/** `text` with its lines, indented (X1). */
export function escapeBlock(text: string, indent = ""): string {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  return lines.map((line) => `${indent}${escapeLine(line).replaceAll("\\t", "  ")}`.trimEnd()).join("\n");
}

/** One JSON document in one line. JSON leaves control characters above U+007E as they are; a terminal may obey them. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) =>
    joiners.has(char) ? char : toEscape(char),
  );
}

const joiners = new Set(["\u200c", "\u200d"]); // they hold words and emoji together and do nothing else

function toEscape(char: string): string {
  const units = Array.from({ length: char.length }, (_, index) => char.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}

const wide =
  /^(\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|[\u3000-\u303f\uff00-\uff60\uffe0-\uffe6])/u;
const escapeSequence = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g"); // our own colours

/** Columns that `text` takes on a terminal; colours take none. */
export function widthOf(text: string): number {
  const plain = text.replace(escapeSequence, "");
  let width = 0;
  for (const { segment } of graphemes.segment(plain)) width += wide.test(segment) ? 2 : 1;
  return width;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Rows in aligned columns, two spaces apart. The last column is cut when `columns` would be passed. */
export function toTable(rows: readonly (readonly string[])[], columns?: number): string {
  const cellWidths = rows.map((row) => row.map(widthOf));
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...cellWidths.map((row) => row[index] ?? 0)));
  const toLine = (row: readonly string[]): string =>
    row.map((cell, index) => cell + " ".repeat(Math.max((widths[index] ?? 0) - widthOf(cell), 0))).join("  ");
  const taken = widths.slice(0, -1).reduce((sum, width) => sum + width + 2, 0);
  const left = columns === undefined ? undefined : Math.max(columns - taken, 10);
  return rows
    .map((row) => toLine(left === undefined ? row : [...row.slice(0, -1), cut(row.at(-1) ?? "", left)]).trimEnd())
    .join("\n");
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const { segment } of graphemes.segment(text)) {
    if (widthOf(kept + segment) > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
