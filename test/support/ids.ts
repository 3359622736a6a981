import type { DelegationId, EventId, LessonId, PacketId, PauseId, ReceiptId, TaskId } from "../../src/contracts/ids.ts";

/** When stories begin. */
export const t0 = 1_700_000_000_000;

const pad = (n: number): string => String(n).padStart(20, "0");
export const taskId = (n = 1): TaskId => `task_${pad(n)}`;
export const packetId = (n = 1): PacketId => `pkt_${pad(n)}`;
export const pauseId = (n = 1): PauseId => `pause_${pad(n)}`;
export const delegationId = (n = 1): DelegationId => `dlg_${pad(n)}`;
export const lessonId = (n = 1): LessonId => `les_${pad(n)}`;
export const receiptId = (n = 1): ReceiptId => `rcp_${pad(n)}`;
export const eventId = (n = 1): EventId => `evt_${pad(n)}`;

/** A packet that the schema takes. */
