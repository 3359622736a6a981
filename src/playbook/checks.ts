// Checks: what has to hold in the end, made into templates of what the runs were checked by.

import type { Check } from "../contracts/values.ts";
import type { LeftOut } from "./clean.ts";
import { type Generalising, generalise } from "./generalise.ts";

/** The checks that all runs share. A command is a template of parameters alone: checks are filled in before anything has run. */
export function generaliseChecks(
  checks: readonly (readonly Check[])[],
  how: Generalising,
): { checks: Check[]; leftOut: LeftOut[] } {
  const made: Check[] = [];
  const leftOut: LeftOut[] = [];
  const names = new Set(checks.flatMap((each) => each.map(({ name }) => name)));
  for (const name of names) {
    const same = checks.map((each) => each.find((check) => check.name === name));
    const check = same.every((each) => each !== undefined)
      ? generaliseCheck(same, how)
      : "only some runs were checked by it";
    if (typeof check === "object") made.push(check);
    else leftOut.push({ title: name, why: check });
  }
  return { checks: made, leftOut };
}

function generaliseCheck(checks: readonly Check[], how: Generalising): Check | string {
  const [first] = checks;
  if (first === undefined) return "there is none";
  const required = checks.every((each) => each.required);
  const commands = checks.map(({ command }) => command);
  if (commands.every((each) => each === undefined)) return { name: first.name, required };
  const command = commands.every((each) => each !== undefined) ? generalise(commands, how) : undefined;
  if (!Array.isArray(command)) return "nothing says why its commands differ";
  return { name: first.name, command, required };
}
