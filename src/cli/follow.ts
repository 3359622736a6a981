// Follow
//
// Verbs that go on: `events tail` and `task watch`. They read, print and wait for more, and hold no store while they wait (R1).

import type { OperationName, OperationOutput } from "../contracts/operations/index.ts";
import type { Reach } from "./reach.ts";
import { exitCodes } from "./report.ts";

export interface Follower {
  reach: Pick<Reach, "call" | "open" | "letGo" | "nextChange" | "isOwn">;
  /** Prints one answer: a line, or a JSON document in a line. `name` is the operation's, or `events.tail` for one event. */
  print(name: string, output: unknown): Promise<void>;
  /** Whether Ctrl-C was pressed or nobody reads any more. */
  isStopped(): boolean;
  /** Resolves then. */
  stopped: Promise<void>;
}

/** How long one call waits: at Ctrl-C the call in flight is still waited for. */
export const sliceMs = 1_000;

type Input = Readonly<Record<string, unknown>>;

/** Prints every event from `input.from` on, or from now on, until it is stopped. Returns the exit code. */
export async function tailEvents(follower: Follower, input: Input): Promise<number> {
  let from = typeof input.from === "number" ? input.from : await findEnd(follower);
  while (!follower.isStopped()) {
    const page = await ask(follower, "events.read", { ...input, from });
    if (page === undefined) break;
    for (const event of page.events) await follower.print("events.tail", event);
    from = page.next;
    if (page.next > page.head) await letOthersWork(follower);
  }
  return 0;
}

/** Prints a task at each change until it has ended, with 1 when it did not succeed. */
export async function watchTask(follower: Follower, input: Input): Promise<number> {
  let afterRevision = Number(input.afterRevision ?? 0);
  while (!follower.isStopped()) {
    const watched = await ask(follower, "tasks.watch", { ...input, afterRevision });
    if (watched === undefined) break;
    const { task, hasEnded } = watched;
    const isNews = task.revision > afterRevision && (hasEnded || input.untilEnded !== true);
    if (isNews) await follower.print("tasks.watch", watched);
    afterRevision = Math.max(afterRevision, task.revision);
    if (hasEnded) return task.state === "failed" || task.state === "cancelled" ? exitCodes.failure : 0;
    await letOthersWork(follower);
  }
  return exitCodes.interrupted;
}

/** Where the journal ends now, plus one. */
async function findEnd(follower: Follower): Promise<number> {
  const status = await ask(follower, "runtime.status", {});
  return (status?.head ?? 0) + 1;
}

/** The answer; nothing when it was stopped before. A runtime of somebody else's waits for news, an own store has none. */
async function ask<Name extends OperationName>(
  { reach, stopped }: Follower,
  name: Name,
  input: Input,
): Promise<OperationOutput<Name> | undefined> {
  await reach.open();
  const waitMs = name === "runtime.status" || reach.isOwn ? 0 : sliceMs;
  const call = reach.call(name, name === "runtime.status" ? input : { ...input, waitMs }, { waitMs });
  call.catch(() => {}); // when it was stopped, nobody waits for it any more
  return (await Promise.race([call, stopped])) as OperationOutput<Name> | undefined; // the client parsed nothing; the runtime made it
}

/** R1: only an own store is let go; then there may be news when somebody else has had it. */
async function letOthersWork({ reach, isStopped, stopped }: Follower): Promise<void> {
  if (!reach.isOwn) return;
  await reach.letGo();
  await Promise.race([reach.nextChange(isStopped), stopped]);
}
