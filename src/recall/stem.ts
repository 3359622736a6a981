// Light stemming: endings are cut so that "fixes", "fixing" and "fix" meet. It is not linguistics; it only has to do the same to both sides.

const english = ["ations", "ation", "ings", "ing", "ies", "ers", "ed", "es", "er", "ion", "s", "e"];
const german = ["ungen", "ung", "ern", "en", "er", "es", "em", "e", "n", "s"];
const russian = [
  ...["иями", "ями", "ами", "ией", "иям", "ием", "иях", "ого", "его", "ому", "ему", "ыми", "ими", "ить", "ать", "ять"],
  ...["еть", "ешь", "ует", "ает", "ия", "ию", "ии", "ие", "ой", "ей", "ом", "ем", "ам", "ям", "ах", "ях", "ов", "ев"],
  ...["ую", "юю", "ая", "яя", "ое", "ее", "ые", "ый", "ий", "ых", "их", "ть", "ы", "и", "а", "я", "о", "е", "у", "ю"],
  ...["ью", "ь"],
].sort((left, right) => right.length - left.length);
const lettersMin = 3;

/** `word`, in lower case, without its ending. At least three letters stay. */
export function stem(word: string): string {
  if (/[а-яё]/.test(word)) return cut(word, russian);
  if (/[äöüß]/.test(word)) return cut(word, german);
  if (word.endsWith("ss")) return word;
  return word.endsWith("ies") && word.length > lettersMin + 2 ? `${word.slice(0, -3)}y` : cut(word, english);
}

function cut(word: string, endings: readonly string[]): string {
  const ending = endings.find((each) => word.endsWith(each) && word.length - each.length >= lettersMin);
  return ending === undefined ? word : word.slice(0, -ending.length);
}
