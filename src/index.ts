import "./node-version.ts";

export {
  builtInTools,
  type CallOptions,
  type CheckFunction,
  type Client,
  type Completion,
  type Connection,
  type ConnectOptions,
  commandTool,
  connect,
  type Delegated,
  type Delegation,
  type DelegationNotice,
  type Duration,
  defineTool,
  type EventFilter,
  fileTools,
  type GitImport,
  type GitImportOptions,
  type GitImportProgress,
  type Guidance,
  type Handler,
  type HandoffOffer,
  type LocalQuestion,
  type Question,
  type RunContext,
  RunEnded,
  type RunEndReason,
  type RunOptions,
  type StepCall,
  type StepOptions,
  type Tool,
  type ToolCall,
  type ToolDefinition,
  type Worker,
  type WorkerOptions,
} from "../sdk/index.ts";
export type { RuntimeAddress } from "./address.ts";
export { EndCode, type EndMark, EndReason } from "./contracts/ending.ts";
export type { JournalEvent } from "./contracts/events.ts";
export { AionisError, type FailureCode, failures, isFailure } from "./contracts/failures.ts";
export type { TaskId } from "./contracts/ids.ts";
export type { Jsonify } from "./contracts/json.ts";
export { limits } from "./contracts/limits.ts";
export {
  type OperationInput,
  type OperationName,
  type OperationOutput,
  operations,
} from "./contracts/operations/index.ts";
export { type OperationSchemas, toJsonSchemas } from "./contracts/operations/json-schema.ts";
export type { DelegationRecord, Packet, PacketInput, Return } from "./contracts/packet.ts";
export type { Condition, Playbook, PlaybookContent, PlaybookPatch } from "./contracts/playbook.ts";
export type { Session, SessionEvent } from "./contracts/session.ts";
export type { StepReceipt } from "./contracts/step.ts";
export type { Ack, Assignment, Explanation, Task, TaskState } from "./contracts/task.ts";
export { type CreateRuntimeOptions, createRuntime, type EmbeddedRuntime } from "./embedded.ts";
export type { InspectorOptions } from "./inspect/options.ts";
