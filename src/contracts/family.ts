import { z } from "zod";
import { limits } from "./limits.ts";
import { Check, Isolation, Name } from "./values.ts";

/** What work of one family has to show before it is done, whoever does it. */
export const FamilyRule = z.strictObject({
  /** Checks that each such task has, beside its own; none of its own can take the place of one of the same name. */
  verify: z.array(Check).max(limits.checks).default([]),
  /** What its checks must be kept apart by; one that ran otherwise has failed. */
  isolation: Isolation.exclude(["none"]).optional(),
});
export type FamilyRule = z.output<typeof FamilyRule>;

/** By the family's name; `*` stands for every task, those without a family too. */
export const FamilyRules = z.record(Name, FamilyRule);
export type FamilyRulesInput = z.input<typeof FamilyRules>;
