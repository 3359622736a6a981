// What a worker and its runs are made of: the options of a user, and what a connection hands in.

import type { Assignment } from "../src/contracts/task.ts";
import type { CheckResult } from "../src/contracts/values.ts";
import type { ActorEvent } from "../src/inspect/node.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { Exec } from "../src/kernel/exec.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { LocalQuestions } from "./checkout.ts";
import type { Client } from "./client.ts";
import type { WorkerLink } from "./link.ts";
import type { Tool } from "./tools/tool.ts";
import type { Toolbox } from "./tools/toolbox.ts";

/** A check that is a function of the worker's own, for checks without a command and conditions of playbooks. */
export type CheckFunction = (check: {
  task: Assignment;
  /** Fires when the run ends, or the check's time is over. */
  signal: AbortSignal;
  /** The absolute path of the folder to look at. */
  workspace: string;
  /** What a step gave back, when the check is a condition after it. */
  output?: unknown;
}) => Promise<Pick<CheckResult, "passed" | "output">>;

export interface WorkerOptions {
  /** Who works. Two workers of one name are one agent in two places. */
  agent: string;
  /** Which packets and tasks it may take, beside those for this agent and for anyone. */
  roles?: readonly string[];
  /** How many tasks at once; 1 if absent. */
  concurrency?: number;
  /** By name, the checks that are functions. */
  checks?: Readonly<Record<string, CheckFunction>>;
  /** Where commands and checks run if they name no folder; this process's if absent. */
  cwd?: string;
  /** The folder that tools work in and do not leave, relative to this process's; `cwd` if absent. */
  workspace?: string;
  /** What it can do by name, such as `builtInTools`; each is announced as the role `tool.<name>`. None if absent. */
  tools?: readonly Tool[];
  /** What runs commands; plain child processes if absent. */
  exec?: Exec;
  /**
   * How long, in milliseconds, a handler may clean up after its run has ended before its place is given to another task; 5,000 if absent.
   * A handler that goes on for longer is logged and not waited for.
   */
  graceMs?: number;
}

/** What a worker needs of its connection. */
export interface WorkerParts {
  client: Client;
  /** The client's questions, which look into a checkout. */
  questions: LocalQuestions;
  clock: Clock;
  logger: Logger;
  link: WorkerLink;
  /** Sees what becomes of the worker's actor. */
  inspect: (event: ActorEvent) => void;
}

/** What one run is made of. */
export interface RunParts extends WorkerParts {
  options: WorkerOptions;
  exec: Exec;
  toolbox: Toolbox;
  /** The absolute path of the folder that tools work in. */
  workspace: string;
  task: Assignment;
  /** Resolves when this worker's earlier runs of the task have cleaned up, and the handler may begin; absent when it may at once. */
  before: Promise<unknown> | undefined;
  /** The worker's slots: a run that only waits gives its own back. */
  slot: { release(): void; acquire(): void };
}
