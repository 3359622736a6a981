// Plan
//
// Turns one command into the events it makes: finds the task, reads the facts, decides, folds in memory. All of it or nothing: when a
// task that must take part refuses, the caller undoes what was folded. Owns: which event comes after which, ids and times. Does not own:
// writing, and when a turn begins or ends.

import {
  type Command,
  type Decision,
  type DecisionIds,
  decide as decideTask,
  type TaskSnapshot,
  toClaimTargets,
  toNewcomerKey,
} from "../machines/index.ts";
import type { Moment } from "../src/contracts/due.ts";
import type { EventBody, EventHeader } from "../src/contracts/events.ts";
import { AionisError, isUnreadable } from "../src/contracts/failures.ts";
import type { AgentId, DelegationId, PacketId, PauseId, TaskId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { Ids } from "../src/kernel/ids.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { Random } from "../src/kernel/random.ts";
import type { SteadyClock } from "../src/kernel/steady-clock.ts";
import type { ScopeStore } from "../src/kernel/store.ts";
import { toUnit } from "../src/kernel/unit.ts";
import { decodeAnyBody, decodeHeader } from "./events.ts";
import { gatherFacts } from "./facts.ts";
import type { LiveTask, TaskBook } from "./task-book.ts";

/** An event that stands in the journal. The body is absent when it was erased. */
export interface Recorded {
  readonly header: EventHeader;
  readonly body: EventBody | undefined;
  /** What the caller is answered with, when that was found out before the event was written. */
  readonly answer?: unknown;
}

/** A claim that names no task: the next that is for this agent, one of these roles, or anyone. */
export interface ClaimNext {
  readonly roles: readonly string[];
  /** For how long its program has run: what waits for other code and was not tried since comes first. */
  readonly upMs?: number | undefined;
}

/** A command with who asked it. */
export interface Submission {
  readonly scope: string;
  readonly by: AgentId;
  readonly command: Command | ClaimNext;
  /** The caller's idempotency key with a hash of what was asked. */
  readonly commandId?: string | undefined;
  readonly content?: Uint8Array | undefined;
  /** The runtime's own commands are not counted against the queue's bound; each of their sources is bounded by itself. */
  readonly isInternal?: boolean | undefined;
  /** The event that made the runtime ask. */
  readonly causedBy?: string | undefined;
  /** Whether the caller has waited, so that it may be gone: its lease is short until it shows that it lives. */
  readonly hasWaited?: boolean | undefined;
}

/** A scope's store with its tasks in memory. */
export interface ScopeBook {
  readonly store: ScopeStore;
  readonly book: TaskBook;
}

/** An event that was decided and folded, not yet written. */
export interface Planned {
  readonly live: LiveTask;
  readonly before: TaskSnapshot | undefined;
  readonly recorded: { readonly header: EventHeader; readonly body: EventBody };
  /** Facts and body as they are stored. */
  readonly texts: { readonly facts: string; readonly body: string };
  readonly content: Uint8Array | null;
}

/** What a command comes to: an answer without a new event, or the events to write. */
export type Outcome = { kind: "answered"; recorded: Recorded | undefined } | { kind: "planned"; planned: Planned[] };

export interface PlanOptions {
  time: SteadyClock;
  ids: Ids;
  random: Random;
  logger: Logger;
  /** The decide function; the simulation plants bugs in it. */
  decide?: typeof decideTask | undefined;
  /** When the lease of a task ends if no heartbeat comes, for what losers of a claim are told. */
  leaseUntil(scope: string, taskId: TaskId): number | undefined;
}

/** What other tasks are told, which changes nothing of what it tells. */
function isNews({ name }: Command): boolean {
  return name === "delegation.return" || name === "replay.ended" || name === "replay.told";
}

/** What may be refused because another agent has the task. */
function isClaim({ name }: Command): boolean {
  return name === "tasks.claim" || name === "handoff.claim";
}

/** Turns commands into events. */
export interface Planner {
  /** @throws what the command is refused with. */
  plan(scope: ScopeBook, asked: Submission): Outcome;
  /** Offers a task to nobody again, because it cannot be read: it stands in no other's way. */
  park(scope: ScopeBook, taskId: TaskId): void;
}

/** Makes the planner. */
export function createPlanner(options: PlanOptions): Planner {
  const { time, ids, random } = options;
  const decide = options.decide ?? decideTask;

  function plan(scope: ScopeBook, asked: Submission): Outcome {
    const known = asked.commandId === undefined ? undefined : scope.store.eventByCommand(asked.commandId);
    if (known !== undefined) {
      if (!isSameContent(known.content, asked.content)) throw conflict(asked.commandId ?? "", known.seq);
      return { kind: "answered", recorded: toRecorded(scope.store, known.seq) };
    }
    const command = "name" in asked.command ? asked.command : nextClaim(scope, asked, asked.command);
    return command === undefined ? { kind: "answered", recorded: undefined } : planAll(scope, asked, command);
  }

  return { plan, park };

  function nextClaim(scope: ScopeBook, asked: Submission, claim: ClaimNext): Command | undefined {
    const targets = toClaimTargets(asked.by, claim.roles);
    const { upMs } = claim;
    for (;;) {
      const now = time.now();
      const untried =
        upMs === undefined ? undefined : scope.store.nextClaimable(targets.map(toNewcomerKey), before(now, upMs));
      const taskId = (untried ?? scope.store.nextClaimable(targets, now))?.taskId;
      if (taskId === undefined) return undefined;
      if (canLoad(scope, taskId))
        return { name: "tasks.claim", taskId, input: { roles: [...claim.roles], waitMs: 0, ...(untried && { upMs }) } };
      park(scope, taskId);
    }
  }

  function park({ store }: ScopeBook, taskId: TaskId): void {
    const row = store.task(taskId);
    for (const place of row === undefined ? [] : store.rowsOf(row.task).claimables) store.deleteClaimable(place);
    options.logger.log("error", "a task is parked: its journal cannot be read", { scope: store.name, taskId });
  }

  /** The command, then what other tasks must do with it. */
  function planAll(scope: ScopeBook, asked: Submission, first: Command): Outcome {
    const planned: Planned[] = [];
    const commands = [first];
    const now = time.now(); // one moment for what is decided and when
    for (const command of commands) {
      if (isNews(command) && !canLoad(scope, command.taskId)) continue; // a parked task takes none, and holds up nobody by that
      const live = scope.book.get(command.taskId);
      const decision = decideFor(scope, asked, command, live, now);
      if (decision.kind === "refused") throw decision.failure;
      if (decision.kind === "already") return { kind: "answered", recorded: toRecorded(scope.store, decision.seq) };
      if (decision.kind === "over") continue;
      const header = toHeader(scope, asked, command.taskId, decision.event, { planned, at: now.wall });
      const content = planned.length === 0 ? (asked.content ?? null) : null;
      const { body } = decision.event;
      const texts = { facts: JSON.stringify(header.facts), body: JSON.stringify(body) };
      if (texts.body.length * 3 > limits.bodyBytes) refuseLarge(texts.body); // three bytes a character at most
      planned.push({ ...fold(scope, live, header), recorded: { header, body }, texts, content });
      commands.push(...(decision.also ?? []));
    }
    return planned.length === 0 ? { kind: "answered", recorded: undefined } : { kind: "planned", planned };
  }

  function decideFor(
    scope: ScopeBook,
    asked: Submission,
    command: Command,
    live: LiveTask | undefined,
    { wall, steady }: Moment,
  ): Decision {
    const snapshot = live?.actor.snapshot();
    return decide(snapshot, command, {
      at: wall,
      leadMs: steady - wall,
      by: asked.by,
      jitter: toUnit(random),
      ids: new NewIds(ids),
      leaseUntil: live === undefined || !isClaim(command) ? undefined : options.leaseUntil(asked.scope, live.id),
      ...gatherFacts(scope.store, command, live, snapshot),
    });
  }

  /** The first event answers the caller's command; the others are caused by it. */
  function toHeader(
    scope: ScopeBook,
    asked: Submission,
    taskId: TaskId,
    event: Extract<Decision, { kind: "accepted" }>["event"],
    { planned, at }: { planned: readonly Planned[]; at: number },
  ): EventHeader {
    const first = planned[0]?.recorded.header;
    const causedBy = first?.id ?? asked.causedBy;
    return {
      seq: scope.store.head().seq + planned.length + 1,
      id: ids.next("evt"),
      type: event.type,
      taskId,
      epoch: event.epoch,
      at,
      by: first === undefined || first.taskId === taskId ? asked.by : "runtime",
      ...(first === undefined && asked.commandId !== undefined ? { commandId: asked.commandId } : {}),
      ...(causedBy === undefined ? {} : { causedBy }),
      facts: event.facts,
    } as EventHeader; // type and facts come from one decision
  }
}

/** The ids that a decision may need, each made when it is first read: most decisions need none. */
class NewIds implements DecisionIds {
  readonly #ids: Ids;
  #packet: PacketId | undefined;
  #child: TaskId | undefined;
  #delegation: DelegationId | undefined;
  #pause: PauseId | undefined;

  constructor(ids: Ids) {
    this.#ids = ids;
  }

  get packet(): PacketId {
    this.#packet ??= this.#ids.next("pkt");
    return this.#packet;
  }

  get child(): TaskId {
    this.#child ??= this.#ids.next("task");
    return this.#child;
  }

  get delegation(): DelegationId {
    this.#delegation ??= this.#ids.next("dlg");
    return this.#delegation;
  }

  get pause(): PauseId {
    this.#pause ??= this.#ids.next("pause");
    return this.#pause;
  }
}

function before({ wall, steady }: Moment, ms: number): Moment {
  return { wall: wall - ms, steady: steady - ms };
}

function refuseLarge(body: string): void {
  const bytes = Buffer.byteLength(body);
  if (bytes <= limits.bodyBytes) return;
  throw new AionisError(
    "MESSAGE_TOO_LARGE",
    `The texts and data are ${bytes} bytes; at most ${limits.bodyBytes} are kept in one event. Keep the rest in a file and name it.`,
  );
}

function canLoad(scope: ScopeBook, taskId: TaskId): boolean {
  try {
    scope.book.get(taskId);
    return true;
  } catch (error) {
    if (isUnreadable(error)) return false;
    throw error;
  }
}

function fold(scope: ScopeBook, live: LiveTask | undefined, header: EventHeader): Pick<Planned, "live" | "before"> {
  if (live === undefined) {
    if (header.type !== "task.created") throw new Error(`${header.type} is no first event`);
    return { live: scope.book.create(header), before: undefined };
  }
  const before = live.actor.snapshot();
  scope.book.touch(live);
  live.actor.fold(header);
  return { live, before };
}

/** An event as it stands in the journal. */
function toRecorded(store: ScopeStore, seq: number): Recorded {
  const stored = store.event(seq);
  if (stored === undefined) throw new Error(`event ${seq} of ${store.name} was just found and is not there`);
  return { header: decodeHeader(stored), body: decodeAnyBody(stored) };
}

function isSameContent(left: Uint8Array | null, right: Uint8Array | undefined): boolean {
  return (
    left !== null &&
    right !== undefined &&
    left.length === right.length &&
    left.every((byte, index) => byte === right[index])
  );
}

function conflict(commandId: string, seq: number): AionisError {
  return new AionisError(
    "IDEMPOTENCY_CONFLICT",
    `Command id ${commandId} was used with another content (event ${seq}); use a new id.`,
    {
      facts: { seq },
    },
  );
}
