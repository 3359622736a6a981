import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { checkOptions } from "../../src/contracts/options.ts";
import type { Tool } from "./tool.ts";

/** A tool as its author writes it. */
export type ToolDefinition<Input, Output> = Omit<Tool<Input, Output>, "safety" | "idempotent"> &
  Partial<Pick<Tool<Input, Output>, "safety" | "idempotent">>;

/** Letters, digits and `_ . : / -` after a letter or digit: a name is part of a role, and roles are listed with commas. */
const namePattern = /^[A-Za-z0-9][\w.:/-]*$/;

/**
 * Makes a tool. Without `safety` a replay asks before it uses it; without `idempotent` nothing does it twice.
 * @throws AionisError `INPUT_INVALID` when a field does not fit, or the name does not fit into a role.
 */
export function defineTool<Input, Output>(definition: ToolDefinition<Input, Output>): Tool<Input, Output> {
  checkOptions("defineTool", definition);
  const { name } = definition;
  if (!namePattern.test(name) || name.length > limits.nameChars) {
    const detail = `A tool cannot be called "${name.slice(0, 80)}": up to ${limits.nameChars} letters, digits and _ . : / - are.`;
    throw new AionisError("INPUT_INVALID", detail);
  }
  return { safety: "needs_confirm", idempotent: false, ...definition };
}
