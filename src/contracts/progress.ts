import { z } from "zod";

/** How far a verb that takes long has come. */
export const WorkProgress = z.strictObject({
  /** What it does now: it waits for its turn, copies bytes, or looks at events. */
  phase: z.enum(["waiting", "copying", "checking", "rebuilding"]),
  /** Of `total`, in what the phase counts. Each event is looked at twice, and counts twice. */
  done: z.int().nonnegative(),
  total: z.int().nonnegative(),
});
export type WorkProgress = z.infer<typeof WorkProgress>;
