import { expect, it } from "vitest";
import { main } from "../../examples/second-start/main.ts";

it("looks around at first, looks at the right file then, and goes the learned way at last", async () => {
  const lines: string[] = [];

  const [cold, seen, known] = await main({ print: (line) => void lines.push(line) });

  const file = "packages/payments/src/http-client.ts";
  expect(cold).toMatchObject({
    firstAction: { cautious: true, from: [] },
    gate: { action: "widen_recall" },
    lessons: [],
  });
  expect(seen).toMatchObject({
    firstAction: { kind: "inspect", file, cautious: true },
    gate: { action: "inspect_context" },
    lessons: [{ state: "candidate", runs: 1 }],
  });
  expect(known).toMatchObject({
    firstAction: { kind: "use", tool: "grep", file, cautious: false },
    gate: { action: "proceed" },
    lessons: [{ state: "trusted", runs: 2, verified: 2 }],
  });
  expect(lines.filter((line) => line.includes("gate:"))).toHaveLength(3);
});
