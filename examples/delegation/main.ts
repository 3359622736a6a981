// Delegation
//
// A release is done in parts: the notes, and the documentation, which gives a part away in turn. A third part does not fit into the budget. A
// subscriber prints each packet and each return as it happens; in the end the records are read as a tree.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Assignment, type Connection, createRuntime, isFailure, type RunContext } from "aionis";

type Print = (line: string) => void;

/** Plays the story in a folder of its own; what it returns is counted from the records and the journal. */
export async function main({ print = console.log }: { print?: Print } = {}) {
  const path = mkdtempSync(join(tmpdir(), "aionis-delegation-"));
  try {
    await using runtime = await createRuntime({ path, scope: "examples/delegation" });
    const budget = { count: 3, depth: 2 }; // three delegations in the whole tree, two levels below this task
    const following = follow(runtime, budget.count, print);
    runtime.worker({ agent: "rita", roles: ["release"] }, (task, ctx) => release(task, ctx, print));
    runtime.worker({ agent: "dan", roles: ["docs"] }, document);
    runtime.worker({ agent: "nina", roles: ["notes"] }, (task) => `notes on ${task.brief}`);

    const { taskId } = await runtime.tasks.start({ brief: "Release 2.0", to: { role: "release" }, budget });
    const { task } = await runtime.tasks.result(taskId);
    const notices = await following;

    const { nodes } = await runtime.delegationRecords.tree({ taskId });
    for (const { task: part, level, record } of nodes) {
      print(`${"  ".repeat(level)}${part.title}: ${record?.outcome ?? part.state}${by(record?.claimedBy)}`);
    }
    const { events } = await runtime.events.read({ types: ["delegation.sent", "delegation.returned"] });
    return {
      state: task.state,
      sent: events.filter(({ type }) => type === "delegation.sent").length,
      returned: events.filter(({ type }) => type === "delegation.returned").length,
      notices,
      levels: nodes.map(({ level }) => level),
    };
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Two parts at once, then one too many: of three delegations the first two may cost all. */
async function release(task: Assignment, ctx: RunContext, print: Print): Promise<string> {
  const [notes, docs] = await ctx.delegate([
    { to: { role: "notes" }, brief: "the fixes", nextAction: "Read the log since 1.9" },
    { to: { role: "docs" }, brief: "the guide", files: ["docs/guide.md"], budget: { count: 1, depth: 1 } },
  ]);
  try {
    await ctx.delegate({ to: { role: "notes" }, brief: "a blog post", nextAction: "Make it short" });
  } catch (error) {
    if (!isFailure(error, "DELEGATION_REFUSED")) throw error;
    print(`refused: ${error.detail.replace(task.taskId, task.brief ?? "")}`);
  }
  return `${String(notes?.data)}; ${String(docs?.data)}`;
}

/** A part that gives away a part, out of what it was given. */
async function document(task: Assignment, ctx: RunContext): Promise<string> {
  const { data } = await ctx.delegate({ to: { role: "notes" }, brief: "what changed", files: ctx.packet?.files ?? [] });
  return `${task.brief} with ${String(data)}`;
}

/** Prints the records as they happen, until `count` parts have returned. */
async function follow({ delegationRecords }: Connection, count: number, print: Print): Promise<number[]> {
  const cursors: number[] = []; // the last one is where a program that starts again would go on
  let returned = 0;
  for await (const { seq, fact, packet, ...notice } of delegationRecords.subscribe({ from: 1 })) {
    cursors.push(seq);
    if (fact !== "packet") returned += 1;
    print(fact === "packet" ? `→ ${packet?.from.agent} asks for ${packet?.brief}` : `← ${String(notice.return?.data)}`);
    if (returned === count) break;
  }
  return cursors;
}

function by(agent: string | undefined): string {
  return agent === undefined ? "" : ` by ${agent}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
