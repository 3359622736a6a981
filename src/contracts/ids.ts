import { z } from "zod";
import { limits } from "./limits.ts";

/**
 * A short text that somebody chose to call something by. Half of a surrogate pair is refused: it has no UTF-8, so two such texts would
 * become one in the store, and none would come back as it was.
 */
export const word = (charsMax: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(charsMax)
    .refine((text) => text.isWellFormed(), { error: "it holds half of a surrogate pair", abort: true });

const madeId = <Prefix extends string>(prefix: Prefix) =>
  z.templateLiteral([`${prefix}_`, z.string().regex(/^[0-9a-z]{20}$/)], {
    error: `expected an id that is ${prefix}_ and 20 letters or digits`,
  });

/** A task's id: made by the runtime, sorts by age. */
export const TaskId = madeId("task");
export type TaskId = z.infer<typeof TaskId>;

/** The task of a scope that holds what it has learned: one a scope, so that it needs no looking for. */
export const memoryTaskId: TaskId = "task_00000000000000memory";

/** An event's id, unique in its store. */
export const EventId = madeId("evt");
export type EventId = z.infer<typeof EventId>;

/** A packet's id. */
export const PacketId = madeId("pkt");
export type PacketId = z.infer<typeof PacketId>;

/** A delegation's id. */
export const DelegationId = madeId("dlg");
export type DelegationId = z.infer<typeof DelegationId>;

/** The id of one pause of a task. An answer names it, so that it cannot reach another question. */
export const PauseId = madeId("pause");
export type PauseId = z.infer<typeof PauseId>;

/** A lesson's id. That of a workflow is made from the first task that showed it. */
export const LessonId = madeId("les");
export type LessonId = z.infer<typeof LessonId>;

/** The id of an answer that was shown: made from what it says, so that the same answer has the same id. */
export const ReceiptId = madeId("rcp");
export type ReceiptId = z.infer<typeof ReceiptId>;

/** A store's id, made when its file was made; it is part of every reply, so that a client notices another store. */
export const StoreId = madeId("store");
export type StoreId = z.infer<typeof StoreId>;

/** What the ids of the runtime's own commands begin with. */
export const ownCommands = "runtime:";

/**
 * The caller's idempotency key for one command, unique within a scope. The same id with the same content is answered from the
 * event it made; with other content it is `IDEMPOTENCY_CONFLICT`.
 */
export const CommandId = word(limits.idChars).refine((id) => !id.startsWith(ownCommands), {
  error: `command ids that begin with ${ownCommands} are the runtime's own`,
});
export type CommandId = z.infer<typeof CommandId>;

/** A command id as the journal has it: of a caller, or of the runtime itself. */
export const RecordedCommandId = word(limits.idChars);

/** Who acts: a worker, a program or a person. Any text the caller chose. */
export const AgentId = word(limits.idChars);
export type AgentId = z.infer<typeof AgentId>;

/** What a worker can be asked to do, such as `code.fix`. */
export const Role = word(limits.idChars);
export type Role = z.infer<typeof Role>;
