// The typed client, and how to reach a runtime with it.

export {
  type NatsPermissions,
  toRuntimePermissions,
  toViewerPermissions,
  toWorkerPermissions,
} from "../transport/nats/permissions.ts"; // not through the face, which loads the client of NATS
export type { LocalQuestion } from "./checkout.ts";
export type { CallOptions, Client } from "./client.ts";
export { type ConnectOptions, connect, openTransport, toDefaultScope, toSocketPath } from "./connect.ts";
export { type Connection, createConnection } from "./connection.ts";
export type {
  Completion,
  Handler,
  HandoffOffer,
  Question,
  RunContext,
  RunOptions,
} from "./context.ts";
export type { Delegated } from "./delegations.ts";
export type { Duration } from "./duration.ts";
export type { Guidance } from "./guidance.ts";
export type { GitImport, GitImportOptions, GitImportProgress } from "./import-git.ts";
export { connectToNats, type NatsAddress } from "./nats.ts";
export type { Delegation } from "./part-ids.ts";
export type { CheckFunction, WorkerOptions } from "./parts.ts";
export { RunEnded, type RunEndReason } from "./run-ended.ts";
export type { StepCall, StepOptions } from "./steps.ts";
export type { DelegationNotice, EventFilter } from "./subscribe.ts";
export {
  builtInTools,
  commandTool,
  defineTool,
  fileTools,
  type Tool,
  type ToolCall,
  type ToolDefinition,
} from "./tools/index.ts";
export type { Worker } from "./worker.ts";
