import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeSnapshot, taskMachine } from "../../../machines/index.ts";
import type { EventHeader } from "../../../src/contracts/events.ts";
import { foldOne, stories, storyStates } from "../../support/tasks.ts";

// One example of each state with the events that led there. `GOLDEN=write` writes the files; do so for a new state, or after the
// machine's version was raised. Until the first release nobody holds an old journal, and they may be written without that.

interface Golden {
  events: EventHeader[];
  snapshot: unknown;
}

const help = [
  "An old journal folds to another state than it did. Raise `version` in machines/task/machine.ts, so that snapshots of the",
  "old version are folded again from their events, and keep the old events foldable: their states may change, they may not",
  "be refused. Then write the golden files anew with GOLDEN=write.",
].join("\n");

describe("golden journals", () => {
  for (const state of storyStates) {
    it(`of ${state} fold to the same state as ever`, () => {
      const file = new URL(`../golden/${state}.json`, import.meta.url);
      if (process.env.GOLDEN === "write") {
        const { headers, now } = stories[state]();
        const golden: Golden = { events: headers, snapshot: JSON.parse(encodeSnapshot(now)) };
        writeFileSync(file, `${JSON.stringify(golden, null, 2)}\n`);
      }

      const golden = JSON.parse(readFileSync(file, "utf8")) as Golden; // written above
      const folded = golden.events.reduce<ReturnType<typeof foldOne> | undefined>(foldOne, undefined);

      expect(folded, help).toBeDefined();
      expect(JSON.parse(encodeSnapshot(folded!)), help).toEqual(golden.snapshot);
      expect(golden.snapshot).toMatchObject({ machine: taskMachine.id, version: taskMachine.version });
    });
  }
});
