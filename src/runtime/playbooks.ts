// Playbooks, as readers see them
//
// Where a playbook stands is in its task's state; what it says is in the body of the event that its state names.

import { decodeBody, decodeHeader, type Persistence } from "../../actors/index.ts";
import {
  isPlaybook,
  listPlaybookMissing,
  type PlaybookSnapshot,
  type ShownContent,
  toTaskState,
} from "../../machines/index.ts";
import type { EventHeader } from "../contracts/events.ts";
import { AionisError } from "../contracts/failures.ts";
import type { TaskId } from "../contracts/ids.ts";
import type { OperationName, OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { Playbook, PlaybookContent, PlaybookSummary, PlaybookVersion } from "../contracts/playbook.ts";
import { playbookKind } from "../contracts/values.ts";
import type { ScopeStore, StoredEvent } from "../kernel/store.ts";
import { diffContents } from "../playbook/index.ts";
import { toHostTaskId } from "./host-run.ts";
import { listTasks } from "./lists.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { given } from "./views.ts";

export interface PlaybookParts {
  scope: string;
  store: ScopeStore;
  persistence: Persistence;
}

/** A playbook as its task has it. */
export interface FoundPlaybook {
  id: TaskId;
  family: string | null;
  updatedAt: number;
  snapshot: PlaybookSnapshot;
}

type PlaybookQuery = Extract<
  OperationName,
  "playbooks.get" | "playbooks.versions" | "playbooks.diff" | "replay.run.get"
>;

/** The operations that read playbooks and runs as they are. */
export type PlaybookQueries = {
  [Name in PlaybookQuery]: (input: OperationParsed<Name>) => OperationOutput<Name>;
};

/** The events that change a playbook. */
const changes = [
  "playbook.compiled",
  "playbook.turned",
  "playbook.moved",
  "playbook.repaired",
  "playbook.reviewed",
] as const;
type ChangeType = (typeof changes)[number];

export function createPlaybookQueries(parts: PlaybookParts): PlaybookQueries {
  const { scope, store, persistence } = parts;

  return {
    "playbooks.get"({ id, version }) {
      const found = findPlaybook(parts, id);
      const shown = found.snapshot.context.content;
      if (version === undefined) return toPlaybook(store, found, { ...shown, state: found.snapshot.value });
      const change = findChange(store, id, version);
      return toPlaybook(store, found, { ...findContent(store, found, version), state: change.facts.to });
    },
    "playbooks.versions"({ id, after = 0, pageSize }) {
      findPlaybook(parts, id);
      const task = store.task(id)?.task;
      const range = { task, types: changes };
      const stored = store.events({ ...range, after, count: pageSize });
      const last = stored.at(-1)?.seq;
      const hasMore = last !== undefined && store.events({ ...range, after: last, count: 1 }).length > 0;
      return { versions: stored.map(toVersion), ...(hasMore ? { next: last } : {}) };
    },
    "playbooks.diff"({ id, from, to, other = id }) {
      const before = findContent(store, findPlaybook(parts, id), from);
      const after = findContent(store, findPlaybook(parts, other), to);
      return { changes: diffContents(readContent(store, before.seq), readContent(store, after.seq)) };
    },
    "replay.run.get"({ runId, taskId }) {
      const id = taskId ?? toHostTaskId(runId ?? ""); // the schema asks for one of the two
      const snapshot = persistence.snapshot(scope, id);
      const run = snapshot === undefined ? undefined : readRecordedRun(store, snapshot);
      if (snapshot === undefined || run === undefined)
        throw new AionisError("TASK_NOT_FOUND", `There is no run ${runId ?? id} in this scope.`);
      const { goal: brief, steps, checks, family, data, ...rest } = run;
      const shown = steps.map((step) => ({ ...step, files: [...step.files] }));
      return {
        ...rest,
        ...{ taskId: id, state: toTaskState(snapshot), brief, steps: shown, checks: [...checks] },
        ...given({ family, data }),
      };
    },
  };
}

/** A page of playbooks, newest first, in short parts. One of those that are passed over counts in the page. */
export function* listPlaybooks(
  parts: PlaybookParts,
  { states, pageSize, cursor }: OperationParsed<"playbooks.list">,
): Generator<void, OperationOutput<"playbooks.list">, void> {
  const { store } = parts;
  if (cursor !== undefined) findPlaybook(parts, cursor as TaskId); // it is only looked up
  const before = cursor === undefined ? undefined : store.task(cursor as TaskId)?.task;
  const page = yield* listTasks(store, { kind: playbookKind, before, pageSize }, ({ id }) => {
    const found = findPlaybook(parts, id);
    const fits = states === undefined || states.includes(found.snapshot.value);
    return fits ? toSummary(found, readContent(store, found.snapshot.context.content.seq)) : undefined;
  });
  return { playbooks: page.items.filter((item) => item !== undefined), ...given({ cursor: page.cursor }) };
}

/** @throws AionisError `PLAYBOOK_NOT_FOUND` */
export function findPlaybook({ scope, persistence }: PlaybookParts, id: TaskId): FoundPlaybook {
  const task = persistence.snapshot(scope, id);
  const playbook = task?.context.playbook;
  if (task !== undefined && playbook !== undefined && isPlaybook(task)) {
    const { family, updatedAt } = task.context;
    return { id, family, updatedAt, snapshot: playbook };
  }
  const is = task === undefined ? "" : `: it is a task of kind ${task.context.kind}`;
  throw new AionisError(
    "PLAYBOOK_NOT_FOUND",
    `There is no playbook ${id} in this scope${is}; playbooks.list shows those there are.`,
  );
}

/** What the event at `seq` says. @throws AionisError `PLAYBOOK_NOT_FOUND` when its text was erased. */
export function readContent(store: ScopeStore, seq: number): PlaybookContent {
  const stored = store.event(seq);
  const body = decodeBody(stored, "playbook.compiled") ?? decodeBody(stored, "playbook.repaired");
  if (body !== undefined) return body.content;
  throw new AionisError("PLAYBOOK_NOT_FOUND", `What event ${seq} said was erased.`);
}

export function toSummary(
  { id, family, updatedAt, snapshot }: FoundPlaybook,
  { title }: PlaybookContent,
): PlaybookSummary {
  const { value: state, context } = snapshot;
  const next = state === "draft" ? "shadow" : "active";
  return {
    ...{ id, title, state, version: context.version, updatedAt },
    ...given({ family, proposal: context.proposal?.version }),
    missing: state === "active" ? [] : listPlaybookMissing(snapshot, next),
  };
}

export function toPlaybook(
  store: ScopeStore,
  found: FoundPlaybook,
  { version, seq, state }: Pick<ShownContent, "version" | "seq"> & { state: PlaybookSummary["state"] },
): Playbook {
  const content = readContent(store, seq);
  return { ...toSummary(found, content), state, content, contentVersion: version };
}

function findChange(store: ScopeStore, id: TaskId, version: number): EventHeader<ChangeType> {
  const found = readChanges(store, id).find(({ facts }) => facts.version === version);
  if (found !== undefined) return found;
  throw new AionisError("PLAYBOOK_NOT_FOUND", `${id} has no version ${version}; playbooks.versions lists them.`);
}

/** The content that a version had: of what was compiled, or of the repair that was taken over last. */
function findContent(store: ScopeStore, { id }: FoundPlaybook, version: number): { version: number; seq: number } {
  let content: { version: number; seq: number } | undefined;
  let proposal = content;
  for (const { type, seq, facts } of readChanges(store, id)) {
    if (facts.version > version) break;
    if (type === "playbook.compiled") content = { version: facts.version, seq };
    if (type === "playbook.repaired") proposal = { version: facts.version, seq };
    if (type === "playbook.reviewed" && facts.act === "approve") content = proposal;
  }
  if (proposal?.version === version) return proposal;
  if (content !== undefined && findChange(store, id, version) !== undefined) return content;
  throw new AionisError("PLAYBOOK_NOT_FOUND", `${id} has no version ${version}; playbooks.versions lists them.`);
}

const changesMax = 1_000;

/** The first changes of a playbook. Replays that changed nothing are none. */
function readChanges(store: ScopeStore, id: TaskId): EventHeader<ChangeType>[] {
  const stored = store.events({
    task: store.task(id)?.task,
    after: 0,
    count: changesMax,
    types: changes,
    isWhole: true,
  });
  return stored.map((event) => decodeHeader(event) as EventHeader<ChangeType>); // of these types alone
}

function toVersion(stored: StoredEvent): PlaybookVersion {
  const { type, seq, id: eventId, by, at, facts } = decodeHeader(stored) as EventHeader<ChangeType>; // of these types alone
  const body = stored.body === null ? {} : (JSON.parse(stored.body) as { reason?: string; break?: { why: string } }); // of these types
  return {
    ...{ version: facts.version, state: facts.to, by, at, seq, eventId },
    change: toChange(type, facts),
    reason: body.reason ?? body.break?.why ?? reasonOf(type, facts),
    ...given({ approver: "approver" in facts ? facts.approver : undefined }),
    evidence: "evidence" in facts ? facts.evidence : [],
  };
}

/** Of a change that nobody gave words to. */
function reasonOf(type: ChangeType, facts: EventHeader<ChangeType>["facts"]): string {
  if ("sources" in facts)
    return `Compiled from ${facts.sources.length === 1 ? "a run" : `${facts.sources.length} runs`}.`;
  if (type !== "playbook.turned") return "Its text was erased.";
  return facts.to === "contested" ? "A replay failed." : "A dry run passed.";
}

function toChange(type: ChangeType, facts: EventHeader<ChangeType>["facts"]): PlaybookVersion["change"] {
  if (type === "playbook.turned") return facts.to === "contested" ? "contested" : "promoted";
  if (type === "playbook.moved") return facts.to === "disabled" ? "disabled" : "promoted";
  if (type === "playbook.reviewed") return "act" in facts && facts.act === "reject" ? "rejected" : "approved";
  return type === "playbook.repaired" ? "repaired" : "compiled";
}
