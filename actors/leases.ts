// Leases
//
// Grants one worker the right to run a task for a limited time, and notices when no heartbeat renews it. Owns: the leases of claimed tasks,
// in memory only. Does not own: what happens to the task then; an expired lease becomes a command, and the task decides.
//
// Invariants:
//   L1. At most one lease exists per task, and it is that of the task's present epoch.
//   L2. A lease is advice. Whether a late worker may record is decided by its epoch at the commit (I4), never here.
//   L3. Lengths of time are monotonic; a jump of the wall clock neither ends nor prolongs a lease.
//   L4. After a restart each claimed task has one whole lease.
//   L5. An expired lease is announced again after another lease's time until it is dropped: the command that it became may be lost to
//       a full disk or a turn that was rolled back, and the task would stay claimed for ever (I10).
//   L6. A sweep that comes late itself, because this process was held up, ends nothing: heartbeats may wait behind it.

import type { TaskId } from "../src/contracts/ids.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";

/** Who holds which task under which epoch. */
interface Claim {
  scope: string;
  taskId: TaskId;
  epoch: number;
  agent: string;
}

interface Lease extends Claim {
  endsAt: number;
}

export interface Leases {
  /** Starts or prolongs the lease of a claim. A short one is for a claimant that may be gone: any sign of life makes it whole. */
  grant(claim: Claim, length?: "whole" | "short"): void;
  /** Prolongs it if that claim holds it; says whether it does. */
  renew(claim: Claim): boolean;
  drop(scope: string, taskId: TaskId): void;
  /** The wall time at which the lease ends without a heartbeat. */
  until(scope: string, taskId: TaskId): number | undefined;
  readonly leaseMs: number;
  size(): number;
  close(): void;
}

const shortMs = 2_000;

export function createLeases(options: {
  clock: Clock;
  leaseMs: number;
  /** `isShort` says that the claimant never showed that it lives. */
  onExpired(lease: { scope: string; taskId: TaskId; epoch: number; isShort: boolean }): void;
}): Leases {
  const { clock, leaseMs, onExpired } = options;
  // The leases of one length end in the order in which they were granted: the first entry of a queue is its next to end.
  const queues = { whole: new Map<string, Lease>(), short: new Map<string, Lease>() };
  const lengths = { whole: leaseMs, short: Math.min(shortMs, leaseMs) };
  let cancel: CancelTimer | undefined;
  let sweepAt = Number.POSITIVE_INFINITY;

  function put(claim: Claim, length: keyof typeof queues): void {
    const key = toKey(claim.scope, claim.taskId);
    drop(key);
    const endsAt = clock.mono() + lengths[length];
    queues[length].set(key, { ...claim, endsAt });
    setSweep(endsAt);
  }

  function drop(key: string): void {
    queues.whole.delete(key);
    queues.short.delete(key);
  }

  function find(key: string): Lease | undefined {
    return queues.whole.get(key) ?? queues.short.get(key);
  }

  function setSweep(at: number): void {
    if (at >= sweepAt) return;
    cancel?.();
    sweepAt = at;
    cancel = clock.setTimer(at - clock.mono(), sweep);
  }

  function sweep(): void {
    const lateMs = clock.mono() - sweepAt;
    sweepAt = Number.POSITIVE_INFINITY;
    if (lateMs > leaseMs / 4) prolongAll(); // L6
    sweepQueue("whole");
    sweepQueue("short");
  }

  /** L6. Half a lease from now at least, which keeps the order of the queues. */
  function prolongAll(): void {
    const atLeast = clock.mono() + leaseMs / 2;
    for (const queue of Object.values(queues)) {
      for (const lease of queue.values()) lease.endsAt = Math.max(lease.endsAt, atLeast);
    }
  }

  function sweepQueue(length: keyof typeof queues): void {
    const queue = queues[length];
    const now = clock.mono();
    const ended: Lease[] = [];
    for (const lease of queue.values()) {
      if (lease.endsAt > now) {
        setSweep(lease.endsAt);
        break;
      }
      ended.push(lease);
    }
    for (const lease of ended) {
      put(lease, "whole"); // L5
      onExpired({ ...lease, isShort: length === "short" });
    }
  }

  return {
    leaseMs,
    grant: (claim, length = "whole") => put(claim, length),
    renew(claim) {
      const lease = find(toKey(claim.scope, claim.taskId));
      if (lease === undefined || lease.epoch !== claim.epoch || lease.agent !== claim.agent) return false;
      put(claim, "whole");
      return true;
    },
    drop: (scope, taskId) => drop(toKey(scope, taskId)),
    until(scope, taskId) {
      const lease = find(toKey(scope, taskId));
      return lease === undefined ? undefined : Math.round(clock.now() + lease.endsAt - clock.mono());
    },
    size: () => queues.whole.size + queues.short.size,
    close() {
      cancel?.();
      for (const queue of Object.values(queues)) queue.clear();
    },
  };
}

function toKey(scope: string, taskId: TaskId): string {
  return `${taskId}${scope}`; // a task id has a fixed length
}
