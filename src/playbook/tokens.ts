// Tokens
//
// Cuts texts into pieces, coarse to fine: lines, what stands between spaces and quotes, parts of paths and addresses, parts of names, words of
// a written-together name. Versions stay whole. The pieces of a text joined are the text. Owns: where values may begin and end.

const patterns: readonly RegExp[] = [
  /[^\n]*\n|[^\n]+$/g,
  /[^\s"'`()[\]{}<>,;|]+|\s+|./gsu,
  /v?\d+(?:\.\d+)+(?:-[\p{L}\p{N}]+)*|[\p{L}\p{M}\p{N}_$-]+(?:\.[\p{L}\p{M}\p{N}_$-]+)*|\s+|./gsu,
  /\d+(?:\.\d+)+|v(?=\d+\.\d)|[\p{L}\p{M}\p{N}_-]+|\s+|./gsu,
  /\d+(?:\.\d+)+|v(?=\d+\.\d)|\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lu}+|[\p{Lo}\p{Lm}\p{M}]+|\p{N}+|\s+|./gsu,
];

export const levels = { lines: 0, words: 1, parts: 2, names: 3, pieces: 4 } as const;
export type Level = (typeof levels)[keyof typeof levels];

/** The pieces of `text` at `level`. */
export function cutText(text: string, level: Level): string[] {
  return text.match(patterns[level] ?? /.+/gs) ?? [];
}

/** The level below, or `undefined` at the finest. */
export function toFiner(level: Level): Level | undefined {
  return [levels.words, levels.parts, levels.names, levels.pieces][level];
}

/** Whether a piece says something: it has a letter or a digit. */
export function isTelling(piece: string): boolean {
  return /[\p{L}\p{N}]/u.test(piece);
}

const inName = /[\p{L}\p{M}\p{N}_]/u;
const joining = /[-./@:+#~$]/;

/**
 * How `text` may be cut at `at`: `free` where a word ends, `inside` between the parts of a longer word (`user|-api`), `none` in the middle of
 * a part. A full stop before a space ends the word.
 */
export function borderAt(text: string, at: number): "free" | "inside" | "none" {
  const [left = "", right = ""] = [text[at - 1], text[at]];
  if (inName.test(left) && inName.test(right))
    return /\p{Ll}\p{Lu}|\p{N}\p{L}|\p{L}\p{N}|_./u.test(left + right) || right === "_" ? "inside" : "none";
  if (joining.test(left) && at > 1 && inName.test(text[at - 2] ?? "") && inName.test(right)) return "inside";
  return joining.test(right) && inName.test(left) && inName.test(text[at + 1] ?? "") ? "inside" : "free";
}

/** How `text` may be cut around its part from `from` to `to`. */
export function bordersOf(text: string, from: number, to: number): "free" | "inside" | "none" {
  const [left, right] = [borderAt(text, from), borderAt(text, to)];
  if (left === "none" || right === "none") return "none";
  return left === "free" && right === "free" ? "free" : "inside";
}

/** What kind of value a text is, as far as that shows. */
export type Shape = "version" | "url" | "number" | "path" | "id" | "name" | "word" | "text";

/** Without a folder, a name with a dot is one of a file by its ending alone: `date.now` has a dot too. */
const file = new RegExp(
  `^[\\w@+-]+(?:\\.[\\w+-]+)*\\.(?:${"[cm]?jsx? [cm]?tsx? json[5c]? mdx? txt ya?ml toml ini cfg conf env html? css scss less sh bash py rb go rs java kt cs c h cpp hpp php swift sql csv tsv xml svg png jpe?g gif ico pdf lock mod sum vue svelte proto graphql tf gradle properties example sample snap patch diff zip gz".split(" ").join("|")})$`,
  "i",
);

const shapes: readonly (readonly [Shape, RegExp])[] = [
  ["version", /^v?\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][\w.-]{1,40})?$/],
  ["url", /^[a-z][a-z+.-]{1,12}:\/\/\S+$/i],
  ["number", /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,9})?$/],
  [
    "id",
    /^(?:[A-Z][A-Z0-9]{0,9}-\d{1,8}|(?=[a-f\d-]*\d)(?=[\d-]*[a-f])[a-f\d-]{7,64}|\d{2,40}|\d{4}-\d\d-\d\d\S{0,20})$/,
  ],
  ["path", /^(?:[\w@.~+-]*\/)+[\w@.+-]*$|^\.[a-z][\w.-]+$/i],
  ["path", file],
  [
    "name",
    /^(?:\p{L}[\p{L}\p{N}_$]*(?:\.[\p{L}\p{N}_$]+)+|[\p{L}\p{N}]+(?:[-_][\p{L}\p{N}]+)+|@?[\p{L}\p{N}_-]+(?:\/[\p{L}\p{N}_-]+)+|\p{Ll}+[\p{L}\p{N}]*\p{Lu}[\p{L}\p{N}]*|\p{Lu}[\p{L}\p{N}]*\p{Ll}\p{Lu}[\p{L}\p{N}]*|(?=\D*\d)\p{L}[\p{L}\p{N}]*)$/u,
  ],
  ["word", /^[\p{L}\p{M}\p{N}]+$/u],
];
const shapedChars = 300;

/** The shape of `text`; what has spaces or is long is a text. */
export function shapeOf(text: string): Shape {
  if (text.length > shapedChars) return "text";
  return shapes.find(([, pattern]) => pattern.test(text))?.[0] ?? "text";
}
