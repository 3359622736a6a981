import { z } from "zod";
import { type EventType, eventTypes, JournalEvent } from "../events.ts";
import { AgentId, StoreId, TaskId } from "../ids.ts";
import { limits } from "../limits.ts";
import { WorkProgress } from "../progress.ts";
import { Line, Sequence, Text, Time } from "../values.ts";
import { defineOperation } from "./operation.ts";

const types = Object.keys(eventTypes) as [EventType, ...EventType[]]; // Object.keys loses the key type; the table has at least one

export const eventsRead = defineOperation({
  name: "events.read",
  kind: "query",
  layer: "core",
  summary: "Read the journal from a sequence on, a page at a time, without a gap.",
  input: z.strictObject({
    /** At most the sequence after the journal's last: past it there is nothing that could be missed. */
    from: Sequence.default(1),
    taskId: TaskId.optional(),
    types: z.array(z.enum(types)).min(1).max(limits.listItems).optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(100),
    /** How long to wait for an event when the page would be empty. */
    waitMs: z.int().nonnegative().max(limits.callWaitMs).default(0),
  }),
  output: z.strictObject({
    events: z.array(JournalEvent),
    /** Where the next page begins, whether or not there is one yet. */
    next: Sequence,
    /** The last sequence of the journal at the time of reading; 0 when it is empty. */
    head: z.int().nonnegative(),
  }),
  failures: ["CURSOR_INVALID", "TASK_NOT_FOUND"],
  idempotent: true,
});

/** What is wrong, in which table and under which key. */
const Problem = z.strictObject({
  what: Line,
  /** What puts it right: `store.rebuild`, a backup, or another start of the runtime. */
  mend: z.enum(["rebuild", "backup", "restart"]),
  table: Line.optional(),
  key: Line.optional(),
  seq: Sequence.optional(),
  taskId: TaskId.optional(),
});

export const storeVerify = defineOperation({
  name: "store.verify",
  kind: "query",
  layer: "advanced",
  summary: "Check the scope's chain, its high-water mark, and that every row of every table is what the journal gives.",
  input: z.strictObject({}),
  output: z.strictObject({
    ok: z.boolean(),
    events: z.int().nonnegative(),
    tasks: z.int().nonnegative(),
    /** What is wrong and where, at most `limits.listItems` of them. */
    problems: z.array(Problem),
  }),
  failures: [],
  idempotent: true,
  isSlow: true,
});

export const storeRebuild = defineOperation({
  name: "store.rebuild",
  kind: "query",
  layer: "advanced",
  summary:
    "Make every row that does not follow from the journal again from it, and learn anew. The journal stays as it is.",
  input: z.strictObject({}),
  output: z.strictObject({
    events: z.int().nonnegative(),
    tasks: z.int().nonnegative(),
    /** The rows that were made again, and why: at most `limits.listItems` of them. */
    mended: z.array(Problem),
  }),
  failures: ["TASK_UNFOLDABLE", "OUTCOME_UNKNOWN"],
  idempotent: true,
  isSlow: true,
});

export const storeBackup = defineOperation({
  name: "store.backup",
  kind: "query",
  layer: "advanced",
  summary: "Copy the store to a file while it is in use, and verify the copy by folding it.",
  input: z.strictObject({ path: Text.min(1) }),
  output: z.strictObject({ path: Text, bytes: z.int(), events: z.int().nonnegative() }),
  failures: ["STORE_FAILED", "INPUT_INVALID"],
  idempotent: true,
  isSlow: true,
});

export const runtimeStatus = defineOperation({
  name: "runtime.status",
  kind: "query",
  layer: "core",
  summary: "Say which store is served, how far its journal goes, and whether it takes commands.",
  input: z.strictObject({}),
  output: z.strictObject({
    storeId: StoreId,
    state: z.enum(["ready", "readOnly"]),
    /** Why no command is taken, when `state` is `readOnly`. */
    reason: Line.optional(),
    head: z.int().nonnegative(),
    at: Time,
    liveTasks: z.int().nonnegative(),
    waitingCommands: z.int().nonnegative(),
    /** What takes long and is under way, the oldest first; at most `limits.listItems`. */
    works: z.array(
      z.strictObject({
        operation: z.enum(["store.verify", "store.rebuild", "store.backup"]),
        by: AgentId,
        /** The id of its caller's message. */
        callId: Line.optional(),
        startedAt: Time,
        progress: WorkProgress,
      }),
    ),
  }),
  failures: [],
  idempotent: true,
});
