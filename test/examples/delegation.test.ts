import { expect, it } from "vitest";
import { main } from "../../examples/delegation/main.ts";

it("gives parts away within a budget, and shows each packet and return once and in order", async () => {
  const lines: string[] = [];

  const facts = await main({ print: (line) => void lines.push(line) });

  expect(facts).toMatchObject({ state: "succeeded", sent: 3, returned: 3, levels: [0, 1, 1, 2] });
  expect(facts.notices).toHaveLength(6);
  expect(facts.notices).toEqual(facts.notices.toSorted((left, right) => left - right));
  expect(lines.filter((line) => line.startsWith("→"))).toHaveLength(3);
  expect(lines.filter((line) => line.startsWith("←"))).toHaveLength(3);
  expect(lines).toContain("refused: Release 2.0 cannot delegate: 1 delegations are asked for, 0 are left.");
  expect(lines.at(-1)).toBe("    what changed: completed by nina");
});
