import { z } from "zod";
import { findOperation, type OperationName } from "./index.ts";

/** The JSON Schemas of one operation: what a caller writes, and what it is answered. */
export interface OperationSchemas {
  input: Record<string, unknown>;
  output: Record<string, unknown>;
}

/**
 * The schemas of `name` as JSON Schema (draft 2020-12), for other languages, tools and documentation.
 * @throws AionisError `OPERATION_UNKNOWN`
 */
export function toJsonSchemas(name: OperationName): OperationSchemas {
  const { input, output } = findOperation(name);
  return { input: z.toJSONSchema(input, { io: "input" }), output: z.toJSONSchema(output) };
}
