// Cases: the ways in which names are written, and how one is turned into another. `darkMode`, `dark-mode` and `Dark Mode` have the same words.

const word = /\p{Lu}+(?=\p{Lu}\p{Ll})|\p{Lu}?\p{Ll}+\p{N}*|\p{Lu}+\p{N}*|[\p{Lo}\p{Lm}\p{M}]+\p{N}*|\p{N}+/gu;

/** The words of a name, as they are written in it. Digits belong to the letters before them. */
export function splitName(name: string): string[] {
  return name.match(word) ?? [];
}

/** What all writings of one name have in common. */
export function toKebab(name: string): string {
  return lowerWords(name).join("-");
}

/** A title as paths and addresses have it: its words are what stands between blanks and signs, so that `SQLite` stays one. */
export function toSlug(title: string): string {
  return (title.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).join("-");
}

export function toSnake(name: string): string {
  return lowerWords(name).join("_");
}

export function toConstant(name: string): string {
  return toSnake(name).toUpperCase();
}

export function toPascal(name: string): string {
  return lowerWords(name).map(capitalise).join("");
}

export function toCamel(name: string): string {
  const [first = "", ...others] = lowerWords(name);
  return first + others.map(capitalise).join("");
}

export function toTitle(name: string): string {
  return lowerWords(name).map(capitalise).join(" ");
}

function lowerWords(name: string): string[] {
  return splitName(name).map((each) => each.toLowerCase());
}

function capitalise(each: string): string {
  const [first = ""] = each; // by characters: a letter may take two units
  return first.toUpperCase() + each.slice(first.length);
}
