// Bisect
//
// One search from its start to its end: the runtime with the searcher and the reporter in this process, the testers each in their own. Owns:
// all of these, until it returns. Testers may die; the search goes on while one is left.

import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Connection, createRuntime, type JournalEvent, type Packet, type Return } from "aionis";
import { z } from "zod";
import { type Program, startProgram } from "../processes/program.ts";
import { createReporter, createSearcher } from "./agents.ts";
import type { Repository } from "./git.ts";

export interface Bisect {
  repository: Repository;
  /** Ids of commits. */
  good: string;
  bad: string;
  command: readonly string[];
  /** For the store and the clones; it is the caller's. */
  folder: string;
  scope: string;
  testers: number;
  /** The NATS server that the testers are reached over; the socket beside the store if absent. */
  servers: string | undefined;
  print: (line: string) => void;
  signal: AbortSignal;
}

export interface Report {
  found: "one" | "several" | "none";
  /** The first bad commit; those of which it is one, if `found` is `several`. */
  commits: string[];
  summary: string;
  /** How many commits were tested, and how many of these could not be. */
  tested: number;
  skipped: number;
  /** How often a tester was lost in the middle of a test, and the test was another's. */
  lost: number;
}

const Outcome = z.object({
  summary: z.string(),
  data: z.object({ found: z.enum(["one", "several", "none"]), commits: z.array(z.string()) }),
});

const leaseMs = 3_000; // after which a dead tester's commit is another's

/** Finds the first bad commit. @throws when the command ends the search, no tester is left, or `signal` is aborted. */
export async function bisect(options: Bisect): Promise<Report> {
  const { folder, scope, servers, signal } = options;
  await using started = new AsyncDisposableStack();
  const nats = servers === undefined ? {} : { nats: { servers } };
  const path = join(folder, "store");
  const runtime = started.use(await createRuntime({ path, scope, leaseMs, durability: "process", ...nats }));
  const workers = [
    runtime.worker({ agent: "searcher", roles: ["search"] }, createSearcher(options.repository, options.testers)),
    runtime.worker({ agent: "reporter", roles: ["report"] }, createReporter(options.repository)),
  ];
  let why: unknown;
  const end = (reason: unknown): void => {
    why ??= reason;
    for (const worker of workers) void worker.stop(); // closing would let them finish
    void runtime.close(); // which ends the loop below
  };
  signal.addEventListener("abort", () => end(signal.reason));
  const testers = Array.from({ length: options.testers }, (_, index) => startTester(index + 1, path, options));
  for (const tester of testers) started.use(tester);
  void Promise.all(testers.map(({ ended }) => ended)).then(() => end(new Error("No tester is left.")));

  try {
    signal.throwIfAborted();
    return await search(runtime, options);
  } catch (error) {
    throw why ?? error;
  }
}

function startTester(number: number, path: string, options: Bisect): Program {
  const { scope, servers = path, repository, folder, command } = options;
  const agent = `tester-${number}`;
  const clone = join(folder, agent);
  const url = new URL("tester.ts", import.meta.url);
  const tester = startProgram(url, [agent, scope, servers, repository.folder, clone, ...command]);
  options.print(`${agent} is process ${tester.pid}`);
  return tester;
}

/** Starts the task and follows its journal to the end. */
async function search(runtime: Connection, { good, bad, print }: Bisect): Promise<Report> {
  const { taskId } = await runtime.tasks.start({
    kind: "bisect",
    brief: `Find the first bad commit after ${good.slice(0, 10)} up to ${bad.slice(0, 10)}`,
    data: { good, bad },
    to: { role: "search" },
    budget: { count: 100_000, depth: 1 },
  });
  const events: JournalEvent[] = [];
  const titles = new Map<string, string>();
  for await (const event of runtime.events.subscribe({ from: 1 })) {
    events.push(event);
    const line = describe(event, titles);
    if (line !== undefined) print(line);
    if (event.taskId === taskId && ["task.completed", "task.failed"].includes(event.type)) break;
  }
  const { task, outcome } = await runtime.tasks.result(taskId);
  if (task.state !== "succeeded") throw new Error(toWhy(outcome));
  const { summary, data } = Outcome.parse(outcome);
  const verdicts = events.filter(({ type }) => type === "delegation.returned").map(({ body }) => toReturn(body).data);
  const skipped = verdicts.filter((verdict) => isDeepStrictEqual(verdict, { verdict: "skip" })).length;
  const lost = events.filter(({ type }) => type === "lease.expired").length;
  return { ...data, summary, tested: verdicts.length, skipped, lost };
}

/** Why the search failed; a recorded error has its stack below. */
function toWhy(outcome: unknown): string {
  const { error = "The search failed." } = outcome as { error?: string }; // a failed task's
  return error
    .split("\n    at ", 1)
    .join("")
    .replace(/^Error: /, "");
}

/** An event in words; undefined for those that another line tells of. */
function describe(
  { type, taskId, by, facts, body = {} }: JournalEvent,
  titles: Map<string, string>,
): string | undefined {
  if (type === "delegation.sent") titles.set(String(facts.childId), (body.packet as Packet).brief); // what that event holds
  switch (type) {
    case "task.created":
      return facts.parentId === undefined ? String(body.brief) : undefined;
    case "task.claimed":
      return titles.has(taskId) ? `${by} tests ${titles.get(taskId)}` : undefined;
    case "lease.expired":
      return `nothing is heard of the tester of ${titles.get(taskId)}: it is another's`;
    case "delegation.returned":
      return toReturn(body).summary;
    case "handoff.offered":
      return `${by} hands over to the reporter`;
    default:
      return undefined;
  }
}

function toReturn(body: JournalEvent["body"]): Return {
  return body?.return as Return; // what the event of a return holds
}
