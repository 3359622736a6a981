// Finding a text in another in linear time, whatever the two are: the engine's own `indexOf` may take their product.

const plainChars = 64; // up to here the product is linear enough, and the engine's own search is many times faster

/** Where `part` begins in `text` at `from` or later, or -1. Knuth, Morris and Pratt's search where the part is long. */
export function findText(text: string, part: string, from = 0): number {
  if (part.length <= plainChars) return text.indexOf(part, from);
  const borders = toBorders(part);
  let matched = 0;
  for (let at = from; at < text.length; at++) {
    while (matched > 0 && text[at] !== part[matched]) matched = borders[matched - 1] ?? 0;
    if (text[at] === part[matched]) matched += 1;
    if (matched === part.length) return at - matched + 1;
  }
  return -1;
}

/** Where `part` begins last in `text`, or -1. */
export function findLastText(text: string, part: string): number {
  if (part.length <= plainChars) return text.lastIndexOf(part);
  let last = -1;
  for (let at = findText(text, part); at !== -1; at = findText(text, part, at + part.length)) last = at;
  return last;
}

/** For each beginning of `part`, how long its longest proper end is that `part` begins with too. */
function toBorders(part: string): Int32Array {
  const borders = new Int32Array(part.length);
  let length = 0;
  for (let at = 1; at < part.length; at++) {
    while (length > 0 && part[at] !== part[length]) length = borders[length - 1] ?? 0;
    if (part[at] === part[length]) length += 1;
    borders[at] = length;
  }
  return borders;
}
