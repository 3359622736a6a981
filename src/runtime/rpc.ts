// RPC server
//
// Answers the calls of one scope: decodes, parses with the operation's schema, hands on, encodes. Made from the operations' table, so a
// new verb needs no code here. Owns: the border between bytes and typed input. What does not pass it reaches nothing behind it.

import type { z } from "zod";
import type { Leases, Persistence, Recorded, Submission } from "../../actors/index.ts";
import {
  canRevive,
  isClaimed,
  type TaskOperation,
  type TaskSnapshot,
  toClaimTargets,
  toTaskState,
} from "../../machines/index.ts";
import {
  decode,
  type Envelope,
  Envelope as EnvelopeSchema,
  encode,
  encodeAnswer,
  type Format,
  formatHeaders,
  type IncomingRequest,
  type Message,
  parseRpc,
  type Reply,
  toFormat,
} from "../../transport/index.ts";
import { AionisError, isFailure, overloaded } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import { findOperation, type OperationOutput, type OperationParsed } from "../contracts/operations/index.ts";
import type { RpcReply } from "../contracts/rpc.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { ScopeStore, Store } from "../kernel/store.ts";
import type { Caller } from "./caller.ts";
import { isMemoryOperation, isPlaybookOperation, toOutput, toSubmission } from "./commands.ts";
import type { FindRule } from "./families.ts";
import { type HostOperation, toOwnersCommand, toReportId } from "./host-run.ts";
import { createLooks, readLooks } from "./looks.ts";
import { createAwaitLearning, type MemoryOptions, prepareMemory } from "./memory.ts";
import { chooseForWork, type PlaybookCommandParts, preparePlaybook } from "./playbook-commands.ts";
import type { Queries } from "./queries.ts";
import { toFeedbackId } from "./receipts.ts";
import type { Waiting } from "./waiting.ts";

export interface RpcOptions {
  scope: string;
  store: Store;
  persistence: Persistence;
  leases: Leases;
  queries: Queries;
  memory: MemoryOptions;
  playbooks: PlaybookCommandParts;
  waiting: Waiting;
  families: FindRule;
  clock: Clock;
  time: SteadyClock;
  ids: Ids;
  logger: Logger;
}

/**
 * The handler of one scope's calls. It never rejects: every failure is a reply. What needs no waiting is answered at once, so that its
 * output, which can be large, does not live beside those of other calls.
 */
export function createRpcHandler(options: RpcOptions): (message: IncomingRequest) => Reply | Promise<Reply> {
  const { store, logger } = options;
  const call = createCaller(options, store.scope(options.scope));

  return (message) => {
    const succeed = (output: unknown): Reply =>
      encodeReply({ ok: true, store: store.id, output }, message, store, logger);
    const fail = (error: unknown): Reply => {
      const failure = toFailure(error, message.subject, logger).toView();
      return encodeReply({ ok: false, store: store.id, failure }, message, store, logger);
    };
    try {
      const output = call(message);
      return output instanceof Promise ? output.then(succeed, fail) : succeed(output);
    } catch (error) {
      return fail(error);
    }
  };
}

/** Answers calls that are not taken, each time to wait encoded once. */
export function createRefuse(storeId: Store["id"]): (message: Message, retryAfterMs: number) => Reply {
  const replies = new Map<string, Reply>();
  return (message, retryAfterMs) => {
    const format = toReplyFormat(message);
    const known = replies.get(format + retryAfterMs);
    if (known !== undefined) return known;
    const detail = `The runtime has more calls than it can answer in time; ask again in ${retryAfterMs} ms.`;
    const failure = overloaded(detail, retryAfterMs).toView();
    const payload = encode({ ok: false, store: storeId, failure } satisfies RpcReply, format);
    const reply = { payload, headers: formatHeaders[format] };
    replies.set(format + retryAfterMs, reply);
    return reply;
  };
}

/** Answers every call with `failure`: what is served when a store has failed for good, so that no caller waits for a runtime that is gone. */
export function createFailing(storeId: Store["id"], failure: AionisError): (message: Message) => Reply {
  const view = failure.toView();
  return (message) => {
    const format = toReplyFormat(message);
    const payload = encode({ ok: false, store: storeId, failure: view } satisfies RpcReply, format);
    return { payload, headers: formatHeaders[format] };
  };
}

/** It throws, or its promise rejects, with what a call fails with. */
function createCaller(options: RpcOptions, store: ScopeStore): (message: IncomingRequest) => unknown {
  const { persistence, leases, queries, clock } = options;
  const awaitLearning = createAwaitLearning(options.memory);
  const looks = createLooks();
  const replyContext = {
    store,
    leaseMs: leases.leaseMs,
    time: options.time,
    snapshot: (taskId: TaskId) => persistence.snapshot(options.scope, taskId),
  };

  return (message) => {
    const { agentId, operation: name } = parseRpc(message);
    const operation = findOperation(name);
    const envelope = readEnvelope(message, options.scope);
    const input = parseInput(name, operation.input, envelope.body);
    if (operation.kind === "query")
      return look(
        { name: name as keyof Queries, input },
        { by: agentId, callId: envelope.id, isWanted: message.isWanted },
      );
    if (operation.kind === "signal") return heartbeat(agentId, input as OperationParsed<"tasks.heartbeat">);
    const by = agentId;
    if (name === "playbooks.dispatch") return dispatch(input as OperationParsed<typeof name>, by, envelope, message); // the table says so
    if (hostOperations.has(name)) return report(name as HostOperation, input as OperationParsed<HostOperation>, by); // as above
    return command(
      { name: name as TaskOperation, input: input as OperationParsed<TaskOperation>, by },
      envelope,
      message,
    ); // as above
  };

  /** What it shows of open pauses is remembered: an answer that names none is for what its author saw. */
  function look({ name, input }: { name: keyof Queries; input: unknown }, caller: Caller): unknown {
    const before = store.head().seq;
    const note = <Output>(output: Output): Output => {
      looks.note(caller.by, readLooks(name, output, { before, after: store.head().seq }));
      return output;
    };
    const output: unknown = queries[name](input as never, caller); // the table pairs name and schema
    return output instanceof Promise ? output.then(note) : note(output);
  }

  /** Runs what surely fits, under the caller's own command id: a repeat finds the replay that the first one began. */
  async function dispatch(
    input: OperationParsed<"playbooks.dispatch">,
    by: string,
    envelope: Envelope,
    message: IncomingRequest,
  ): Promise<unknown> {
    const { query, context: _, ...how } = input;
    const known = store.eventByCommand(input.commandId ?? envelope.id);
    await awaitLearning(store.head().seq); // what was compiled just now counts
    const choice = chooseForWork(options.playbooks, input, known?.taskId);
    if (choice.kind === "agent") return choice.output;
    const { id, confidence, params } = choice;
    const asked = { name: "playbooks.run", input: { ...how, id, text: query }, by } as const;
    const { taskId } = (await command(asked, envelope, message)) as OperationOutput<"playbooks.run">; // what it answers
    return { decision: "replay", taskId, id, confidence, params } satisfies OperationOutput<"playbooks.dispatch">;
  }

  /** A host's report, as the owner of its task would send it. */
  async function report(name: HostOperation, input: OperationParsed<HostOperation>, by: string): Promise<unknown> {
    const owners = toOwnersCommand(input);
    const commandId = input.commandId ?? toReportId(name, input);
    const call = { scope: options.scope, by, commandId, newTaskId: () => owners.taskId };
    return toOutput(owners.name, await persistence.submit(toSubmission(owners.name, owners.input, call)), replyContext);
  }

  async function command(
    { name, input, by }: { name: TaskOperation; input: OperationParsed<TaskOperation>; by: string },
    envelope: Envelope,
    message: IncomingRequest,
  ): Promise<unknown> {
    const commandId = input.commandId ?? toOwnId(name, input, by) ?? envelope.id;
    const newTaskId = (): TaskId => options.ids.next("task");
    const prepared = prepare(name, input, { commandId, by });
    const resolved = prepared instanceof Promise ? await prepared : prepared; // most commands need nothing, and wait for nothing
    if (name === "tasks.claim" && "roles" in input) options.playbooks.tools.heard(by, input.roles);
    const submission = toSubmission(name, input, { scope: options.scope, by, commandId, newTaskId, resolved });
    const recorded = (await submitOwned(submission, input)) ?? (await waitForClaim(submission, input, message));
    return toOutput(name, recorded, replyContext);
  }

  /** An owner whose lease ran out while it was held up takes the claim back first, as long as no other was made. */
  async function submitOwned(submission: Submission, input: object): Promise<Recorded | undefined> {
    try {
      return await persistence.submit(submission);
    } catch (error) {
      const isStale = isFailure(error, "EPOCH_STALE") && "taskId" in input && "epoch" in input;
      if (!isStale) throw error;
      const claim = { taskId: input.taskId as TaskId, epoch: Number(input.epoch) }; // parsed by its operation's schema
      if (!(await revive(submission.by, claim))) throw error;
      return await persistence.submit(submission);
    }
  }

  /** Says whether the claim is its owner's again. */
  async function revive(by: string, { taskId, epoch }: { taskId: TaskId; epoch: number }): Promise<boolean> {
    const snapshot = persistence.snapshot(options.scope, taskId);
    if (snapshot === undefined) return false;
    if (!canRevive(snapshot, { epoch, by })) return isHeldBy(snapshot, { epoch, by });
    const command = { name: "claim.revive", taskId, epoch } as const;
    const revived = await persistence.submit({ scope: options.scope, by, command, isInternal: true });
    return revived !== undefined || isHeldBy(persistence.snapshot(options.scope, taskId), { epoch, by });
  }

  /** What is found out for a command before it is queued. */
  function prepare(
    name: TaskOperation,
    input: OperationParsed<TaskOperation>,
    { commandId, by }: { commandId: string; by: string },
  ): object | Promise<object> {
    if (name === "tasks.answer" || name === "tasks.resume")
      return { seenSeq: looks.of(by, (input as OperationParsed<typeof name>).taskId) }; // name and input of one entry
    if (isRuled(name)) return { rule: options.families((input as OperationParsed<typeof name>).family) }; // name and input of one entry
    if (!isMemoryOperation(name) && !isPlaybookOperation(name)) return nothing;
    if (store.eventByCommand(commandId) !== undefined) return nothing; // answered from its event, whatever has changed since
    if (isPlaybookOperation(name)) return preparePlaybook(options.playbooks, name, input as never); // as above
    return prepareMemory(options.memory, name, input as never).then((credited) => ({ credited })); // as above
  }

  /** A claim that found nothing waits, and tries again whenever something for it becomes claimable. */
  async function waitForClaim(
    submission: Submission,
    input: OperationParsed<TaskOperation>,
    { timeoutMs, isWanted }: IncomingRequest,
  ): Promise<Recorded | undefined> {
    if (!("waitMs" in input)) return undefined;
    const endsAt = clock.mono() + Math.min(input.waitMs, timeoutMs - replyMs);
    const targets = toClaimTargets(submission.by, input.roles);
    for (;;) {
      const outcome = await options.waiting.claim(submission, targets, { waitMs: endsAt - clock.mono(), isWanted });
      if (outcome.kind === "over") return undefined;
      const recorded =
        outcome.kind === "granted" ? outcome.recorded : await persistence.submit({ ...submission, hasWaited: true });
      if (recorded !== undefined) return recorded;
    }
  }

  /** Not a command: it changes no fact, only when the lease ends. */
  async function heartbeat(
    by: string,
    { taskId, epoch }: OperationParsed<"tasks.heartbeat">,
  ): Promise<{ leaseMs: number }> {
    if (leases.renew({ scope: options.scope, taskId, epoch, agent: by })) return { leaseMs: leases.leaseMs };
    if (await revive(by, { taskId, epoch })) return { leaseMs: leases.leaseMs };
    const snapshot = persistence.snapshot(options.scope, taskId);
    if (snapshot === undefined) throw new AionisError("TASK_NOT_FOUND", `There is no task ${taskId} in this scope.`);
    const { owner, epoch: present } = snapshot.context;
    const state = toTaskState(snapshot);
    const now = isClaimed(snapshot)
      ? `epoch ${present} belongs to ${owner?.agent}`
      : `it is ${state} at epoch ${present}`;
    throw new AionisError(
      "EPOCH_STALE",
      `Epoch ${epoch} of ${by} no longer holds ${taskId}: ${now}. Stop, and claim it anew.`,
      {
        facts: { state, epoch: present },
      },
    );
  }
}

/** Of two calls of an owner that come back at once, one finds that the other has revived the claim. */
function isHeldBy(snapshot: TaskSnapshot | undefined, { epoch, by }: { epoch: number; by: string }): boolean {
  if (snapshot === undefined || !isClaimed(snapshot)) return false;
  return snapshot.context.epoch === epoch && snapshot.context.owner?.agent === by;
}

function isRuled(name: TaskOperation): name is "tasks.start" | "handoff.store" | "tasks.delegate" {
  return name === "tasks.start" || name === "handoff.store" || name === "tasks.delegate";
}

const nothing = {};

const hostOperations: ReadonlySet<string> = new Set([
  "replay.step.before",
  "replay.step.after",
  "replay.step",
  "replay.run.end",
] satisfies HostOperation[]);

/** The id of a command that is the same whenever it says the same, whoever sends it again. */
function toOwnId(name: TaskOperation, input: OperationParsed<TaskOperation>, by: string): string | undefined {
  if (name === "feedback" && "receipt" in input) return toFeedbackId(by, input);
  return name === "replay.run.start" && "runId" in input ? toReportId(name, input) : undefined;
}

function readEnvelope(message: Message, scope: string): Envelope {
  const parsed = EnvelopeSchema.safeParse(decode(message.payload, toFormat(message.headers), true));
  if (!parsed.success)
    throw new AionisError("MESSAGE_INVALID", `The envelope does not fit: ${toDetail(parsed.error)}.`);
  if (parsed.data.scope === scope) return parsed.data;
  throw new AionisError("MESSAGE_INVALID", `The envelope is for scope ${parsed.data.scope}, the subject for ${scope}.`);
}

function parseInput(name: string, schema: z.ZodType, body: unknown): unknown {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new AionisError("INPUT_INVALID", `${name}: ${toDetail(parsed.error)}.`, {
    facts: {
      issues: parsed.error.issues.slice(0, issuesShown).map(({ path, message }) => ({ path: path.join("."), message })),
    },
  });
}

/** What is left of a caller's patience for the reply itself. */
const replyMs = 500;
const issuesShown = 10;

/** What is wrong and where, in one sentence. */
function toDetail(error: z.ZodError): string {
  const shown = error.issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`));
  return shown.join("; ").slice(0, 600);
}

function toFailure(error: unknown, subject: string, logger: Logger): AionisError {
  if (isFailure(error)) return error;
  logger.log("error", "a call met a bug", { subject, error: String(error) });
  return new AionisError("RUNTIME_FAULT", "The runtime met a bug while it served the call; see its log.", {
    cause: error,
  });
}

/** A reply that cannot be sent is replaced by the failure that says why. */
function encodeReply(reply: RpcReply, message: Message, store: Store, logger: Logger): Reply {
  const format = toReplyFormat(message);
  const headers = formatHeaders[format];
  try {
    return { payload: encodeAnswer(reply, format), headers };
  } catch (error) {
    const failure = toFailure(error, message.subject, logger).toView();
    return { payload: encode({ ok: false, store: store.id, failure } satisfies RpcReply, format), headers };
  }
}

/** The caller's own format; who sent an unknown one is told so in the default. */
function toReplyFormat({ headers }: Message): Format {
  try {
    return toFormat(headers);
  } catch {
    return "msgpack"; // the call itself is refused for it
  }
}
