// Sensitive fields
//
// Marks what must not leave for a viewer of the machines, which may be a page of somebody else's.
//
// Sensitive is what programs hand over or print: data, inputs and outputs of steps and the hashes of inputs (a short input can be guessed
// from its hash), answers and their schemas, command lines, errors and so the summary of a return, what checks printed, evidence, services
// and artifacts (addresses with passwords in them), notes of a session. Not sensitive is what says who does what, when and why: names, ids,
// times, decisions, paths, and the texts by which people and agents ask each other (briefs, questions, reasons). Those are shown, cut short.

import type { z } from "zod";

const marked = new WeakSet<z.core.$ZodType>();

/**
 * The same schema, marked. The mark is on the instance that is returned: `.optional()` around it keeps it, a further `.min(1)` makes an
 * instance without it.
 */
export function sensitive<Schema extends z.ZodType>(schema: Schema): Schema {
  const copy = schema.clone(); // a shared schema such as `Text` is marked only where it is said
  marked.add(copy);
  return copy;
}

export function isSensitive(schema: z.core.$ZodType): boolean {
  return marked.has(schema);
}
