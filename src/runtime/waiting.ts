// Waiting calls
//
// Calls that wait at the runtime: claims for which there is no task yet, and watchers of a task. Owns: who waits, in order, in memory only; a
// restart loses them and their callers ask again. Does not own: granting a claim, which is decided in the journal like any other.
//
// Invariants:
//   W1. Of the claims that fit, the one that waited longest is tried first; each claimable task wakes one claim at a time.
//   W2. Every waiting call ends: by what it waits for, or by its time.

import type { Committed } from "../../actors/index.ts";
import { claimablesOf, type TaskSnapshot } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { CancelTimer, Clock } from "../kernel/clock.ts";
import type { ScopeStore } from "../kernel/store.ts";

/** A claim that waits. */
interface WaitingClaim {
  wake(): void;
}

interface Watcher {
  isMet(after: TaskSnapshot): boolean;
  end(): void;
}

export interface Waiting {
  /**
   * Waits until something for one of `targets` can be claimed, or `waitMs` are over; says which. Ask again after each wake: another claim
   * may have been faster.
   * @throws AionisError `OVERLOADED` when too many calls wait.
   */
  claimable(targets: readonly string[], waitMs: number): Promise<"claimable" | "over">;
  /** Waits until the task has changed as `isMet` asks, or `waitMs` are over. @throws AionisError `OVERLOADED` */
  changed(taskId: TaskId, isMet: (after: TaskSnapshot) => boolean, waitMs: number): Promise<void>;
  /** Waits until the journal has grown, or `waitMs` are over; says which. @throws AionisError `OVERLOADED` */
  grown(waitMs: number): Promise<"grown" | "over">;
  /** Tells of a commit. */
  follow(committed: readonly Committed[]): void;
  /** Ends every wait. */
  close(): void;
}

export function createWaiting(options: {
  clock: Clock;
  /** The rows that say what can be claimed. */
  store: Pick<ScopeStore, "nextClaimable" | "nextClaimableAt">;
}): Waiting {
  const { clock, store } = options;
  const claims = new Map<string, Set<WaitingClaim>>(); // by target, each in the order of waiting
  let claiming = 0;
  const alarms = new Map<string, CancelTimer>(); // by target: when its next task becomes claimable
  const watchers = new Map<TaskId, Set<Watcher>>();
  let watching = 0;
  const readers = new Set<(outcome: "grown" | "over") => void>();
  let isClosed = false;

  function claimable(targets: readonly string[], waitMs: number): Promise<"claimable" | "over"> {
    refuseTooMany(claiming);
    if (isClosed || waitMs <= 0) return Promise.resolve("over");
    // what became claimable after the caller last looked would wake nobody
    if (store.nextClaimable(targets, clock.now()) !== undefined) return Promise.resolve("claimable");
    return new Promise((resolve) => {
      const end = (outcome: "claimable" | "over"): void => {
        for (const target of targets) leave(target, claim);
        claiming -= 1;
        cancel();
        resolve(outcome);
      };
      const claim: WaitingClaim = { wake: () => end("claimable") };
      const cancel = clock.setTimer(waitMs, () => end("over"));
      claiming += 1;
      for (const target of targets) {
        claims.set(target, (claims.get(target) ?? new Set()).add(claim));
        setAlarm(target);
      }
    });
  }

  function changed(taskId: TaskId, isMet: (after: TaskSnapshot) => boolean, waitMs: number): Promise<void> {
    refuseTooMany(watching);
    return new Promise((resolve) => {
      if (isClosed || waitMs <= 0) return resolve();
      const ofTask = watchers.get(taskId) ?? new Set();
      const end = (): void => {
        if (!ofTask.delete(watcher)) return;
        watching -= 1;
        if (ofTask.size === 0) watchers.delete(taskId);
        cancel();
        resolve();
      };
      const watcher: Watcher = { isMet, end };
      const cancel = clock.setTimer(waitMs, end);
      ofTask.add(watcher);
      watchers.set(taskId, ofTask);
      watching += 1;
    });
  }

  function grown(waitMs: number): Promise<"grown" | "over"> {
    refuseTooMany(readers.size);
    if (isClosed || waitMs <= 0) return Promise.resolve("over");
    return new Promise((resolve) => {
      const end = (outcome: "grown" | "over"): void => {
        readers.delete(end);
        cancel();
        resolve(outcome);
      };
      const cancel = clock.setTimer(waitMs, () => end("over"));
      readers.add(end);
    });
  }

  function leave(target: string, claim: WaitingClaim): void {
    const ofTarget = claims.get(target);
    ofTarget?.delete(claim);
    if (ofTarget?.size === 0) claims.delete(target);
  }

  function wakeOne(target: string): void {
    const [longest] = claims.get(target) ?? [];
    longest?.wake(); // W1
  }

  /** One timer a target, for the first of its tasks that cannot be claimed yet. */
  function setAlarm(target: string): void {
    alarms.get(target)?.();
    alarms.delete(target);
    const from = store.nextClaimableAt(target, clock.now());
    if (from === undefined) return;
    const cancel = clock.setTimer(from - clock.now(), () => {
      alarms.delete(target);
      wakeOne(target);
      if (hasClaimFor(target)) setAlarm(target);
    });
    alarms.set(target, cancel);
  }

  function hasClaimFor(target: string): boolean {
    return (claims.get(target)?.size ?? 0) > 0;
  }

  return {
    claimable,
    changed,
    grown,
    follow(committed) {
      if (committed.length > 0) for (const end of readers) end("grown");
      for (const { recorded, after } of committed) {
        const { taskId, type } = recorded.header;
        for (const watcher of watchers.get(taskId) ?? []) if (watcher.isMet(after)) watcher.end();
        if (claiming === 0 || type.startsWith("step.")) continue;
        for (const { target, from } of claimablesOf(after)) {
          if (from <= clock.now()) wakeOne(target);
          else if (hasClaimFor(target)) setAlarm(target);
        }
      }
    },
    close() {
      isClosed = true;
      for (const cancel of alarms.values()) cancel();
      for (const ofTarget of claims.values()) for (const claim of ofTarget) claim.wake();
      for (const end of readers) end("over");
      for (const ofTask of watchers.values()) for (const watcher of ofTask) watcher.end();
    },
  };
}

function refuseTooMany(waiting: number): void {
  if (waiting < limits.callsWaiting) return;
  throw new AionisError(
    "OVERLOADED",
    `${waiting} calls wait at the runtime, which is its limit; try again in a moment.`,
  );
}
