// Waits
//
// Whether what waited for a length of time waited for that length, by the virtual time at which each event was recorded. Wall times say
// nothing of it: the wall clock is set during a run. Reads what events mean, and knows nothing of the machines or of the steady clock.

import type { EventHeader } from "../../src/contracts/events.ts";

/** What happened to the machine of the runtime, in virtual milliseconds. */
export interface MachineLife {
  /** When each event was recorded, by its id. */
  recordedAt: ReadonlyMap<string, number>;
  /** When a process of the runtime began. */
  starts: readonly number[];
  /** When the wall clock was set, and by how much. */
  jumps: readonly { at: number; byMs: number }[];
}

/** A length that began and has not ended. */
interface Open {
  begunAt: number;
  lengthMs: number;
  what: string;
}

const earlyMs = 150; // the clocks part by no more than 100 ms
const lateMs = 8_000; // commits that fail are tried again, and a disk may be full for a while

/** Lengths that were cut short, and expiries that came too late. */
export function checkWaits(events: readonly EventHeader[], life: MachineLife): string[] {
  const open = new Map<string, Open>();
  return events.flatMap((event) => {
    const at = life.recordedAt.get(event.id);
    if (at === undefined) return [];
    const ends = endsOf(event).flatMap(({ key, mustCome }) => {
      const wait = open.get(key);
      open.delete(key);
      return wait === undefined ? [] : judge({ wait, at, mustCome, event }, life);
    });
    for (const [key, lengthMs] of begins(event)) {
      if (lengthMs === undefined) open.delete(key);
      else open.set(key, { begunAt: at, lengthMs, what: `${event.type} at event ${event.seq}` });
    }
    return ends;
  });
}

/** The lengths that an event begins, by what ends them; without a length what waited there waits no more. */
function begins({ type, taskId, at, facts }: EventHeader): [string, number | undefined][] {
  switch (type) {
    case "task.paused":
      return [[facts.pauseId, facts.expiresInMs]];
    case "handoff.offered":
      return [[facts.packetId, facts.expiresInMs]];
    case "task.created":
      return facts.timeoutMs === undefined ? [] : [[`deadline of ${taskId}`, facts.timeoutMs]];
    case "task.failed":
    case "task.released":
    case "lease.expired":
      return [[`backoff of ${taskId}`, facts.claimableAt - at]];
    case "claim.revived": // the owner of before goes on, whatever a claim would have waited for
      return [[`backoff of ${taskId}`, undefined]];
    default:
      return [];
  }
}

/** The lengths that an event is the end of. Those that a worker ends have no latest moment. */
function endsOf({ type, taskId, facts }: EventHeader): { key: string; mustCome: boolean }[] {
  switch (type) {
    case "pause.expired":
      return [{ key: facts.pauseId, mustCome: true }];
    case "handoff.expired":
      return [{ key: facts.packetId, mustCome: true }];
    case "deadline.passed":
      return [{ key: `deadline of ${taskId}`, mustCome: true }];
    case "task.claimed":
      return [{ key: `backoff of ${taskId}`, mustCome: false }];
    default:
      return [];
  }
}

function judge(
  { wait, at, mustCome, event }: { wait: Open; at: number; mustCome: boolean; event: EventHeader },
  { starts, jumps }: MachineLife,
): string[] {
  const { begunAt, lengthMs, what } = wait;
  const within = (moment: number): boolean => moment > begunAt && moment <= at;
  const restarts = starts.filter(within);
  // While no runtime runs only the wall clock tells how much time passes.
  const isTold = restarts.length === 0 || !jumps.some((jump) => jump.byMs > 0 && within(jump.at));
  const passedMs = at - begunAt;
  const name = `${event.type} (event ${event.seq}) of ${event.taskId}`;
  if (isTold && passedMs < lengthMs - earlyMs)
    return [`I9: ${name} came ${passedMs} ms after ${what}, which waits for ${lengthMs} ms`];
  const latest = Math.max(begunAt, ...restarts) + lengthMs + lateMs; // after a restart it may wait for its whole length again
  return mustCome && at > latest ? [`I9: ${name} came ${at - latest + lateMs} ms later than ${what} allows`] : [];
}
