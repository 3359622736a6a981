import { describe, expect, it } from "vitest";
import { alignRuns } from "../../src/playbook/align.ts";
import { cleanRun } from "../../src/playbook/clean.ts";
import { command, patch, toRun, write } from "./support.ts";

const align = (...runs: Parameters<typeof toRun>[2][]) =>
  alignRuns(
    runs.map((steps, index) => cleanRun(toRun(index, "Do it", steps)).steps),
    0,
  ).map(({ steps }) => steps.map((step) => step?.title));

describe("runs beside one another", () => {
  it("have the same steps in one column, in their order (N1)", () => {
    const first = [write("src/a.ts", "export const a = 1;\n"), command(["npm", "test"])];
    const second = [write("src/b.ts", "export const b = 1;\n"), command(["npm", "install"]), command(["npm", "test"])];

    expect(align(first, second)).toEqual([
      ["write it", "write it"],
      [undefined, "npm install"],
      ["npm test", "npm test"],
    ]);
  });

  it("have in one column what two of them did in another order", () => {
    const [one, two] = [patch("src/a.ts", "x", "y"), patch("docs/b.md", "one two", "three")];

    expect(align([one, two], [two, one]).every((column) => column.every((title) => title !== undefined))).toBe(true);
  });

  it("never share a column for steps of different tools (N2)", () => {
    expect(align([write("a", "x")], [patch("a", "x", "y")])).toHaveLength(2);
  });
});
