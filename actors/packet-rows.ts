import type { PacketChange, TaskSnapshot } from "../machines/index.ts";
import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import type { Packet } from "../src/contracts/packet.ts";
import type { PacketRow, ScopeStore, TaskNumber } from "../src/kernel/store.ts";

/** Where packet rows are read and written: a scope of the store, or a list to compare with it. */
export type PacketWriter = Pick<ScopeStore, "packetsOf" | "putPacket">;

interface Happened {
  task: TaskNumber;
  header: EventHeader;
  /** The body of an event that carries a packet. */
  body: EventBody | undefined;
  after: TaskSnapshot;
}

/** Writes what an event changes in its task's packets. */
export function writePackets(rows: PacketWriter, change: PacketChange, happened: Happened): void {
  const { task, header } = happened;
  if (change.kind === "offered") {
    rows.putPacket(toOfferedRow(change.packetId, happened));
    return;
  }
  for (const row of rows.packetsOf(task)) {
    const next = changed(row, change, header.at);
    if (next !== row) rows.putPacket(next);
  }
}

/** The end of the work answers every packet that is still open; the other changes are of one packet. */
function changed(row: PacketRow, change: Exclude<PacketChange, { kind: "offered" }>, at: number): PacketRow {
  const isOpen = row.status === "offered" || row.status === "claimed";
  if (!isOpen || (change.packetId !== undefined && change.packetId !== row.packetId)) return row;
  switch (change.kind) {
    case "claimed":
      return row.status === "claimed" ? row : { ...row, status: "claimed", claimedAt: at, claimedBy: change.by };
    case "off":
      return { ...row, status: change.status, endedAt: at };
    case "returned":
      return { ...row, status: "returned", outcome: change.outcome, endedAt: at };
  }
}

/** An erased packet keeps its place among the records: what it was about is gone, that it was is not. */
function toOfferedRow(packetId: PacketRow["packetId"], { task, header, body, after }: Happened): PacketRow {
  const { context } = after;
  const packet = readPacket(body);
  return {
    task,
    packetId,
    seq: header.seq,
    kind: header.type === "task.created" && context.parentId !== null ? "delegation" : "handoff",
    parentId: context.parentId,
    delegationId: packet?.delegationId ?? null,
    family: context.family,
    anchor: packet?.anchor ?? null,
    target: JSON.stringify(context.handoff?.to ?? context.to),
    from: JSON.stringify(packet?.from ?? { agent: header.by }),
    stage: context.stage,
    status: "offered",
    offeredAt: header.at,
    claimedAt: null,
    claimedBy: null,
    endedAt: null,
    outcome: null,
  };
}

function readPacket(body: EventBody | undefined): Packet | undefined {
  return body !== undefined && "packet" in body ? body.packet : undefined;
}
