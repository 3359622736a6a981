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

import type { TaskId } from "../src/contracts/ids.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";

interface Lease {
  scope: string;
  taskId: TaskId;
  epoch: number;
  agent: string;
  endsAt: number;
}

export interface Leases {
  /** Starts or prolongs the lease of a claim. */
  grant(claim: { scope: string; taskId: TaskId; epoch: number; agent: string }): void;
  /** Prolongs it if that claim holds it; says whether it does. */
  renew(claim: { scope: string; taskId: TaskId; epoch: number; agent: string }): boolean;
  drop(scope: string, taskId: TaskId): void;
  /** The wall time at which the lease ends without a heartbeat. */
  until(scope: string, taskId: TaskId): number | undefined;
  readonly leaseMs: number;
  size(): number;
  close(): void;
}

export function createLeases(options: {
  clock: Clock;
  leaseMs: number;
  onExpired(lease: { scope: string; taskId: TaskId; epoch: number }): void;
}): Leases {
  const { clock, leaseMs, onExpired } = options;
  // All leases are equally long, so the order of insertion is the order of expiry: the first entry is the next to end.
  const leases = new Map<string, Lease>();
  let cancel: CancelTimer | undefined;

  function put(lease: Lease): void {
    const key = toKey(lease.scope, lease.taskId);
    leases.delete(key);
    leases.set(key, lease);
    cancel ??= clock.setTimer(leaseMs, sweep);
  }

  function sweep(): void {
    cancel = undefined;
    const now = clock.mono();
    for (const [key, lease] of leases) {
      if (lease.endsAt > now) {
        cancel = clock.setTimer(lease.endsAt - now, sweep);
        return;
      }
      leases.delete(key);
      onExpired(lease);
    }
  }

  return {
    leaseMs,
    grant: (claim) => put({ ...claim, endsAt: clock.mono() + leaseMs }),
    renew(claim) {
      const lease = leases.get(toKey(claim.scope, claim.taskId));
      if (lease === undefined || lease.epoch !== claim.epoch || lease.agent !== claim.agent) return false;
      put({ ...claim, endsAt: clock.mono() + leaseMs });
      return true;
    },
    drop: (scope, taskId) => void leases.delete(toKey(scope, taskId)),
    until(scope, taskId) {
      const lease = leases.get(toKey(scope, taskId));
      return lease === undefined ? undefined : Math.round(clock.now() + lease.endsAt - clock.mono());
    },
    size: () => leases.size,
    close() {
      cancel?.();
      leases.clear();
    },
  };
}

function toKey(scope: string, taskId: TaskId): string {
  return `${taskId}${scope}`; // a task id has a fixed length
}
