import { describe, expect, it } from "vitest";
import type { Parameter } from "../../src/contracts/playbook.ts";
import { compareSizes, listSizes } from "../../src/playbook/sizes.ts";

const parameter = (name: string, ...examples: string[]): Parameter => ({
  name,
  type: "text",
  source: { from: "brief" },
  examples,
});

describe("sizes", () => {
  it("are those of numbers and versions, and of nothing else", () => {
    const compared = [
      ["9", "10"],
      ["1.10.0", "1.9.0"],
      ["v2", "2"],
      ["1.2", "1.2.0"],
      ["a", "b"],
      ["", "1"],
    ] as const;

    expect(compared.map(([one, other]) => compareSizes(one, other))).toEqual([-1, 1, 0, 0, 0, 0]);
  });

  it("say which of two parameters was the larger one in every run, if two runs or more agree", () => {
    const [from, to] = [parameter("from", "20", "18", "16"), parameter("to", "22", "24", "19")];

    expect(listSizes([from, to])).toEqual([
      [0, -1],
      [1, 0],
    ]);
    expect(listSizes([from, parameter("other", "1", "99", "3")])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(listSizes([parameter("one", "1"), parameter("two", "2")])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});
