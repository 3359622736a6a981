import { AionisError } from "../src/contracts/failures.ts";
import { canonicalJson, toJson } from "../src/contracts/json.ts";
import { limits } from "../src/contracts/limits.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";

const inputHashChars = 32;

/**
 * What tells a step's input from another, whatever the order of its keys.
 * @throws AionisError `VALUE_INVALID` when it is no JSON, `MESSAGE_TOO_LARGE` when the step could not be recorded with it.
 */
export function toInputHash(input: unknown): string | undefined {
  if (input === undefined) return undefined;
  const plain = toJson(input, "The input of a step");
  const text = canonicalJson(plain);
  if (text.length > checkedChars) refuseLarge(plain, text);
  return toHex(sha256(text)).slice(0, inputHashChars);
}

const checkedChars = 2 * limits.messageDepth; // a shorter text nests less
const recordDepth = 3; // levels, and values, that a record has round the input
const recordValues = 100;
const recordBytes = 1_000;

/** Refuses an input with which not even the begin of the step could be recorded. */
function refuseLarge(input: unknown, text: string): void {
  const isLong = text.length * 3 + recordBytes > limits.bodyBytes;
  const bytes = isLong ? new TextEncoder().encode(text).byteLength + recordBytes : 0;
  if (bytes > limits.bodyBytes) throw tooLarge("bytes", limits.bodyBytes - recordBytes);
  if (nestsDeeper(input, limits.messageDepth - recordDepth))
    throw tooLarge("levels", limits.messageDepth - recordDepth);
  if (text.length < limits.messageValues) return; // each value takes a character and what parts it from the next
  if (countValues(input) + recordValues > limits.messageValues)
    throw tooLarge("values", limits.messageValues - recordValues);
}

function tooLarge(what: string, most: number): AionisError {
  const advice = "Give what tells this input from others, such as a hash or the name of a file";
  return new AionisError("MESSAGE_TOO_LARGE", `The input of a step has more than ${most} ${what}. ${advice}.`);
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => nestsDeeper(item, levels - 1));
}

function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const items: unknown[] = Object.values(value);
  const keys = Array.isArray(value) ? 0 : items.length;
  return items.reduce<number>((sum, item) => sum + countValues(item), keys + 1);
}
