// Tally
//
// Counts what became of packets that have a role, a family or an agent in common, packet by packet.

import { AionisError } from "../contracts/failures.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import { Target } from "../contracts/values.ts";
import type { PacketFate } from "../kernel/store.ts";

type By = OperationParsed<"delegation.aggregate">["by"];
type Group = OperationOutput<"delegation.aggregate">["groups"][number];

/** Sums, of which the means are taken at the end. */
interface Sums {
  packets: number;
  outcomes: Record<"completed" | "blocked" | "failed" | "partial", number>;
  refused: number;
  missing: number;
  claimed: { count: number; ms: number };
  returned: { count: number; ms: number };
}

export interface Tally {
  add(fate: PacketFate): void;
  /** The `count` largest groups, the largest first. */
  largest(count: number): Group[];
}

export function createTally(by: By): Tally {
  const sums = new Map<string | null, Sums>();
  return {
    add(fate) {
      const key = keyOf(by, fate);
      const known = sums.get(key) ?? nothing();
      sums.set(key, known);
      count(known, fate);
    },
    largest: (max) =>
      [...sums]
        .sort(([left, one], [right, other]) => other.packets - one.packets || compare(left, right))
        .slice(0, max)
        .map(([key, group]) => toGroup(key, group)),
  };
}

function keyOf(by: By, { target, family, claimedBy }: PacketFate): string | null {
  if (by === "family") return family;
  if (by === "agent") return claimedBy;
  const to = Target.safeParse(readJson(target));
  if (!to.success) throw damaged();
  return typeof to.data === "object" && "role" in to.data ? to.data.role : null;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no target, as the schema says
  }
}

function damaged(): AionisError {
  const what =
    "The row of a packet is not one that was written. Verify the store; a rebuild makes it again from the journal.";
  return new AionisError("JOURNAL_DAMAGED", what);
}

function nothing(): Sums {
  return {
    ...{ packets: 0, refused: 0, missing: 0, outcomes: { completed: 0, blocked: 0, failed: 0, partial: 0 } },
    ...{ claimed: { count: 0, ms: 0 }, returned: { count: 0, ms: 0 } },
  };
}

function count(sums: Sums, { status, outcome, offeredAt, claimedAt, endedAt }: PacketFate): void {
  sums.packets += 1;
  if (outcome !== null) sums.outcomes[outcome as keyof Sums["outcomes"]] += 1; // a row holds one of them
  if (["declined", "withdrawn", "expired"].includes(status)) sums.refused += 1;
  if (status === "claimed") sums.missing += 1;
  if (claimedAt !== null) addTo(sums.claimed, claimedAt - offeredAt);
  if (status === "returned" && endedAt !== null && claimedAt !== null) addTo(sums.returned, endedAt - claimedAt);
}

function addTo(mean: Sums["claimed"], ms: number): void {
  mean.count += 1;
  mean.ms += ms;
}

function toGroup(key: string | null, { outcomes, claimed, returned, ...counts }: Sums): Group {
  return {
    ...(key === null ? {} : { key }),
    ...outcomes,
    ...counts,
    completionRate: outcomes.completed / counts.packets,
    blockedRate: outcomes.blocked / counts.packets,
    missingRate: counts.missing / counts.packets,
    ...(claimed.count === 0 ? {} : { timeToClaimMs: toMean(claimed) }),
    ...(returned.count === 0 ? {} : { timeToReturnMs: toMean(returned) }),
  };
}

/** Not below 0: the wall clock may have gone back. */
function toMean({ count: times, ms }: Sums["claimed"]): number {
  return Math.max(ms / times, 0);
}

/** As SQLite orders them: nothing before any text. */
function compare(left: string | null, right: string | null): number {
  if (left === right) return 0;
  return left === null || (right !== null && left < right) ? -1 : 1;
}
