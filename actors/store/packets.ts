import type { PacketId, TaskId } from "../../src/contracts/ids.ts";
import type { PacketFate, PacketFilter, PacketRow, TaskNumber } from "../../src/kernel/store.ts";
import { scopeStride } from "./schema.ts";
import type { Prepare } from "./statement.ts";

type Found = PacketRow & { taskId: TaskId };
type Looked = Pick<PacketRow, "packetId" | "kind" | "status" | "target" | "parentId">;
type PartOptions = PacketFilter & { before?: PacketId | undefined; count: number };

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
  const along = (index: string, condition: string) =>
    prepare<[number, ...(string | number)[]], Looked>(
      `SELECT packet_id AS packetId, kind, status, target, parent_id AS parentId FROM packets INDEXED BY ${index}
       WHERE scope = ? AND ${condition} AND packet_id < ? ORDER BY packet_id DESC LIMIT ?`,
    );
  const ofParent = along("packets_by_parent", "parent_id = ?");
  const inStatus = along("packets_by_status", "kind = ? AND status = ?");
  const all = prepare<[number, string, number], Looked>(
    `SELECT packet_id AS packetId, kind, status, target, parent_id AS parentId FROM packets
     WHERE scope = ? AND packet_id < ? ORDER BY packet_id DESC LIMIT ?`,
  );
  const fates = prepare<[number, string, number], PacketFate>(
    `SELECT packet_id AS packetId, kind, target, family, status, outcome, offered_at AS offeredAt, claimed_at AS claimedAt,
       claimed_by AS claimedBy, ended_at AS endedAt
     FROM packets WHERE scope = ? AND packet_id > ? ORDER BY packet_id LIMIT ?`,
  );

  /** Each list goes along one index, in which its packets are in order; what else is asked for is compared packet by packet. */
  function look(scope: number, { before = "pkt_~" as PacketId, count, kind, status, parentId }: PartOptions): Looked[] {
    if (parentId !== undefined) return ofParent.all(scope, parentId, before, count);
    if (status !== undefined) return inStatus.all(scope, kind, status, before, count);
    return all.all(scope, before, count);
  }

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
    within(scope: number, options: PartOptions): { packets: Found[]; next: PacketId | undefined } {
      const looked = look(scope, options);
      const last = looked.length === options.count ? looked.at(-1) : undefined;
      const fitting = looked.filter((packet) => fits(packet, options)).map(({ packetId }) => byId.get(scope, packetId));
      return { packets: fitting.filter((row) => row !== undefined), next: last?.packetId };
    },
    fates: (scope: number, { after = "" as PacketId, count }: { after?: PacketId | undefined; count: number }) =>
      fates.all(scope, after, count),
  };
}

function fits({ kind, status, target, parentId }: Looked, filter: PacketFilter): boolean {
  if (kind !== filter.kind) return false;
  if (filter.status !== undefined && status !== filter.status) return false;
  if (filter.target !== undefined && target !== filter.target) return false;
  return filter.parentId === undefined || parentId === filter.parentId;
}
