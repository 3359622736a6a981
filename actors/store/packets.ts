import type Database from "better-sqlite3";
import type { PacketId, TaskId } from "../../src/contracts/ids.ts";
import type { PacketCounts, PacketFilter, PacketRow, ScopeStore, TaskNumber } from "../../src/kernel/store.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";

type Found = PacketRow & { taskId: TaskId };

const columns = `p.task, p.packet_id AS packetId, p.seq, p.kind, p.parent_id AS parentId, p.delegation_id AS delegationId, p.family, p.anchor,
  p.target, p.sender AS "from", p.stage, p.status, p.offered_at AS offeredAt, p.claimed_at AS claimedAt, p.claimed_by AS claimedBy,
  p.ended_at AS endedAt, p.outcome`;
const found = `SELECT ${columns}, t.id AS taskId FROM packets p JOIN tasks t ON t.task = p.task`;

/** Prepares the statements on packets. */
export function createPackets(prepare: Prepare) {
  const put = prepare(
    `INSERT INTO packets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, packet_id) DO UPDATE SET
       status = excluded.status, claimed_at = excluded.claimed_at, claimed_by = excluded.claimed_by, ended_at = excluded.ended_at,
       outcome = excluded.outcome`,
  );
  const byId = prepare<[number, string], Found>(`${found} WHERE p.scope = ? AND p.packet_id = ?`);
  const byAnchor = prepare<[number, string], Found>(
    `${found} WHERE p.scope = ? AND p.anchor = ? ORDER BY p.seq DESC LIMIT 1`,
  );
  const ofTask = prepare<[number], PacketRow>(
    `SELECT ${columns} FROM packets p WHERE p.task = ? AND p.scope = p.task / ${scopeStride} ORDER BY p.seq`,
  );
  const prepareCounts = (key: string) =>
    prepare<[number, string, number], PacketCounts>(
      `SELECT ${key} AS key, count(*) AS packets,
         count(*) FILTER (WHERE outcome = 'completed') AS completed, count(*) FILTER (WHERE outcome = 'blocked') AS blocked,
         count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE outcome = 'partial') AS partial,
         count(*) FILTER (WHERE status IN ('declined', 'withdrawn', 'expired')) AS refused,
         count(*) FILTER (WHERE status = 'claimed') AS missing,
         avg(claimed_at - offered_at) AS timeToClaimMs,
         avg(CASE WHEN status = 'returned' THEN ended_at - claimed_at END) AS timeToReturnMs
       FROM packets WHERE scope = ? AND kind IN (SELECT value FROM json_each(?)) GROUP BY 1 ORDER BY packets DESC, key LIMIT ?`,
    );
  const counts = {
    role: prepareCounts("json_extract(target, '$.role')"),
    family: prepareCounts("family"),
    agent: prepareCounts("claimed_by"),
  };
  const lists = new Map<string, Database.Statement<unknown[], Found>>(); // at most 8 shapes

  return {
    put(scope: number, row: PacketRow): void {
      put.run(
        scope,
        row.packetId,
        row.task,
        row.seq,
        row.kind,
        row.parentId,
        row.delegationId,
        row.family,
        row.anchor,
        row.target,
        row.from,
        row.stage,
        row.status,
        row.offeredAt,
        row.claimedAt,
        row.claimedBy,
        row.endedAt,
        row.outcome,
      );
    },
    byId: (scope: number, id: PacketId) => byId.get(scope, id),
    byAnchor: (scope: number, anchor: string) => byAnchor.get(scope, anchor),
    ofTask: (task: TaskNumber) => ofTask.all(task),
    count(scope: number, { by, kind, count }: Parameters<ScopeStore["countPackets"]>[0]): PacketCounts[] {
      return counts[by].all(scope, JSON.stringify(kind === undefined ? ["handoff", "delegation"] : [kind]), count);
    },
    list(scope: number, { before, count, kind, status, target, parentId }: PacketFilter): Found[] {
      const filters: [string, unknown][] = [
        ["p.scope = ?", scope],
        ["p.kind = ?", kind],
        ["p.packet_id < ?", before ?? "pkt_~"],
      ];
      if (status !== undefined) filters.push(["p.status = ?", status]);
      if (target !== undefined) filters.push(["p.target = ?", target]);
      if (parentId !== undefined) filters.push(["p.parent_id = ?", parentId]);
      const sql = `${found} WHERE ${filters.map(([condition]) => condition).join(" AND ")} ORDER BY p.packet_id DESC LIMIT ?`;
      const statement = lists.get(sql) ?? prepare<unknown[], Found>(sql);
      lists.set(sql, statement);
      return statement.all(...filters.map(([, value]) => value), count);
    },
  };
}
