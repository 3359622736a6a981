import { canonicalJson, toJson } from "../src/contracts/json.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";

/** A part that is given away. For how long and with what budget is not what it is. */
interface Part {
  key?: string;
  timeout?: unknown;
  budget?: unknown;
}

const hashChars = 32;

/**
 * Names the parts that a handler gives away in one run, so that a handler that starts over finds each child again, whichever branch comes
 * first: by the part's key, else by what the part is, and equal ones by their order.
 */
export function createPartIds(): (part: Part) => string {
  const counts = new Map<string, number>();
  return ({ timeout: _timeout, budget: _budget, key, ...part }) => {
    if (key !== undefined) return `=${toHash(key)}`;
    const content = toHash(part);
    const count = counts.get(content) ?? 0;
    counts.set(content, count + 1);
    return `${content}/${count}`;
  };
}

function toHash(value: unknown): string {
  return toHex(sha256(canonicalJson(toJson(value, "A part")))).slice(0, hashChars);
}
