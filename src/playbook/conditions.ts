// Conditions: what has to hold before and after a step, told from what its tool gave back in every run.

import type { Condition } from "../contracts/playbook.ts";
import type { CleanStep } from "./clean.ts";
import { parseTemplate, printTemplate } from "./template.ts";
import { exitCodeOf, readField } from "./tools.ts";

const lineChars = 200;
const wellWords =
  /\b(?:pass(?:ed|es|ing)?|ok|success(?:ful|fully)?|succeeded|valid|no (?:errors?|problems?|issues?|changes?))\b/i;

/** What has to hold before the step whose path is the template `path`. */
export function inferBefore(steps: readonly CleanStep[], path: string): Condition[] {
  const [first] = steps;
  if (first === undefined) return [];
  if (first.tool === "file.read" || first.tool === "file.patch") return [{ kind: "file_exists", path }];
  if (first.tool === "file.delete") return haveAll(steps, "existed", true) ? [{ kind: "file_exists", path }] : [];
  if (first.tool !== "file.write") return [];
  if (haveAll(steps, "created", true)) return [{ kind: "path_not_exists", path }];
  return haveAll(steps, "created", false) ? [{ kind: "file_exists", path }] : [];
}

/** What has to hold after it: the code that a command ended with, and a line that says in every run that all is well. */
export function inferAfter(steps: readonly CleanStep[]): Condition[] {
  const [first] = steps;
  const code = first && exitCodeOf(first);
  if (first?.tool !== "command" || code === undefined || steps.some((each) => exitCodeOf(each) !== code)) return [];
  const line = code === 0 && steps.length > 1 ? findSharedLine(steps) : undefined;
  const matches: Condition[] = line === undefined ? [] : [{ kind: "output_matches", pattern: printTemplate([line]) }];
  return [{ kind: "exit_code", code }, ...matches];
}

/** A star would stand for anything, and what has digits is of its own run. */
function findSharedLine(steps: readonly CleanStep[]): string | undefined {
  const [first = [], ...others] = steps.map((step) => {
    const text = readField(step.output, "stdout");
    return typeof text === "string" && text.length <= 64_000 ? text.split(/\r?\n/).map((line) => line.trim()) : [];
  });
  const sets = others.map((lines) => new Set(lines));
  return first.findLast(
    (line) =>
      line.length <= lineChars && wellWords.test(line) && !/[*\d]/.test(line) && sets.every((each) => each.has(line)),
  );
}

function haveAll(steps: readonly CleanStep[], field: string, value: boolean): boolean {
  return steps.every(({ output }) => readField(output, field) === value);
}

/** The template of the file that a step works on. */
export function pathTemplateOf(tool: string, input: unknown): string | undefined {
  const path = tool.startsWith("file.") ? readField(input, "path") : undefined;
  return typeof path === "string" && parseTemplate(path).length > 0 ? path : undefined;
}
