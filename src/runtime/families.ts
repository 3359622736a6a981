// Families: what the scope requires of work of one kind, in the checks that a task begins with.

import { AionisError } from "../contracts/failures.ts";
import { type FamilyRule, FamilyRules } from "../contracts/family.ts";

/** What a task of that family has to show. */
export type FindRule = (family: string | undefined) => FamilyRule;

/** @throws AionisError `INPUT_INVALID` when these are no rules. */
export function createFamilies(given: unknown = {}): FindRule {
  const parsed = FamilyRules.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const detail = `The families' rules do not fit: ${issue?.path.join(".")}: ${issue?.message}.`;
    throw new AionisError("INPUT_INVALID", detail);
  }
  const rules = new Map(Object.entries(parsed.data));
  return (family) => join(rules.get("*"), family === undefined ? undefined : rules.get(family));
}

function join(all: FamilyRule = { verify: [] }, own: FamilyRule = { verify: [] }): FamilyRule {
  const rest = all.verify.filter(({ name }) => !own.verify.some((check) => check.name === name));
  const isolation = own.isolation ?? all.isolation;
  return { verify: [...rest, ...own.verify], ...(isolation === undefined ? {} : { isolation }) };
}
