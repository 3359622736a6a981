// Follow
//
// Verbs that go on: `events tail` and `task watch`. They read, print and wait for more, and hold no store while they wait (R1).

import type { OperationOutput } from "../contracts/operations/index.ts";
import type { Reach } from "./reach.ts";
import { exitCodes } from "./report.ts";

export interface Follower {
  reach: Pick<Reach, "call" | "open" | "letGo" | "nextChange" | "isOwn">;
  /** Prints one answer: a line, or a JSON document in a line. */
  print(name: string, output: unknown): Promise<void>;
  /** Whether Ctrl-C was pressed or nobody reads any more. */
  isStopped(): boolean;
  /** Resolves then. */
  stopped: Promise<void>;
}

const watchMs = 20_000;

/** Prints every event from `input.from` on, or from now on, until it is stopped. Returns the exit code. */
export async function tailEvents(follower: Follower, input: Readonly<Record<string, unknown>>): Promise<number> {
  const { reach, print } = follower;
  let from = input.from;
  while (!follower.isStopped()) {
    const asked = { ...input, ...(from === undefined ? { pageSize: 1 } : { from }) };
    const page = (await reach.call("events.read", asked)) as OperationOutput<"events.read">;
    const isFirstLook = from === undefined; // for where the journal ends now
    if (!isFirstLook) for (const event of page.events) await print("events.read", { events: [event] });
    from = isFirstLook ? page.head + 1 : page.next;
    if (Number(from) <= page.head) continue;
    await reach.letGo();
    await Promise.race([reach.nextChange(follower.isStopped), follower.stopped]);
  }
  return 0;
}

/** Prints a task at each change until it has ended, with 1 when it did not succeed. */
export async function watchTask(follower: Follower, input: Readonly<Record<string, unknown>>): Promise<number> {
  const { reach, print } = follower;
  let afterRevision = Number(input.afterRevision ?? 0);
  while (!follower.isStopped()) {
    await reach.open();
    const waitMs = reach.isOwn ? 0 : Number(input.waitMs ?? watchMs); // R1
    const call = reach.call("tasks.watch", { ...input, afterRevision, waitMs }, { waitMs });
    const watched = await Promise.race([call, follower.stopped]);
    if (watched === undefined) {
      call.catch(() => {}); // nobody waits for it any more
      break;
    }
    const { task, hasEnded } = watched as OperationOutput<"tasks.watch">;
    const isNews = task.revision > afterRevision && (hasEnded || input.untilEnded !== true);
    if (isNews) await print("tasks.watch", watched);
    afterRevision = Math.max(afterRevision, task.revision);
    if (hasEnded) return task.state === "failed" || task.state === "cancelled" ? exitCodes.failure : 0;
    if (!reach.isOwn) continue;
    await reach.letGo();
    await Promise.race([reach.nextChange(follower.isStopped), follower.stopped]);
  }
  return exitCodes.interrupted;
}
