// Machines: statecharts that fold events, and the functions that decide which events there are. Data and pure functions.

export { lessonMachine } from "./lesson.ts";
export { persistenceMachine } from "./persistence.ts";
export {
  type PlaybookContext,
  type PlaybookSnapshot,
  playbookMachine,
  type ShownContent,
} from "./playbook.ts";
export { runtimeMachine } from "./runtime.ts";
export {
  type Command,
  type CommandOf,
  type Decision,
  type DecisionIds,
  type Facts,
  type MemoryOperation,
  memoryOperations,
  type NewEvent,
  type PlaybookOperation,
  playbookOperations,
  type ReplayStart,
  type TaskOperation,
} from "./task/commands.ts";
export { isHostRun, isMemory, isPlaybook, isSession, isWork, type TaskContext } from "./task/context.ts";
export { joinChecks } from "./task/decide/create.ts";
export { canRevive } from "./task/decide/end.ts";
export { allowedFor, decide } from "./task/decide/index.ts";
export { toFirstLine } from "./task/decide/pause.ts";
export { blockersOf, contentOf, listMissing as listPlaybookMissing } from "./task/decide/playbook.ts";
export { toEnd, toReport } from "./task/decide/replay.ts";
export { taskMachine } from "./task/machine.ts";
export {
  encodeSnapshot,
  type PacketChange,
  type RowChanges,
  type StepPlace,
  stepOf,
  toRowChanges,
  toTitle,
} from "./task/projection.ts";
export {
  claimablesOf,
  fromTargetKey,
  isClaimable,
  isClaimed,
  isNewcomerKey,
  isOpen,
  isRunning,
  stateAfter,
  type TaskSnapshot,
  timersOf,
  toClaimTargets,
  toFirstSnapshot,
  toMachineSnapshot,
  toNewcomerKey,
  toSessionStatus,
  toTargetKey,
  toTaskSnapshot,
  toTaskState,
} from "./task/state.ts";
