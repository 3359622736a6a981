// Report
//
// What a failure looks like to people and scripts: one line on stderr, a hint, and the exit code that its status gives.

import { AionisError, failures, isFailure } from "../contracts/failures.ts";
import { escapeLine, toJsonLine } from "./text.ts";

/** 0 is success, and 130 an interrupted command. */
export const exitCodes = { failure: 1, usage: 2, notFound: 3, conflict: 4, unavailable: 5, interrupted: 130 } as const;

/** A failure as it is shown. */
export interface Failure {
  code: string;
  detail: string;
  status: number;
  retryable: boolean;
  hint?: string | undefined;
  facts?: Readonly<Record<string, unknown>> | undefined;
}

/** There is nothing to read: a failure of the command line alone, because a runtime makes the store that it lacks. */
export class NoStoreError extends Error {
  readonly folder: string;

  constructor(folder: string) {
    super(`There is no store in ${folder}.`);
    this.folder = folder;
  }
}

/** Ctrl-C came before the answer to a command. */
export class InterruptedError extends Error {
  readonly commandId: string;

  constructor(commandId: string) {
    super("Interrupted before the answer came.");
    this.commandId = commandId;
  }
}

/** Stdout could not be written, for another reason than that its reader went away. */
export class OutputError extends Error {
  constructor(cause: Error) {
    super(`The answer could not be written: ${cause.message}. The command itself was carried out.`, { cause });
  }
}

/** What the arguments lack or have too much. */
export function toUsageError(detail: string): AionisError {
  return new AionisError("INPUT_INVALID", detail);
}

/** Any error as a failure that can be shown. `verb` is the command that met it. */
export function toFailure(error: unknown, verb: string): Failure {
  if (error instanceof NoStoreError) {
    const hint = "`aionis task start` makes one; --path names another folder.";
    return { code: "STORE_NOT_FOUND", detail: error.message, status: 404, retryable: false, hint };
  }
  if (error instanceof InterruptedError) {
    const { message: detail, commandId } = error;
    return {
      code: "INTERRUPTED",
      detail,
      status: 499,
      retryable: true,
      hint: toRepeat(commandId),
      facts: { commandId },
    };
  }
  if (error instanceof OutputError) {
    const hint = "Write it to another place, or make room there.";
    return { code: "OUTPUT_FAILED", detail: error.message, status: 500, retryable: true, hint };
  }
  if (isFailure(error)) {
    const { code, detail, facts, retryable } = error;
    return { code, detail, status: failures[code].status, retryable, hint: hintFor(error, verb), facts };
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "RUNTIME_FAULT", detail, status: 500, retryable: false, hint: "This is a bug of the command line." };
}

/** `error`, with the id under which the command can be repeated when it may have been recorded all the same. */
export function withCommandId(error: unknown, commandId: unknown): unknown {
  if (typeof commandId !== "string" || !isFailure(error, "OUTCOME_UNKNOWN", "TRANSPORT_TIMEOUT")) return error;
  return new AionisError(error.code, error.detail, { cause: error, facts: { ...error.facts, commandId } });
}

/** The exit code, by the status in the table of failures. */
export function toExitCode(status: number): number {
  if (status === 400 || status === 413) return exitCodes.usage;
  if (status === 499) return exitCodes.interrupted;
  if (status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.conflict;
  if (status === 503 || status === 504 || status === 507) return exitCodes.unavailable;
  return exitCodes.failure;
}

/** The lines for stderr, without the closing newline. */
export function showFailure(failure: Failure, options: { isJson: boolean }): string {
  const { hint, facts, ...rest } = failure;
  if (options.isJson) {
    const given = facts !== undefined && Object.keys(facts).length > 0;
    return toJsonLine({ ...rest, ...(hint === undefined ? {} : { hint }), ...(given ? { facts } : {}) });
  }
  const detail = failure.detail.split("\n").map(escapeLine).join("\n");
  return `${failure.code}: ${detail}${hint === undefined ? "" : `\nhint: ${escapeLine(hint)}`}`;
}

function hintFor(error: AionisError, verb: string): string | undefined {
  if (typeof error.facts.commandId === "string") return toRepeat(error.facts.commandId);
  switch (error.code) {
    case "INPUT_INVALID":
      return `\`aionis ${verb === "" ? "" : `${verb} `}--help\` shows what it takes.`;
    case "SCOPE_NOT_FOUND":
      return `${toScopeOption(error.facts.scopes)}; \`aionis task start\` makes one.`;
    case "TASK_NOT_FOUND":
      return "`aionis task ls` lists the tasks of the scope; --scope names another.";
    case "LESSON_NOT_FOUND":
      return "`aionis recall` finds the lessons of the scope; --scope names another.";
    case "RECEIPT_NOT_FOUND":
      return "`aionis start` gives a new receipt; --scope names another scope.";
    case "TASK_STATE_CONFLICT":
      return "`aionis task explain ID` says what would move it.";
    case "EPOCH_STALE":
      return "`aionis task claim ID` gives a new epoch, if nobody holds the task.";
    case "TRANSPORT_UNROUTED":
      return "--scope names another scope; `aionis serve` serves one.";
    case "STORE_IN_USE":
      return "Wait for its holder, or end it.";
    case "TRANSPORT_DENIED":
      return "--nats-creds, --nats-nkey-file, AIONIS_NATS_USER with AIONIS_NATS_PASSWORD, or AIONIS_NATS_TOKEN give credentials; --nats-ca, --nats-cert and --nats-key certificates.";
    case "TRANSPORT_TIMEOUT":
      return "--timeout waits longer.";
    default:
      return error.retryable ? "The same command can succeed later." : undefined;
  }
}

/** The option to add, where one scope alone can be meant. */
function toScopeOption(scopes: unknown): string {
  const [scope, ...others] = Array.isArray(scopes) ? (scopes as unknown[]) : [];
  const isOnly = typeof scope === "string" && others.length === 0;
  return isOnly ? `Add --scope ${scope}, or set AIONIS_SCOPE` : "--scope names another";
}

function toRepeat(commandId: string): string {
  return `It may or may not be recorded: with --command-id ${commandId} it can be repeated, and takes effect once.`;
}
