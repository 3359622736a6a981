import { expect, it } from "vitest";
import { main } from "../../examples/handoff/main.ts";

it("hands a task over once, although two ask, and goes on from what is recorded", async () => {
  const lines: string[] = [];

  const facts = await main({ print: (line) => void lines.push(line) });

  expect(facts).toEqual({ offered: 4, claimed: 2, declined: 1, withdrawn: 1, drafts: 1 });
  const story = lines.join("\n");
  expect(story.match(/comes too late/g)).toHaveLength(1);
  expect(story).toMatch(/(rob|sue) comes too late: (?!\1)(rob|sue) has it, until 2\d\d\d-/);
  expect(story).toContain("recorded so far: draft");
  expect(story).toMatch(/after draft by ann in stage 1 and check by (rob|sue) in stage 2/);
  expect(story).toContain("the number is settled; tell the users (offered)");
});
