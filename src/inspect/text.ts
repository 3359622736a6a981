/** Characters of one text in a message. */
const textChars = 400;

/** Cuts a text to `charsMax` without leaving half of a surrogate pair. */
export function cut(text: string, charsMax = textChars): string {
  return (text.length > charsMax ? `${text.slice(0, charsMax - 1)}…` : text).toWellFormed();
}
