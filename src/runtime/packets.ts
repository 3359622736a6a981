// Packets, as readers see them
//
// Recovering a packet, the lists of records, the tree of what a task delegated. Reads only: nothing is written for a packet that is looked at.

import type { Leases, Persistence } from "../../actors/index.ts";
import { isClaimed, isWork, type TaskSnapshot, toFirstLine } from "../../machines/index.ts";
import { type Moment, toWallTime } from "../contracts/due.ts";
import { AionisError } from "../contracts/failures.ts";
import type { PacketId, TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import { DelegationRecord } from "../contracts/packet.ts";
import { type StepIdentity, toStepLabel } from "../contracts/step.ts";
import type { TaskContent } from "../contracts/task.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { PacketFilter, PacketRow, ScopeStore, StoredEvent, TaskRow } from "../kernel/store.ts";
import { listLastSteps, listPackets } from "./lists.ts";
import { createTally } from "./tally.ts";
import { given, readContent, readPacket, toTask } from "./views.ts";

type Found = PacketRow & { taskId: TaskId };

export interface PacketParts {
  scope: string;
  store: ScopeStore;
  persistence: Persistence;
  leases: Leases;
  time: SteadyClock;
}

/** Reads a packet by its anchor, its id or its task; for a task that never had one, makes it from the journal. */
export function* recover(
  parts: PacketParts,
  input: OperationParsed<"handoff.recover">,
): Generator<void, OperationOutput<"handoff.recover">, void> {
  const row = findRow(parts.store, input);
  const taskId = row?.taskId ?? ("taskId" in input ? input.taskId : undefined);
  if (taskId === undefined) throw packetNotFound(input);
  const task = parts.store.task(taskId);
  const snapshot = task === undefined ? undefined : parts.persistence.snapshot(parts.scope, taskId);
  if (task === undefined || snapshot === undefined) throw taskNotFound(taskId);
  if (!isWork(snapshot)) throw packetNotFound(input); // nobody takes it over, so there is nothing to derive

  const stored = row === undefined ? undefined : readPacket(parts.store, row.seq);
  yield;
  const ownedUntil = isClaimed(snapshot) ? parts.leases.until(parts.scope, taskId) : undefined;
  const now = parts.time.now();
  return {
    ...(stored === undefined
      ? yield* derivePacket(parts.store, snapshot, { task: task.task, now })
      : { packet: stored, derived: false }),
    ...(row === undefined ? {} : { record: toRecord(row) }),
    task: toTask(snapshot, task.title, now),
    ...(ownedUntil === undefined ? {} : { ownedUntil }),
  };
}

/** A page of records, newest first. */
export function* listRecords(
  store: ScopeStore,
  kind: PacketFilter["kind"],
  input: OperationParsed<"delegation.find"> | OperationParsed<"handoff.list">,
): Generator<void, OperationOutput<"delegation.find">, void> {
  const { status, to, pageSize, cursor: before } = input;
  if (before !== undefined && store.packet(before) === undefined) {
    throw new AionisError("CURSOR_INVALID", `"${before}" is no cursor of this list; start without one.`);
  }
  const parentId = "parentId" in input ? input.parentId : undefined;
  const target = to === undefined ? undefined : JSON.stringify(to);
  const { items, cursor } = yield* listPackets(store, { before, pageSize, kind, status, target, parentId });
  return { records: items.map(toRecord), ...given({ cursor }) };
}

/** What became of all packets, by what they have in common, and what stands out. */
export function* aggregate(
  store: ScopeStore,
  { by, kind }: OperationParsed<"delegation.aggregate">,
): Generator<void, OperationOutput<"delegation.aggregate">, void> {
  const tally = createTally(by);
  for (let after: PacketId | undefined; ; ) {
    const page = store.packetFates({ after, count: limits.partRows });
    for (const fate of page) if (kind === undefined || fate.kind === kind) tally.add(fate);
    after = page.at(-1)?.packetId;
    if (after === undefined) break;
    yield;
  }
  const groups = tally.largest(limits.pageRows);
  return { groups, recommendations: groups.flatMap((group) => recommend(by, group)) };
}

const packetsToJudge = 3;
const completedToReuse = 5;
const completionToReuse = 0.9;

function recommend(
  by: string,
  group: OperationOutput<"delegation.aggregate">["groups"][number],
): OperationOutput<"delegation.aggregate">["recommendations"] {
  const { key, packets, completed, blocked, missing } = group;
  const whose = key === undefined ? `packets without ${by}` : `${by} ${key}`;
  const advice: string[] = [];
  if (packets >= packetsToJudge && blocked > completed) {
    advice.push(
      `${whose}: blocked ${blocked} times and completed ${completed}; look at what blocks it before sending more.`,
    );
  }
  if (missing >= packetsToJudge) advice.push(`${whose}: ${missing} packets were claimed and have not come back.`);
  if (completed >= completedToReuse && completed >= completionToReuse * packets) {
    advice.push(
      `${whose}: completed ${completed} of ${packets}; work that repeats so well is worth keeping as a pattern.`,
    );
  }
  return advice.map((text) => ({ ...(key === undefined ? {} : { key }), advice: text }));
}

/** What a task delegated, and what that delegated in turn, oldest first, from behind the task `cursor` on. */
export function* readTree(
  parts: PacketParts,
  { taskId, pageSize, cursor }: OperationParsed<"delegation.tree">,
): Generator<void, OperationOutput<"delegation.tree">, void> {
  const { store } = parts;
  const nodes: OperationOutput<"delegation.tree">["nodes"] = [];
  const path = cursor === undefined ? [findTask(store, taskId)] : findPath(store, taskId, cursor); // from the root to what is shown next
  let isLeft = cursor === undefined || goOn(store, path);
  while (isLeft) {
    const id = path.at(-1)?.id ?? taskId;
    nodes.push(toNode(parts, id, path.length - 1));
    isLeft = goOn(store, path);
    if (isLeft && nodes.length === pageSize) return { nodes, cursor: id };
    yield;
  }
  return { nodes };
}

type PathEntry = Pick<TaskRow, "id" | "task" | "parentId">;

/** To the first child, else to the next one of its parent, else of whoever is above; says whether there is one. */
function goOn(store: ScopeStore, path: PathEntry[]): boolean {
  const top = path.at(-1);
  const child = top === undefined ? undefined : store.nextChild(top.id, 0);
  if (child !== undefined) return path.push(child) > 0;
  for (let left = path.pop(); left !== undefined; left = path.pop()) {
    const parent = path.at(-1);
    const sibling = parent === undefined ? undefined : store.nextChild(parent.id, left.task);
    if (sibling !== undefined) return path.push(sibling) > 0;
  }
  return false;
}

/** From the root down to `id`. */
function findPath(store: ScopeStore, root: TaskId, id: TaskId): PathEntry[] {
  const path: PathEntry[] = [];
  for (
    let next = store.task(id);
    next !== undefined;
    next = next.parentId === null ? undefined : store.task(next.parentId)
  ) {
    path.unshift(next);
    if (next.id === root) return path;
  }
  findTask(store, root);
  throw new AionisError("CURSOR_INVALID", `"${id}" is no task below ${root}; start without a cursor.`);
}

function findTask(store: ScopeStore, id: TaskId): TaskRow {
  return store.task(id) ?? noTask(id);
}

function toNode(
  { store, persistence, scope, time }: PacketParts,
  id: TaskId,
  level: number,
): OperationOutput<"delegation.tree">["nodes"][number] {
  const row = findTask(store, id);
  const snapshot = persistence.snapshot(scope, id) ?? noTask(id);
  const record = store.packetsOf(row.task).find(({ kind }) => kind === "delegation");
  return {
    task: toTask(snapshot, row.title, time.now()),
    level,
    ...given({ record: record === undefined ? undefined : toRecord({ ...record, taskId: id }) }),
  };
}

function findRow(store: ScopeStore, input: OperationParsed<"handoff.recover">): Found | undefined {
  if ("anchor" in input) return store.packetByAnchor(input.anchor);
  if ("packetId" in input) return store.packet(input.packetId);
  const row = store.task(input.taskId);
  const newest = row === undefined ? undefined : store.packetsOf(row.task).at(-1);
  return newest === undefined ? undefined : { ...newest, taskId: input.taskId };
}

type Derived = Pick<OperationOutput<"handoff.recover">, "packet" | "derived" | "omitted">;

/** What the next worker must know of a task that nobody wrote a packet for: its brief, and the last steps that are recorded. */
function* derivePacket(
  store: ScopeStore,
  snapshot: TaskSnapshot,
  { task, now }: { task: number; now: Moment },
): Generator<void, Derived, void> {
  const { stage } = snapshot.context;
  const count = store.countSteps({ task, stage }); // at the moment of the last one that is read
  const steps = yield* listLastSteps(store, { task, stage, count: limits.listItems });
  const [first] = steps;
  const omitted = Math.max(0, count - steps.length);
  return {
    packet: yield* toPacket(store, snapshot, { steps, now }),
    derived: true,
    ...(first === undefined || omitted === 0 ? {} : { omitted: { steps: omitted, before: first.seq } }),
  };
}

function* toPacket(
  store: ScopeStore,
  snapshot: TaskSnapshot,
  { steps, now }: { steps: readonly StoredEvent[]; now: Moment },
): Generator<void, Derived["packet"], void> {
  const { context } = snapshot;
  const content = yield* readContent(store, snapshot, now);
  const facts = steps.map(({ type, facts: text, at }) => {
    return `${type} ${toStepLabel(JSON.parse(text) as StepIdentity)} at ${at}`; // the facts of a step's event
  });
  const last = facts.at(-1);
  return {
    taskId: context.id,
    kind: "handoff",
    from: context.owner ?? { agent: context.lastAgent ?? "runtime" },
    to: context.to,
    stage: context.stage,
    offeredAt: context.updatedAt,
    brief: content.brief ?? "The brief was erased.",
    nextAction: last === undefined ? "Begin: nothing is recorded yet." : `Go on after ${last}.`,
    files: content.files,
    checks: content.checks,
    constraints: { change: [], remove: [], keep: [] },
    facts,
    rejected: [],
    blockers: content.pauses.map(toBlocker),
    services: [],
    artifacts: [],
    evidence: [],
    lessons: [],
    ...(content.data === undefined ? {} : { data: content.data }),
    ...(context.deadlineAt === null ? {} : { deadlineAt: toWallTime(context.deadlineAt, now) }),
  };
}

/** An open pause is what holds the work up. */
function toBlocker({ pauseId, asks, question }: TaskContent["pauses"][number]): string {
  return asks
    ? `${pauseId} waits for an answer: ${toFirstLine(question) ?? "its question was erased"}`
    : `${pauseId} waits for a resume`;
}

function toRecord(row: Found): DelegationRecord {
  const optional = {
    parentId: row.parentId,
    delegationId: row.delegationId,
    family: row.family,
    anchor: row.anchor,
    claimedAt: row.claimedAt,
    claimedBy: row.claimedBy,
    endedAt: row.endedAt,
    outcome: row.outcome,
  };
  const record = DelegationRecord.safeParse({
    packetId: row.packetId,
    kind: row.kind,
    taskId: row.taskId,
    from: readJson(row.from),
    to: readJson(row.target),
    stage: row.stage,
    status: row.status,
    offeredAt: row.offeredAt,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== null)),
  });
  if (record.success) return record.data;
  throw new AionisError(
    "JOURNAL_DAMAGED",
    `The row of packet ${row.packetId} is not one that was written. A rebuild makes it again from the journal.`,
    { facts: { taskId: row.taskId } },
  );
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the record then lacks it, and is refused
  }
}

function packetNotFound(input: object): AionisError {
  const asked = JSON.stringify(input).slice(0, 200);
  return new AionisError(
    "PACKET_NOT_FOUND",
    `There is no packet for ${asked} in this scope; handoff.list shows those there are.`,
  );
}

function noTask(taskId: TaskId): never {
  throw taskNotFound(taskId);
}

function taskNotFound(taskId: TaskId): AionisError {
  return new AionisError(
    "TASK_NOT_FOUND",
    `There is no task ${taskId} in this scope; list tasks to see those there are.`,
  );
}
