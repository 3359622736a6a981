import { expect, it } from "vitest";
import { main } from "../../examples/single-agent/main.ts";

it("dies in the middle and goes on after the last recorded step", async () => {
  const lines: string[] = [];

  const facts = await main({ print: (line) => void lines.push(line) });

  expect(facts).toEqual({
    tries: 2,
    steps: 13, // 7 decisions, 6 tool calls: none of them was recorded twice
    writes: 2,
    checked: 1,
    texts: ["We use retries.\n", "All is plain.\n", "Use it to use it.\n"],
  });
  expect(lines.filter((line) => line.includes("decides: write a.md"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("starts"))).toHaveLength(2);
  expect(lines.at(-1)).toContain("succeeded after 2 tries");
});
