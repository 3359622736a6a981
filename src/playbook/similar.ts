// Similarity: how likely two steps of different runs are the same step of the work, 0 to 1.

import { toKebab } from "./cases.ts";
import type { CleanStep } from "./clean.ts";
import { cutText, isTelling, levels } from "./tokens.ts";
import { argvOf, pathOf } from "./tools.ts";

/** What a step is compared by, read once. */
export interface Sketch {
  readonly tool: string;
  readonly argv: readonly string[] | undefined;
  readonly title: ReadonlySet<string>;
  readonly target: ReadonlySet<string>;
  readonly body: ReadonlySet<string>;
  /** The names of the input's fields. */
  readonly fields: string;
}

const bodyChars = 1_500;
const setMax = 48;

/** Reads what `step` is compared by. */
export function toSketch(step: CleanStep): Sketch {
  const argv = argvOf(step);
  const { input } = step;
  return {
    tool: step.tool,
    argv,
    title: toSet(step.title),
    target: toSet(argv === undefined ? (pathOf(step) ?? "") : argv.join(" ")),
    body: toSet(argv === undefined ? toBody(input) : ""),
    fields: typeof input === "object" && input !== null ? Object.keys(input).sort().join() : typeof input,
  };
}

/** How likely both are the same step; 0 for what never is. */
export function compareSketches(left: Sketch, right: Sketch): number {
  if (left.tool !== right.tool) return 0;
  const title = overlap(left.title, right.title);
  if (left.argv !== undefined && right.argv !== undefined) {
    const words = compareArgv(left.argv, right.argv);
    return words === 0 ? 0 : 0.25 * title + 0.75 * words;
  }
  const sameFields = left.fields === right.fields ? 1 : 0.6;
  const target = left.target.size + right.target.size === 0 ? title : overlap(left.target, right.target);
  const body = left.body.size + right.body.size === 0 ? target : overlap(left.body, right.body);
  return sameFields * (0.1 + 0.3 * title + 0.35 * target + 0.25 * body);
}

/** Programs whose second word says what they do. */
const manifold = new Set(
  "git npm pnpm yarn npx bun cargo go docker kubectl make pip pip3 uv gh python python3 node deno just".split(" "),
);

function compareArgv(left: readonly string[], right: readonly string[]): number {
  if (left[0] !== right[0]) return 0;
  const [verb = "", other = ""] = [left[1], right[1]];
  const areVerbs = /^[a-z][a-z:-]*$/.test(verb) && /^[a-z][a-z:-]*$/.test(other);
  if (verb !== other && areVerbs && manifold.has(left[0] ?? "")) return 0;
  const length = Math.max(left.length, right.length);
  let same = 0;
  for (let index = 0; index < length; index++) {
    const [one, two] = [left[index], right[index]];
    if (one === undefined || two === undefined) continue;
    same +=
      one === two ? 1 : one.startsWith("-") || two.startsWith("-") ? 0 : 0.5 + 0.4 * overlap(toSet(one), toSet(two));
  }
  return same / length;
}

function toBody(input: unknown): string {
  const texts: string[] = [];
  let chars = 0;
  const visit = (value: unknown, depth: number): void => {
    if (depth > 6 || chars > bodyChars) return;
    if (typeof value === "string") {
      texts.push(value.slice(0, bodyChars));
      chars += value.length;
    } else if (typeof value === "object" && value !== null) {
      for (const each of Object.values(value)) visit(each, depth + 1);
    }
  };
  visit(input, 0);
  return texts.join("\n").slice(0, bodyChars);
}

function toSet(text: string): Set<string> {
  const set = new Set<string>();
  for (const piece of cutText(text.slice(0, bodyChars), levels.names)) {
    if (set.size >= setMax) break;
    if (isTelling(piece)) for (const word of toKebab(piece).split("-")) set.add(word);
  }
  return set;
}

function overlap(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  if (left.size === 0 || right.size === 0) return left.size === right.size ? 1 : 0;
  let shared = 0;
  for (const each of left) if (right.has(each)) shared += 1;
  return shared / Math.max(left.size, right.size);
}
