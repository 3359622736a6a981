// Claimable places
//
// Where workers look for something to claim. Owns: the rows of `claimable`, and how a row says by which clock its moment comes. A moment of the
// wall clock is rare: each look first asks whether there is one at all.

import { type Due, type Moment, toMsUntil } from "../../src/contracts/due.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import type { ClaimableRow } from "../../src/kernel/store.ts";
import { outOfOrder } from "./in-order.ts";
import type { Prepare } from "./statement.ts";

type Found = ClaimableRow & { taskId: TaskId };

export const clocks = ["steady", "wall"] as const;
const priorities = [4, 3, 2, 1, 0];

/** The column that says on which clock a row's moment is. */
export function toOnWall({ clock }: Pick<Due, "clock">): 0 | 1 {
  return clock === "wall" ? 1 : 0;
}

/** The same column as rows have it. */
export function clockOf(table = ""): string {
  return `CASE ${table}on_wall WHEN 1 THEN 'wall' ELSE 'steady' END AS clock`;
}

/** A page of another table has what it has, and a timer that is set to it would fire at once, again and again. */
export function toTime(table: string, at: unknown): number | undefined {
  if (at === undefined || typeof at === "number") return at;
  throw outOfOrder(table);
}

/** Prepares the statements of claimable places on an open database. */
export function createClaimables(prepare: Prepare) {
  const put = prepare("INSERT INTO claimable VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  const remove = prepare(
    "DELETE FROM claimable WHERE scope = ? AND target = ? AND priority = ? AND on_wall = ? AND from_at = ? AND task = ?",
  );
  const first = prepare<[number, string, number, number, number], Found>(
    `SELECT c.task, c.target, c.priority, c.from_at AS "from", ${clockOf("c.")}, t.id AS taskId
     FROM claimable c JOIN tasks t ON t.task = c.task
     WHERE c.scope = ? AND c.target = ? AND c.priority = ? AND c.on_wall = ? AND c.from_at <= ? ORDER BY c.from_at, c.task LIMIT 1`,
  );
  const later = prepare<[number, string, number, number, number], { at: unknown }>(
    `SELECT from_at AS at FROM claimable
     WHERE scope = ? AND target = ? AND priority = ? AND on_wall = ? AND from_at > ? ORDER BY from_at LIMIT 1`,
  );
  const anyOnWall = prepare<[number], { task: number }>(
    "SELECT task FROM claimable WHERE scope = ? AND on_wall = 1 LIMIT 1",
  );

  function clocksOf(scope: number): readonly Due["clock"][] {
    return anyOnWall.get(scope) === undefined ? ["steady"] : clocks;
  }

  return {
    putClaimable(scope: number, row: ClaimableRow): void {
      put.run(scope, row.target, row.priority, toOnWall(row), row.from, row.task);
    },
    deleteClaimable(scope: number, row: ClaimableRow): void {
      remove.run(scope, row.target, row.priority, toOnWall(row), row.from, row.task);
    },
    /** One look at the head of each place, highest priority first: it does not grow with what waits there. */
    nextClaimable(scope: number, targets: readonly string[], now: Moment): Found | undefined {
      const used = clocksOf(scope);
      for (const priority of priorities) {
        const heads = used.flatMap((clock) =>
          targets.map((target) => first.get(scope, target, priority, toOnWall({ clock }), now[clock])),
        );
        const found = heads.filter((head) => head !== undefined);
        found.sort((left, right) => toAge(right, now) - toAge(left, now) || left.task - right.task);
        if (found[0] !== undefined) return found[0];
      }
      return undefined;
    },
    nextClaimableIn(scope: number, target: string, now: Moment): number | undefined {
      const waits = clocksOf(scope).flatMap((clock) =>
        priorities.flatMap((priority) => {
          const row = later.get(scope, target, priority, toOnWall({ clock }), now[clock]);
          const at = toTime("claimable", row?.at);
          return at === undefined ? [] : [toMsUntil({ at, clock }, now)];
        }),
      );
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };
}

function toAge({ from, clock }: ClaimableRow, now: Moment): number {
  return -toMsUntil({ at: from, clock }, now);
}
