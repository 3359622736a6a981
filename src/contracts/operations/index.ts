// Operations
//
// Every verb of the product, once. The typed client, the RPC server and the command line are made from this table, so that no
// surface is written twice.

import type { z } from "zod";
import { AionisError } from "../failures.ts";
import {
  delegationAggregate,
  delegationFind,
  delegationTree,
  handoffClaim,
  handoffDecline,
  handoffList,
  handoffOffer,
  handoffRecover,
  handoffReturn,
  handoffStore,
  handoffWithdraw,
} from "./handoff.ts";
import { eventsRead, runtimeStatus, storeBackup, storeRebuild, storeVerify } from "./journal.ts";
import {
  actionRetrieval,
  explain,
  feedback,
  memoryFind,
  memoryGet,
  memoryImport,
  memoryImports,
  memoryRecall,
  memoryReview,
  memoryWrite,
  nodesActivate,
  planningContext,
  recallReset,
  recallWeights,
  taskStart,
  tasksSettled,
} from "./memory.ts";
import {
  playbooksApprove,
  playbooksCandidate,
  playbooksCompile,
  playbooksDiff,
  playbooksDisable,
  playbooksDispatch,
  playbooksGet,
  playbooksList,
  playbooksMatch,
  playbooksPromote,
  playbooksReject,
  playbooksRepair,
  playbooksRepairReview,
  playbooksRun,
  playbooksVersions,
} from "./playbooks.ts";
import { replayRunEnd, replayRunGet, replayRunStart, replayStep, replayStepAfter, replayStepBefore } from "./replay.ts";
import { sessionsClose, sessionsCreate, sessionsEvent, sessionsEvents, sessionsList } from "./sessions.ts";
import {
  tasksAnswer,
  tasksCancel,
  tasksClaim,
  tasksComplete,
  tasksDelegate,
  tasksExplain,
  tasksFail,
  tasksGet,
  tasksHeartbeat,
  tasksList,
  tasksPause,
  tasksRelease,
  tasksRest,
  tasksResume,
  tasksStart,
  tasksStep,
  tasksSteps,
  tasksVerify,
  tasksWatch,
} from "./tasks.ts";

export { commonFailures, type Layer, type Operation } from "./operation.ts";

/** The table of operations by name. */
export const operations = {
  taskStart,
  planningContext,
  actionRetrieval,
  feedback,
  explain,
  "memory.write": memoryWrite,
  "memory.recall": memoryRecall,
  "memory.find": memoryFind,
  "memory.get": memoryGet,
  "memory.review": memoryReview,
  "memory.import": memoryImport,
  "memory.imports": memoryImports,
  "nodes.activate": nodesActivate,
  "recall.weights": recallWeights,
  "recall.reset": recallReset,
  "tasks.start": tasksStart,
  "tasks.get": tasksGet,
  "tasks.watch": tasksWatch,
  "tasks.list": tasksList,
  "tasks.explain": tasksExplain,
  "tasks.steps": tasksSteps,
  "tasks.claim": tasksClaim,
  "tasks.heartbeat": tasksHeartbeat,
  "tasks.release": tasksRelease,
  "tasks.step": tasksStep,
  "tasks.pause": tasksPause,
  "tasks.rest": tasksRest,
  "tasks.resume": tasksResume,
  "tasks.answer": tasksAnswer,
  "tasks.complete": tasksComplete,
  "tasks.verify": tasksVerify,
  "tasks.fail": tasksFail,
  "tasks.cancel": tasksCancel,
  "tasks.delegate": tasksDelegate,
  "tasks.settled": tasksSettled,
  "handoff.store": handoffStore,
  "handoff.recover": handoffRecover,
  "handoff.offer": handoffOffer,
  "handoff.claim": handoffClaim,
  "handoff.decline": handoffDecline,
  "handoff.withdraw": handoffWithdraw,
  "handoff.return": handoffReturn,
  "handoff.list": handoffList,
  "delegation.find": delegationFind,
  "delegation.aggregate": delegationAggregate,
  "delegation.tree": delegationTree,
  "replay.run.start": replayRunStart,
  "replay.step.before": replayStepBefore,
  "replay.step.after": replayStepAfter,
  "replay.step": replayStep,
  "replay.run.end": replayRunEnd,
  "replay.run.get": replayRunGet,
  "playbooks.compile": playbooksCompile,
  "playbooks.get": playbooksGet,
  "playbooks.list": playbooksList,
  "playbooks.versions": playbooksVersions,
  "playbooks.diff": playbooksDiff,
  "playbooks.promote": playbooksPromote,
  "playbooks.approve": playbooksApprove,
  "playbooks.reject": playbooksReject,
  "playbooks.disable": playbooksDisable,
  "playbooks.match": playbooksMatch,
  "playbooks.candidate": playbooksCandidate,
  "playbooks.run": playbooksRun,
  "playbooks.dispatch": playbooksDispatch,
  "playbooks.repair": playbooksRepair,
  "playbooks.repairReview": playbooksRepairReview,
  "sessions.create": sessionsCreate,
  "sessions.event": sessionsEvent,
  "sessions.events": sessionsEvents,
  "sessions.list": sessionsList,
  "sessions.close": sessionsClose,
  "events.read": eventsRead,
  "store.verify": storeVerify,
  "store.rebuild": storeRebuild,
  "store.backup": storeBackup,
  "runtime.status": runtimeStatus,
} as const;

export type OperationName = keyof typeof operations;

/** What a caller writes: defaults may be left out. */
export type OperationInput<Name extends OperationName> = z.input<(typeof operations)[Name]["input"]>;

/** The parsed input, defaults filled in. */
export type OperationParsed<Name extends OperationName> = z.output<(typeof operations)[Name]["input"]>;

export type OperationOutput<Name extends OperationName> = z.output<(typeof operations)[Name]["output"]>;

/** The operation called `name`. @throws AionisError `OPERATION_UNKNOWN` */
export function findOperation(name: string): (typeof operations)[OperationName] {
  if (Object.hasOwn(operations, name)) return operations[name as OperationName]; // just looked up
  throw new AionisError("OPERATION_UNKNOWN", `There is no operation "${String(name).slice(0, 80)}" in this version.`);
}
