// Handoff
//
// An author hands a task to reviewers: one declines, one offer is taken back, two race for the third. The winner works from the packet and from
// what is recorded, and hands the task back. The reviewers call the verbs themselves; the author is a worker with a handler.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { OperationInput, RunContext } from "aionis";
import { type Assignment, type Connection, connect, createRuntime, isFailure } from "aionis";

type Print = (line: string) => void;
const roles = ["reviewer"];
const answer = { brief: "3 is right; say how far apart", nextAction: "add it" };
const news = { brief: "the number is settled", nextAction: "tell the users" };

/** Plays the story in a folder of its own; what it returns is counted from the journal. */
export async function main({ print = console.log }: { print?: Print } = {}) {
  const path = mkdtempSync(join(tmpdir(), "aionis-handoff-"));
  const place = { path, scope: "examples/handoff" };
  try {
    await using runtime = await createRuntime(place);
    await using other = await connect({ ...place, agent: "eve" }); // usually another process
    const { taskId } = await runtime.tasks.start({ brief: "Say how often we retry", to: { role: "author" } });
    const offers = runtime.events.subscribe({ from: 1, task: taskId, types: ["handoff.offered"] });
    runtime.worker({ agent: "ann", roles: ["author"] }, (task, ctx) => write(task, ctx, print));

    const nextOffer = async () => {
      await offers.next();
      const { taskId, packetId } = (await runtime.handoff.list({ status: "offered" })).records[0]!;
      return { taskId, packetId };
    };
    await runtime.handoff.decline({ ...(await nextOffer()), roles, reason: "on holiday" }, { agent: "rob" });
    await runtime.handoff.withdraw({ ...(await nextOffer()), reason: "wrong file" }, { agent: "ann" });
    const offer = { ...(await nextOffer()), roles };
    const claims = await Promise.all(["rob", "sue"].map((agent) => claim(runtime, offer, agent, print)));
    await review(runtime, claims.find((claimed) => claimed !== undefined)!, print);
    await runtime.tasks.result(taskId);

    await runtime.handoff.store({ to: { role: "editor" }, packet: { ...news, anchor: "news" } });
    const { packet, record } = await other.handoff.recover({ anchor: "news" });
    print(`eve reads what an editor is to take: ${packet.brief}; ${packet.nextAction} (${record?.status})`);

    const { events } = await runtime.events.read();
    for (const { type, by, body } of events) if (body?.reason) print(`(${type} by ${by}: ${String(body.reason)})`);
    const count = (type: string): number => events.filter((event) => event.type === type).length;
    const drafts = events.filter(({ type, facts }) => type === "step.succeeded" && facts.name === "draft").length;
    const [declined, withdrawn] = [count("handoff.declined"), count("handoff.withdrawn")];
    return { offered: count("handoff.offered"), claimed: count("handoff.claimed"), declined, withdrawn, drafts };
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** Ann's handler. It starts over after an offer that came to nothing; the draft is recorded and not written again. */
async function write(task: Assignment, ctx: RunContext, print: Print): Promise<void> {
  if (task.stage === 1) {
    const brief = await ctx.step("draft", () => "We retry 3 times.");
    print("ann offers her draft to any reviewer");
    return ctx.handoff({ to: { role: "reviewer" }, brief, nextAction: "check the number" });
  }
  const history = (await ctx.history()).map(({ stage, name, agent }) => `${name} by ${agent} in stage ${stage}`);
  print(`ann goes on from "${ctx.packet?.brief}", after ${history.join(" and ")}`);
  return ctx.complete({ summary: "We retry 3 times, 2 s apart." });
}

/** One of the claims is recorded. Who comes too late is told who has the task, and can ask until when at least. */
async function claim({ handoff }: Connection, offer: OperationInput<"handoff.claim">, agent: string, print: Print) {
  const claimed = await handoff.claim(offer, { agent }).catch(async (error: unknown) => {
    if (!isFailure(error, "CLAIM_LOST")) throw error;
    const { record, ownedUntil = 0 } = await handoff.recover({ packetId: offer.packetId });
    print(`${agent} comes too late: ${record?.claimedBy} has it, until ${new Date(ownedUntil).toISOString()} at least`);
  });
  return claimed && { ...claimed.assignment, agent };
}

/** The winner goes on from the packet and the recorded steps, and hands the task back to its sender. */
async function review({ tasks, handoff }: Connection, winner: Assignment & { agent: string }, print: Print) {
  const { taskId, epoch, agent, packet } = winner;
  const { steps } = await tasks.steps({ taskId, stage: 1 });
  print(`${agent} is to ${packet?.nextAction}; recorded so far: ${steps.map(({ name }) => name).join()}`);
  await tasks.step({ taskId, epoch, step: { name: "check", ordinal: 0, outcome: { kind: "succeeded" } } }, { agent });
  await handoff.offer({ taskId, epoch, to: { agent: "ann" }, packet: answer }, { agent });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
