import { expect, it } from "vitest";
import { main } from "../../examples/inspect/main.ts";

it("shows two workers with a handoff and an actor of the program's own", async () => {
  const lines: string[] = [];

  const facts = await main({ print: (line) => void lines.push(line) });

  expect(facts).toMatchObject({ claims: 3, left: 3 });
  expect(facts.actors).toEqual(expect.arrayContaining(["Write note 1", "ann", "desk", "rob", "worker ann"]));
  expect(lines[0]).toMatch(/^Open http:\/\/127\.0\.0\.1:\d+\/\?token=/);
  expect(lines[1]).toBe("Seen on the WebSocket: 3 handoffs claimed, 3 tasks that left the desk");
});
