import { z } from "zod";
import { AionisError } from "./failures.ts";

/** A regular expression can hold up whoever checks it, and a reference can go round in circles: both are for the asker to check. */
const refusedKeywords: ReadonlySet<string> = new Set([
  "pattern",
  "patternProperties",
  "$ref",
  "$dynamicRef",
  "$recursiveRef",
]);

/**
 * Reads the JSON Schema of a question's answer.
 * @throws AionisError `INPUT_INVALID` when it is not a JSON Schema that can be checked here.
 */
export function toAnswerSchema(schema: unknown): z.ZodType {
  const refused = findKeyword(schema);
  if (refused !== undefined) {
    throw new AionisError(
      "INPUT_INVALID",
      `The answer's JSON Schema uses "${refused}", which is not checked here: leave it out and check the answer where it is used.`,
    );
  }
  try {
    return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]); // it throws on what is no schema
  } catch (cause) {
    throw new AionisError("INPUT_INVALID", `The answer's JSON Schema cannot be used: ${String(cause).slice(0, 200)}.`, {
      cause,
    });
  }
}

/** Why `answer` does not fit `schema`, or nothing when it does. */
export function whyAnswerMisfits(schema: unknown, answer: unknown): string | undefined {
  const parsed = toAnswerSchema(schema).safeParse(answer);
  return parsed.success
    ? undefined
    : parsed.error.issues
        .slice(0, 3)
        .map((issue) => issue.message)
        .join("; ");
}

/** Any refused key, wherever it stands: a property of that name is refused too, which errs on the safe side. */
function findKeyword(schema: unknown): string | undefined {
  const open: unknown[] = [schema];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== "object" || next === null) continue;
    for (const [key, value] of Object.entries(next)) {
      if (refusedKeywords.has(key) && !Array.isArray(next)) return key;
      if (typeof value === "object" && value !== null) open.push(value);
    }
  }
  return undefined;
}
