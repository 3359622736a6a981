import type { z } from "zod";
import type { FailureCode } from "../failures.ts";

/** How far from the core a verb stands: docs, help texts and HTTP tags are ordered by it. */
export type Layer = "core" | "enhanced" | "advanced";

/**
 * One verb of the product. The client's method, the RPC server and the command line are made from it.
 * A `command` records an event and takes a `commandId`; a `query` reads what is committed; a `signal` (a heartbeat) is neither
 * recorded nor acknowledged beyond its reply.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly kind: "command" | "query" | "signal";
  readonly layer: Layer;
  readonly input: Input;
  readonly output: Output;
  /** The expected failures beside those that any operation can have (see `commonFailures`). */
  readonly failures: readonly FailureCode[];
  /** Whether repeating it without a `commandId` changes nothing more. */
  readonly idempotent: boolean;
  readonly summary: string;
  /** Whether it takes time in proportion to the journal: a caller gives one try all of its patience. */
  readonly isSlow?: true;
}

/** What any operation can fail with. */
export const commonFailures = [
  "INPUT_INVALID",
  "MESSAGE_INVALID",
  "MESSAGE_TOO_LARGE",
  "OPERATION_UNKNOWN",
  "SCOPE_NOT_FOUND",
  "OVERLOADED",
  "OUTCOME_UNKNOWN",
  "RUNTIME_CLOSED",
  "RUNTIME_FAULT",
  "STORE_FULL",
  "STORE_READ_ONLY",
  "STORE_FAILED",
  "JOURNAL_TRUNCATED",
  "JOURNAL_DAMAGED",
  "IDEMPOTENCY_CONFLICT",
  "TASK_UNFOLDABLE",
  "TRANSPORT_TIMEOUT",
  "TRANSPORT_UNROUTED",
  "TRANSPORT_CLOSED",
  "REMOTE_FAULT",
] as const satisfies readonly FailureCode[];

/** Keeps the exact types of an entry. */
export function defineOperation<Input extends z.ZodType, Output extends z.ZodType, Name extends string>(
  operation: Operation<Input, Output> & { readonly name: Name },
): Operation<Input, Output> & { readonly name: Name } {
  return operation;
}
