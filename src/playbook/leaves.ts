// Leaves: the scalar values of JSON and the ways to them. Bounded, because what is walked here was recorded by somebody.

import { toText } from "./transforms.ts";

/** One scalar, as it stands in a text. */
export interface Leaf {
  readonly path: readonly string[];
  readonly text: string;
  /** Whether it is a text itself, not a number or a boolean. */
  readonly isText: boolean;
}

const leavesMax = 200;
const depthMax = 12;

/** The first scalars of `value`, in its own order; what is deeper or more than that is not looked at. */
export function listLeaves(value: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  const visit = (each: unknown, path: readonly string[]): void => {
    if (leaves.length >= leavesMax || path.length > depthMax) return;
    const text = toText(each);
    if (text !== undefined) leaves.push({ path, text, isText: typeof each === "string" });
    else if (typeof each === "object" && each !== null) {
      for (const key in each) {
        if (leaves.length >= leavesMax) return;
        if (Object.hasOwn(each, key)) visit(Reflect.get(each, key), [...path, key]);
      }
    }
  };
  visit(value, []);
  return leaves;
}

/** Whether `value` nests no deeper than `depth`. */
export function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((each) => isShallow(each, depth - 1));
}
