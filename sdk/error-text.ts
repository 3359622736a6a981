import { limits } from "../src/contracts/limits.ts";

/** What an error says of itself, as far as the journal takes it. Anything can be thrown; this does not throw. */
export function toErrorText(error: unknown, field: "stack" | "message"): string {
  try {
    const text = error instanceof Error ? (error[field] ?? error.message) : String(error);
    return text.slice(0, limits.lineChars).toWellFormed() || "an empty error"; // the cut may go through a pair
  } catch {
    return "an error that cannot be written as text"; // such as an object without a prototype
  }
}
