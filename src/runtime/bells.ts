// Bells
//
// Tells who does not keep a claim waiting (a script, a scaler, a program without our SDK) that there is something to claim for a role, an
// agent or anybody. A bell says only that: it may be lost or come twice, and the claim decides. Owns: when and where bells ring. Does not
// own: what can be claimed, which rows say, and claims that wait, which are granted in the commit that makes a task claimable.
//
// Invariants:
//   D1. Where a commit makes a task claimable and grants it to nobody, its bell rings right after it.
//   D2. Each target for which something can be claimed rings again at least every `ringAgainMs`, from the start of the runtime on. So does
//       what becomes claimable by the passing of time.
//   D3. What a bell names could be claimed when it rang, as the rows had it then.
//   D4. Nothing is remembered but one timer and a place in the walk over the targets, which takes a look for each and lets calls in between.
//       Steps cost nothing, and nobody waits for a bell.

import type { Committed } from "../../actors/index.ts";
import { claimablesOf, fromTargetKey, isNewcomerKey, stateAfter } from "../../machines/index.ts";
import { createSubjects, encode, formatHeaders, type Transport } from "../../transport/index.ts";
import { isDue, toWallTime } from "../contracts/due.ts";
import type { TaskId } from "../contracts/ids.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { ClaimableRow, ScopeStore } from "../kernel/store.ts";
import type { Follower } from "./start.ts";

export interface BellsOptions {
  transport: Pick<Transport, "publish">;
  store: Pick<ScopeStore, "name" | "nextTarget" | "nextClaimable" | "task" | "packetsOf">;
  clock: Clock;
  time: SteadyClock;
  logger: Logger;
}

const ringAgainMs = 15_000; // whoever missed a bell is idle no longer than this, for four small messages a minute and target
const targetsPerSlice = 64;

/** Rings for what can be claimed now, and from then on. The transport may be drained before it is closed. */
export function createBells({ transport, store, clock, time, logger }: BellsOptions): Follower {
  const subjects = createSubjects(fromScopeName(store.name));
  let isClosed = false;
  let cancel: CancelTimer | undefined;

  /** D2 */
  function startRound(): void {
    goOn("", clock.mono());
  }

  /** A slice of the round: some of the targets behind `last`. */
  function goOn(last: string, startedAt: number): void {
    if (isClosed) return;
    const next = tryTo(() => ringBehind(last));
    if (next !== undefined) return clock.defer(() => goOn(next, startedAt));
    cancel = clock.setTimer(Math.max(startedAt + ringAgainMs - clock.mono(), 0), startRound);
  }

  /** The last target of a full slice; nothing behind the last one of all. */
  function ringBehind(last: string): string | undefined {
    let target: string | undefined = last;
    for (let count = 0; count < targetsPerSlice && target !== undefined; count += 1) {
      target = store.nextTarget(target);
      if (target !== undefined && isNewcomerKey(target)) continue; // a newcomer looks there without a bell
      const first = target === undefined ? undefined : store.nextClaimable([target], time.now());
      if (first !== undefined) tryTo(() => ring(first));
    }
    return target;
  }

  /** D1 */
  function follow(committed: readonly Committed[]): void {
    const made = committed.filter(({ recorded }) => makesClaimable(recorded.header));
    if (made.length === 0) return;
    const latest = new Map(committed.map(({ recorded, after }) => [recorded.header.taskId, after]));
    for (const taskId of new Set(made.map(({ recorded }) => recorded.header.taskId))) {
      const after = latest.get(taskId);
      const places =
        after === undefined
          ? []
          : claimablesOf(after).filter(({ from: at, clock: on }) => isDue({ at, clock: on }, time.now()));
      const row = places.length === 0 ? undefined : store.task(taskId); // what was granted costs no reading
      if (row !== undefined) for (const place of places) tryTo(() => ring({ taskId, task: row.task, ...place }));
    }
  }

  function ring({
    taskId,
    task,
    target,
    from: at,
    clock: on,
  }: Omit<ClaimableRow, "priority"> & { taskId: TaskId }): void {
    const to = fromTargetKey(target);
    const offered = store.packetsOf(task).find(({ status }) => status === "offered");
    const claimableAt = Math.max(toWallTime({ at, clock: on }, time.now()), offered?.offeredAt ?? 0); // the place of a handoff has no time
    const bell = { to, taskId, packetId: offered?.packetId, claimableAt };
    transport.publish(subjects.bell(to), encode(bell, "json"), formatHeaders.json);
  }

  /** D4: what cannot be read, and a transport that drains, disturb nobody; the next round tries again. */
  function tryTo<Result>(run: () => Result): Result | undefined {
    try {
      return run();
    } catch (error) {
      logger.log("debug", "a bell did not ring", { scope: store.name, error: String(error) });
      return undefined;
    }
  }

  startRound();
  return {
    wake: (committed) => tryTo(() => follow(committed)),
    close() {
      isClosed = true;
      cancel?.();
      return Promise.resolve();
    },
  };
}

/** Whether the task came to where it can be claimed by this very event. */
function makesClaimable(header: Committed["recorded"]["header"]): boolean {
  const state = stateAfter(header);
  return state === "handoff" || (state === "start" && "claimableAt" in header.facts); // an answer before a claim changes nothing
}
