// Sizes: numbers and versions of which one was always the larger. An upgrade goes up, whatever its brief names first.

import type { Parameter } from "../contracts/playbook.ts";

/** For each two parameters, which was the larger one in every run, -1 or 1; 0 where that differs, is not known or rests on one run. */
export function listSizes(parameters: readonly Parameter[]): number[][] {
  return parameters.map((own) =>
    parameters.map((other) => {
      if (own === other || own.examples.length !== other.examples.length || own.examples.length < 2) return 0;
      const signs = new Set(own.examples.map((each, run) => compareSizes(each, other.examples[run] ?? "")));
      const [sign = 0] = signs;
      return signs.size === 1 ? sign : 0;
    }),
  );
}

/** Which of two numbers or versions is the larger one, -1 or 1; 0 for the same and for what is neither. */
export function compareSizes(one: string, other: string): number {
  const [left, right] = [toParts(one), toParts(other)];
  if (left === undefined || right?.length !== left.length) return 0;
  const at = left.findIndex((part, index) => part !== right[index]);
  return at === -1 ? 0 : Math.sign((left[at] ?? 0) - (right[at] ?? 0));
}

const parts = /^v?\d{1,9}(?:\.\d{1,9}){0,3}$/;

function toParts(text: string): number[] | undefined {
  return parts.test(text) ? text.replace("v", "").split(".").map(Number) : undefined;
}
