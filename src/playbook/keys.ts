import { toKebab } from "./cases.ts";

const keyChars = 50;

/** A step's key from its title: lower case, no other step's. Keys that are `taken` get the new one too. */
export function toKey(title: string, taken: Set<string>): string {
  const plain = toKebab(title.normalize("NFKD"))
    .replace(/[^a-z0-9-]+/g, "")
    .replace(/^-+/, "")
    .slice(0, keyChars)
    .replace(/-+$/, "");
  const base = plain === "" ? "step" : plain;
  let key = base;
  for (let count = 2; taken.has(key); count++) key = `${base}-${count}`;
  taken.add(key);
  return key;
}
