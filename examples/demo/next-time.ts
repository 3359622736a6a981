// The next time
//
// What becomes of work that is done: the repair becomes a playbook, which is replayed without any agent where the bug still is, and somebody
// asks for such work in other words. Does not own: the work itself (`scenario.ts`).

import { builtInTools, type Connection, type JournalEvent } from "aionis";
import { makeRepository } from "./repository.ts";

type TaskId = JournalEvent["taskId"];

/** What was seen of it. */
export interface NextTime {
  /** The steps that the replay did. */
  steps: string[];
  /** What that took, with the dry run before. */
  ms: number;
  /** How often the handler of the worker that replayed was called. */
  agentCalls: number;
  /** What was recorded of the finished task meanwhile. */
  events: JournalEvent[];
  /** What was asked, and what the runtime said. */
  query: string;
  answer: Awaited<ReturnType<Connection["taskStart"]>>;
}

/** The same work, as somebody else would ask for it. */
const query = "One of retry-kit's tests is red: find the cause and repair it";

const agent = "replay-1";

/**
 * Replays the task whose last event is `end` on a fresh copy of the repository, which is made in `freshCopy`, and asks.
 * @throws AionisError `PLAYBOOK_BLOCKED` when the dry run failed, `EVIDENCE_MISSING` when the strict replay did.
 */
export async function playNextTime(runtime: Connection, end: JournalEvent, freshCopy: string): Promise<NextTime> {
  const { playbooks, tasks } = runtime;
  const { taskId: rootId, seq } = end;
  await makeRepository(freshCopy);
  let agentCalls = 0;
  await using _worker = runtime.worker({ agent, tools: builtInTools, cwd: freshCopy }, () => {
    agentCalls += 1;
  });

  const { id } = await playbooks.compile({ runs: [rootId] });
  const startedAt = performance.now();
  const replay = async (mode: "simulate" | "strict"): Promise<TaskId> => {
    // Before the tag somebody was asked, and so is whoever replays it: the maintainer says yes beforehand.
    const { taskId } = await playbooks.run({ id, mode, to: { agent }, confirm: true });
    await tasks.result(taskId);
    return taskId;
  };
  await replay("simulate");
  const { steps } = await tasks.steps({ taskId: await replay("strict") });
  const ms = performance.now() - startedAt;
  await playbooks.promote({ id, to: "active", reason: "It was replayed, and its check passed." });

  const { events } = await runtime.events.read({ taskId: rootId, from: seq + 1 });
  const names = steps.filter(({ tool }) => tool !== undefined).map(({ name }) => name);
  return { steps: names, ms, agentCalls, events, query, answer: await runtime.taskStart({ query }) };
}
