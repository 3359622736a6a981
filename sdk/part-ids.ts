import { canonicalJson, toJson } from "../src/contracts/json.ts";
import type { OperationInput } from "../src/contracts/operations/index.ts";
import type { Target } from "../src/contracts/values.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";
import type { Duration } from "./duration.ts";

/** A part of the task for somebody else. */
export type Delegation = OperationInput<"handoff.offer">["packet"] & {
  to: Target;
  /** Tells it from other parts; without one a part is known by `to`, `kind`, `family` and its packet, and equal ones by their order. */
  key?: string;
  kind?: string;
  family?: string;
  /** How long it may take; it never outlasts this task. */
  timeout?: Duration;
  /** What the child may delegate in turn; nothing if absent. */
  budget?: { count: number; depth: number };
};

/** A part that is given away. For how long and with what budget is not what it is. */
interface Part {
  key?: string;
  timeout?: unknown;
  budget?: unknown;
}

/** By what a part is found again. */
export interface PartId {
  /** Where it stands in its handler: its key, else what it is and how many equal ones came before it. */
  readonly place: string;
  /** A hash of what it is. */
  readonly content: string;
  readonly isKeyed: boolean;
}

const hashChars = 32;

/**
 * Names the parts that a handler gives away in one run, so that a handler that starts over finds each child again, whichever branch comes
 * first: by the part's key, else by what the part is, and equal ones by their order.
 */
export function createPartIds(): (part: Part) => PartId {
  const counts = new Map<string, number>();
  return ({ timeout: _timeout, budget: _budget, key, ...part }) => {
    const content = toHash(part);
    if (key !== undefined) return { place: `=${toHash(key)}`, content, isKeyed: true };
    const count = counts.get(content) ?? 0;
    counts.set(content, count + 1);
    return { place: `${content}/${count}`, content, isKeyed: false };
  };
}

/** The part of a command id that stands for the part; `again` tells one that is given away anew from the first. */
export function toPartText({ place, content, isKeyed }: PartId, again?: number): string {
  const id = isKeyed ? `${place}/${content}` : place;
  return again === undefined ? id : `${id}/${again}`;
}

/** What `toPartText` made a text of; nothing for any other text. */
export function readPartText(text: string): PartId | undefined {
  const [first = "", second] = text.split("/");
  if (second === undefined) return undefined;
  return first.startsWith("=")
    ? { place: first, content: second, isKeyed: true }
    : { place: `${first}/${second}`, content: first, isKeyed: false };
}

function toHash(value: unknown): string {
  return toHex(sha256(canonicalJson(toJson(value, "A part")))).slice(0, hashChars);
}
