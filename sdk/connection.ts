import type { JournalEvent } from "../src/contracts/events.ts";
import { AionisError } from "../src/contracts/failures.ts";
import { checkObject, checkOptions } from "../src/contracts/options.ts";
import type { Task } from "../src/contracts/task.ts";
import { type ActorEvent, createNode, type InspectionNode } from "../src/inspect/node.ts";
import type { Clock } from "../src/kernel/clock.ts";
import { createIds } from "../src/kernel/ids.ts";
import type { Logger } from "../src/kernel/logger.ts";
import type { Random } from "../src/kernel/random.ts";
import type { Transport } from "../transport/index.ts";
import { createLocalQuestions, type LocalQuestions } from "./checkout.ts";
import { type Client, createClient } from "./client.ts";
import type { Handler } from "./context.ts";
import type { GitImport, GitImportOptions } from "./import-git.ts";
import { createWorkerLink } from "./link.ts";
import type { WorkerOptions } from "./parts.ts";
import { type DelegationNotice, type EventFilter, subscribeToDelegations, subscribeToEvents } from "./subscribe.ts";
import { startWorker, type Worker } from "./worker.ts";

/** How what goes on for long is called. */
export interface FollowOptions {
  /** Ends it when it fires, with its reason. */
  signal?: AbortSignal | undefined;
}

/** A client with its transport: what a program holds while it talks to a runtime. */
export interface Connection
  extends Omit<Client, "events" | "memory" | "tasks" | keyof LocalQuestions>,
    LocalQuestions,
    AsyncDisposable {
  readonly events: Client["events"] & {
    /** Every event that fits, each once, in order, from a sequence on and then live. */
    subscribe(filter?: EventFilter, options?: FollowOptions): AsyncGenerator<JournalEvent, void, void>;
  };
  /** The records of what was delegated; the verbs of `delegation`, and following them as they happen. */
  readonly delegationRecords: Client["delegation"] & {
    subscribe(
      filter?: Pick<EventFilter, "from">,
      options?: FollowOptions,
    ): AsyncGenerator<DelegationNotice, void, void>;
  };
  readonly memory: Client["memory"] & {
    /**
     * Takes over the history of the git repository that holds `folder`, a folder of this machine, as evidence: what it holds beyond earlier
     * imports, oldest first. What was taken over stays when it fails or is given up; asked again, it goes on from there.
     * @throws AionisError `INPUT_INVALID` with the fact `reason` when there is no repository, no commit, or nothing left of a history that
     *   was rewritten; `GIT_UNUSABLE`; the signal's reason.
     */
    importGit(folder: string, options?: GitImportOptions): Promise<GitImport>;
  };
  readonly tasks: Client["tasks"] & {
    /** Waits for the end of a task, however long it takes. @throws AionisError `TASK_NOT_FOUND` */
    result(taskId: Task["id"], options?: FollowOptions): Promise<{ task: Task; outcome: unknown }>;
  };
  /**
   * Starts a worker on this connection. It works until it is drained or stopped, or the connection is closed, which drains it.
   * @throws AionisError `INPUT_INVALID` when `concurrency` is not a whole number of at least 1, two tools have one name, or roles and tools
   *   are too many.
   */
  worker(options: WorkerOptions, handler: Handler): Worker;
  /**
   * For XState's option `inspect`: shows an actor of yours, and those under it, to viewers of inspection. Costs nothing while there are
   * none. What its context and its events hold is shown, cut and as JSON, unless its machine's root says `meta: { inspection: "states" }`.
   */
  inspect(event: ActorEvent): void;
  /** Drains the workers, lets calls in flight finish, lets go of the transport. Safe to call twice. */
  close(): Promise<void>;
}

export interface ConnectionOptions {
  transport: Transport;
  /** `tenant/project` */
  scope: string;
  /** Who this program is, where an operation is not called for another agent. */
  agent: string;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called after the workers have drained and before the transport does: ends what would only be waited for. */
  beforeDrain?: (() => void) | undefined;
  /** Shows the actors of this process to viewers; one of its own if absent. The connection closes it. */
  node?: InspectionNode | undefined;
}

/** A connection over an open transport, which it drains when it is closed. */
export function createConnection(options: ConnectionOptions): Connection {
  const { transport, clock, random } = options;
  const ids = createIds(clock, random);
  const link = createWorkerLink({ ...options, ids });
  const client = createClient({ ...options, ids });
  const questions = createLocalQuestions(client, clock);
  const node = options.node ?? createOwnNode(options);
  const workers = new Set<Worker>();
  const closing = new AbortController();

  function worker(workerOptions: WorkerOptions, handler: Handler): Worker {
    const started = startWorker(
      { client, questions, clock, logger: options.logger, link, inspect: node.inspect },
      workerOptions,
      handler,
    );
    workers.add(started);
    return started;
  }

  async function close(): Promise<void> {
    await Promise.all([...workers].map((started) => started.drain()));
    closing.abort(new AionisError("TRANSPORT_CLOSED", "The connection was closed."));
    options.beforeDrain?.();
    node.close();
    await transport.drain();
  }
  /** Fires with the caller's signal, and at the close. */
  function toSignal(given: FollowOptions): AbortSignal {
    checkOptions("follow", given);
    return given.signal === undefined ? closing.signal : AbortSignal.any([closing.signal, given.signal]);
  }

  async function result(taskId: Task["id"], given: FollowOptions = {}): Promise<{ task: Task; outcome: unknown }> {
    const signal = toSignal(given);
    for (;;) {
      const seen = await client.tasks.watch({ taskId, untilEnded: true, waitMs: 2_000 }, { signal });
      if (seen.hasEnded) return { task: seen.task, outcome: seen.content?.outcome };
    }
  }
  async function importHistory(folder: string, importOptions: GitImportOptions = {}): Promise<GitImport> {
    checkObject("memory.importGit", importOptions, "{ max: 100 }");
    const { importGit } = await import("./import-git.ts"); // with git's processes; most programs never need it
    const signal = toSignal({ signal: importOptions.signal });
    return await importGit(client, folder, { ...importOptions, signal });
  }

  return {
    ...client,
    ...questions,
    memory: { ...client.memory, importGit: importHistory },
    events: {
      ...client.events,
      subscribe: (filter = {}, given = {}) => {
        checkOptions("events.subscribe", filter);
        return subscribeToEvents(client, filter, toSignal(given));
      },
    },
    delegationRecords: {
      ...client.delegation,
      subscribe: (filter = {}, given = {}) => {
        checkOptions("delegationRecords.subscribe", filter);
        return subscribeToDelegations(client, filter, toSignal(given));
      },
    },
    tasks: { ...client.tasks, result },
    worker,
    inspect: node.inspect,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function createOwnNode(options: ConnectionOptions): InspectionNode {
  const node = createNode(options);
  node.join(options.transport);
  return node;
}
