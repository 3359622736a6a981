import { z } from "zod";
import { AionisError } from "./failures.ts";

/**
 * Reads the JSON Schema of a question's answer.
 * @throws AionisError `INPUT_INVALID` when it is not a JSON Schema that can be checked here.
 */
export function toAnswerSchema(schema: unknown): z.ZodType {
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
