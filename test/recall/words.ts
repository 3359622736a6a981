// Words
//
// How the labelled set measures its own wording: which words two texts have in common.
// Owns: the stop words, the light stemming and the code-like tokens of the checks. Does not own: how the runtime splits words; a set that
// was measured with the runtime's own splitter would move with it.

const stopWords = new Set(
  `a about after again all also an and another any are as at be because been before between but by can do does each even every
  for from has have how if in into is it its may more most must near never no none nor not now of off on once one only or other ought our
  out over own since so some still such than that the their them then there they this those though through to too two under until up us
  was we were what when where which while who why will with without you your`.split(/\s+/),
);

/** The distinct content words of a text: lower case, without stop words and numbers, lightly stemmed; camelCase and paths are split. */
export function contentWords(text: string): Set<string> {
  const parts = text
    .replaceAll(/'s\b/g, "")
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  const words = (parts ?? []).filter((word) => word.length > 1 && !stopWords.has(word) && !/^\p{N}+$/u.test(word));
  return new Set(words.map(stem));
}

/** The words that are in both. */
export function commonWords(words: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> {
  return new Set([...words].filter((word) => others.has(word)));
}

/** The words that are not in `others`. */
export function wordsWithout(words: ReadonlySet<string>, others: ReadonlySet<string>): Set<string> {
  return new Set([...words].filter((word) => !others.has(word)));
}

/** How much of `words` is found in `others`, 0 to 1; none of nothing is 0. */
export function shareOf(words: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return words.size === 0 ? 0 : commonWords(words, others).size / words.size;
}

/**
 * Tokens of a text that an engineer keeps as they are in any language: paths, identifiers, constants, error texts' codes. A token counts
 * when it holds a digit, an inner capital, inner punctuation, or nothing but capitals.
 */
export function keptTokens(text: string): Set<string> {
  const tokens = text.match(/[A-Za-z0-9_./:@$-]+/g) ?? [];
  return new Set(tokens.map((token) => token.replaceAll(/^[./:]+|[./:-]+$/g, "")).filter(isCodeLike));
}

function isCodeLike(token: string): boolean {
  return token.length > 2 && /[A-Za-z]/.test(token) && /[0-9_./:@$-]|[a-z][A-Z]|^[A-Z]{3,}$/.test(token);
}

function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word;
  const bare = word.replace(/(ies|ied)$/, "y").replace(/(?:ing|ed|es|s)$/, "");
  return (bare.length < 3 ? word : bare).replace(/e$/, "").replace(/(.)\1$/, "$1");
}
