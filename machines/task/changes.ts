// Changes
//
// What an event of a task changes in its context, by what it means: claimable again, a pause opened or ended, the end, a loss. Owns: these
// parts. Does not own: in which state an event is taken, and what it changes beside them (`machine.ts`). Invariants M… are those of the machine.

import type { EventHeader } from "../../src/contracts/events.ts";
import type { PauseId } from "../../src/contracts/ids.ts";
import type { PauseEnded, TaskContext } from "./context.ts";
import { toDue } from "./waits.ts";

type Event = EventHeader;
export type Change = Partial<TaskContext>;

type Claimable = {
  claimableAt: number;
  preferred?: TaskContext["preferred"] | undefined;
  leadMs?: number | undefined;
};

/** From when on the task can be claimed, and by its preferred agent alone until when. */
const toClaimable = ({ claimableAt, preferred, leadMs = 0 }: Claimable): Change => ({
  claimableAt: toDue(claimableAt, { isLength: true, leadMs }),
  preferred: preferred == null ? null : { ...preferred, until: preferred.until + leadMs },
});

/** What was said to be complete and did not stand counts no more. */
export const noCompletion: Change = { verifying: [], completedSeq: null };

/** Without an owner, waiting for a claim. */
export const toStart = (context: TaskContext, facts: Claimable): Change => ({
  ...toClaimable(facts),
  owner: null,
  lastAgent: context.owner?.agent ?? context.lastAgent,
  handoff: null,
  ...noCompletion,
});

/** The end of a run that waits for its pauses, at once claimable when one of them has ended. */
export const toRest = (
  context: TaskContext,
  { claimableAt, preferred, leadMs }: { [Key in keyof Claimable]?: Claimable[Key] | undefined },
): Change => ({
  ...(claimableAt === undefined ? {} : toClaimable({ claimableAt, preferred, leadMs })),
  owner: null,
  lastAgent: context.owner?.agent ?? context.lastAgent,
});

export function toExpiresAt({
  expiresAt,
  expiresInMs,
  leadMs,
}: EventHeader<"task.paused" | "handoff.offered">["facts"]) {
  return expiresAt === undefined ? null : toDue(expiresAt, { isLength: expiresInMs !== undefined, leadMs });
}

/** M5 */
export function openPause(context: TaskContext, event: EventHeader<"task.paused">): Change {
  const { pauseId, key, asks, approver = null, withdrawn, concerns } = event.facts;
  const before = closePauses(context, event, { end: "withdrawn", ids: withdrawn });
  const about = concerns === undefined ? {} : { concerns, ...(concerns.waitsForCode ? { tries: 0 } : {}) };
  const pause = { pauseId, key, seq: event.seq, asks, approver, expiresAt: toExpiresAt(event.facts), ...about };
  return { ...before, pauses: [...before.pauses, pause], records: context.records + 1 };
}

/** A run has ended that found no code which settles what is asked. */
export function countTries<Closed extends Pick<TaskContext, "pauses">>(closed: Closed): Closed {
  const pauses = closed.pauses.map((pause) =>
    pause.tries === undefined ? pause : { ...pause, tries: pause.tries + 1 },
  );
  return { ...closed, pauses };
}

type End = PauseEnded["end"];

/** M5. The pauses in `ids` are over; all that are open when it is absent. */
export function closePauses(
  context: TaskContext,
  event: Event,
  { end, ids }: { end: End; ids?: readonly PauseId[] },
): Pick<TaskContext, "pauses" | "pauseEnds" | "pauseEndedSeq" | "questionEndedSeq"> {
  const closed = context.pauses.filter(({ pauseId }) => ids === undefined || ids.includes(pauseId));
  const { pauses, pauseEnds, pauseEndedSeq, questionEndedSeq } = context;
  if (closed.length === 0) return { pauses, pauseEnds, pauseEndedSeq, questionEndedSeq };
  const { seq } = event;
  return {
    pauses: pauses.filter((pause) => !closed.includes(pause)),
    pauseEnds: [...pauseEnds, ...closed.map((pause) => toPauseEnded(pause, event, end))],
    pauseEndedSeq: seq,
    questionEndedSeq: closed.some(({ asks }) => asks) ? seq : questionEndedSeq,
  };
}

function toPauseEnded({ pauseId, key, concerns }: TaskContext["pauses"][number], event: Event, end: End): PauseEnded {
  const ended = { pauseId, key, seq: event.seq, end };
  if (concerns === undefined || event.type !== "task.answered") return ended;
  const { choice } = event.facts;
  return { ...ended, concerns, ...(choice === undefined ? {} : { choice }) };
}

/** The end of one pause. Of a task that waits for nothing else it makes a claimable one; elsewhere it changes only what is open. */
export function endPause(end: End) {
  return (context: TaskContext, event: EventHeader<"task.answered" | "task.resumed" | "pause.expired">): Change => {
    const { pauseId, claimableAt, preferred, leadMs } = event.facts;
    const open = closePauses(context, event, { end, ids: [pauseId] });
    if (claimableAt === undefined) return open;
    return { entry: context.revision + 1, ...toStart(context, { claimableAt, preferred, leadMs }), ...open };
  };
}

export const toEnd = (context: TaskContext, event: Event, verified: boolean): Change => ({
  ...closePauses(context, event, { end: "withdrawn" }),
  owner: null,
  lastAgent: context.owner?.agent ?? context.lastAgent,
  handoff: null,
  preferred: null,
  ...noCompletion,
  outcome: {
    seq: event.seq,
    at: event.at,
    by: event.by,
    verified,
    code: "code" in event.facts ? (event.facts.code ?? null) : null,
  },
});

export const toLoss = (context: TaskContext, event: EventHeader<"lease.expired">): Change => ({
  attempt: event.facts.attempt,
  losses: context.losses + 1,
  unseen: event.facts.unseen ? context.unseen + 1 : 0,
  releases: 0,
});

export const toLapsed = ({ owner, attempt, verifying, completedSeq }: TaskContext): TaskContext["lapsed"] =>
  owner === null
    ? null
    : { owner, attempt, verifying, completedSeq, state: verifying.length > 0 ? "verifying" : "running" };
