// Playbooks and replays as the machines see them.

import type { NewEvent, ReplayStart } from "../../machines/index.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import type { PlaybookContent, ReplayOrder } from "../../src/contracts/playbook.ts";
import { taskId } from "./ids.ts";

/** What a playbook of one step says. */
export const playbookContent: PlaybookContent = {
  title: "Add a note",
  goals: ["Add a note that says hello"],
  parameters: [{ name: "note", type: "text", source: { from: "brief" }, examples: ["hello"] }],
  steps: [
    {
      ...{ key: "write", title: "write", tool: "file.write", input: { path: "note.txt", text: "{{note}}" } },
      ...{ before: [], after: [], safety: "auto_ok", from: [3] },
    },
  ],
  checks: [],
  leftOut: [],
  sources: [taskId(5)],
};

/** A replay of it. */
export function toReplay(order: Partial<ReplayOrder> = {}): ReplayStart {
  const { mode = "strict", version = 1 } = order;
  return {
    replayId: taskId(9),
    order: { playbookId: taskId(), version, mode, ...order },
    data: { playbook: playbookContent, mode, values: { note: "hello" }, inCopy: false, confirmed: false },
    brief: "Add a note: note hello",
    checks: [],
    to: { role: "tool.file.write" },
  };
}

/** What came of a replay of the first version. */
export function toPlaybookTurn(
  facts: Partial<EventHeader<"playbook.turned">["facts"]>,
): Extract<NewEvent, { type: "playbook.turned" }> {
  const common = { version: 2, replayId: taskId(9), mode: "strict", isVerified: true, content: 1 } as const;
  return {
    type: "playbook.turned",
    epoch: 0,
    facts: { to: "contested", outcome: "failed", ...common, ...facts },
    body: {},
  };
}
