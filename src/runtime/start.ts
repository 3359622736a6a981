// Runtime
//
// Composes a runtime on an open store and a transport: persistence, leases, timers, outbox, high-water mark, RPC. Owns: their order of
// start and end, and what follows from a commit. Does not own: opening the store, choosing the transport.

import { createActor } from "xstate";
import {
  type Committed,
  checkMark,
  createHighWaterMark,
  createLearner,
  createLeases,
  createOutbox,
  createPersistence,
  createTimers,
  type Leases,
  type Outbox,
  type Timers,
} from "../../actors/index.ts";
import type { decide } from "../../machines/index.ts";
import { isClaimed, isHostRun, isOpen, runtimeMachine, type TaskContext } from "../../machines/index.ts";
import { createSubjects, type EndpointStats, encode, type Transport } from "../../transport/index.ts";
import type { EventType } from "../contracts/events.ts";
import { AionisError, isUnreadable } from "../contracts/failures.ts";
import type { FamilyRulesInput } from "../contracts/family.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { InspectionNode } from "../inspect/node.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Faults } from "../kernel/faults.ts";
import type { Ids } from "../kernel/ids.ts";
import type { Logger } from "../kernel/logger.ts";
import type { MarkFile } from "../kernel/mark-file.ts";
import type { Random } from "../kernel/random.ts";
import type { SteadyClock } from "../kernel/steady-clock.ts";
import type { Store } from "../kernel/store.ts";
import { createAdmission } from "./admission.ts";
import { toClaimAnswer } from "./commands.ts";
import { createEmbeddings, type Embedding } from "./embeddings.ts";
import { createFamilies } from "./families.ts";
import { createQueries } from "./queries.ts";
import { createReader, type Reader } from "./reader.ts";
import { createRefuse, createRpcHandler } from "./rpc.ts";
import { createScopeTime } from "./scope-time.ts";
import { createSlices } from "./slices.ts";
import type { BackupParts } from "./store-works.ts";
import { createToolsSeen } from "./tools-seen.ts";
import { turnsOf } from "./turns.ts";
import { createWaiting } from "./waiting.ts";
import { createWorks } from "./works.ts";

export interface RuntimeOptions {
  /** `tenant/project` */
  scope: string;
  /** An open store; the runtime closes it. */
  store: Store;
  /** Where calls come from first; the runtime drains it. */
  transport: Transport;
  /** Where the high-water mark is kept; none for a store in memory. */
  markFile?: MarkFile | undefined;
  clock: Clock;
  ids: Ids;
  random: Random;
  faults: Faults;
  logger: Logger;
  /** How long a claim lasts without a heartbeat. */
  leaseMs?: number | undefined;
  /** How many bytes of calls may wait, be worked on and be answered at a time. */
  callBytes?: number | undefined;
  /** Shows the runtime's own actors, on `transport` too; the runtime closes it. */
  node?: InspectionNode | undefined;
  /** Whether it learns from its journal. One that does not answers from what was learned before. */
  learns?: boolean | undefined;
  /** Gives vectors of texts, for one more signal in the ranking of lessons. */
  embedding?: Embedding | undefined;
  /** What work of a family has to show before it is done. */
  families?: FamilyRulesInput | undefined;
  /** The decide function; the simulation plants bugs in it. */
  decide?: typeof decide | undefined;
  /** Copies the store and opens the copy to verify it. */
  backUp?: ((path: string, parts: BackupParts) => Promise<{ bytes: number; events: number }>) | undefined;
  /** Called once when the store has failed for good; by then the runtime is closing. */
  onFailed?: ((failure: AionisError) => void) | undefined;
}

export interface Runtime {
  /** Reads its scope from this process. */
  readonly reader: Reader;
  /** By which waits are measured. */
  readonly time: SteadyClock;
  /**
   * Takes calls from another transport too, which the runtime drains when it closes. Returns what it has served there so far.
   * @throws AionisError `RUNTIME_CLOSED`; then the transport stays the caller's.
   */
  serve(transport: Transport): () => EndpointStats;
  /** Wakes it after each commit, and closes it before the store. */
  follow(follower: Follower): void;
  /** Answers the calls that wait, and every later one, at once. */
  endWaits(): void;
  /** Lets calls in flight finish, writes the mark, closes the store. Safe to call twice. */
  close(): Promise<void>;
}

/** Something that follows the journal as it grows. */
export interface Follower {
  /** There was a commit. */
  wake(committed: readonly Committed[]): void;
  close(): Promise<void>;
}

const leaseMsDefault = 10_000;
const ownedStates = ["running", "paused", "verifying"]; // a paused task has an owner while other work of it goes on
const endsFromOutside: readonly EventType[] = ["task.cancelled", "deadline.passed", "lease.expired"];
const pauseEnds: readonly EventType[] = ["task.answered", "task.resumed", "pause.expired"];

/**
 * Starts a runtime. It answers calls when the promise resolves.
 * A journal that does not reach its high-water mark is served read-only; `runtime.status` says why.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { scope, store, clock, logger, node } = options;
  const families = createFamilies(options.families);
  const observed = node === undefined ? {} : { inspect: node.inspect };
  const machine = createActor(runtimeMachine, { input: { scope }, ...observed }).start();
  const scopeStore = store.scope(scope);
  const subjects = createSubjects(fromScopeName(scope));

  let shiftKept = Promise.resolve();
  const time = createScopeTime({
    clock,
    store: scopeStore,
    onShift() {
      shiftKept = persistence.chore(scope, () => {}).catch(() => {}); // a store that takes nothing keeps it no better
    },
  });
  const leases: Leases = createLeases({
    clock,
    leaseMs: options.leaseMs ?? leaseMsDefault,
    onExpired: ({ taskId, epoch, isShort }) => inBackground({ name: "lease.expire", taskId, epoch, isShort }),
  });
  const persistence = createPersistence({
    ...options,
    ...observed,
    // a claim that wins in this very turn has its lease after the commit
    leaseUntil: (of, taskId) => leases.until(of, taskId) ?? clock.now() + leases.leaseMs,
    match: (_scope, target, after) => waiting.match(target, after),
    answer: (_scope, { header }, after) =>
      toClaimAnswer(header, after, { store: scopeStore, leaseMs: leases.leaseMs, time: time.clock }),
    time: time.clock,
    beforeCommit: time.write,
    onCommitted: follow,
    onFailed(failure) {
      const { code, detail } = failure;
      logger.log("error", "the store failed; the runtime closes", { code, detail });
      mark?.drop();
      close().catch((error: unknown) => logger.log("error", "the runtime could not close", { error: String(error) }));
      options.onFailed?.(failure);
    },
  });
  const submit = (command: Parameters<typeof persistence.submit>[0]["command"], causedBy?: string) =>
    persistence.submit({ scope, by: "runtime", command, causedBy, isInternal: true });
  const timers: Timers = createTimers({
    clock,
    time: time.clock,
    store: scopeStore,
    async fire({ taskId, kind, entry }) {
      options.faults.at("timer.fire");
      const recorded = await submit({ name: "timer.fire", taskId, kind: kind as "deadline", entry }); // rows hold the kinds that states ask for
      return recorded !== undefined;
    },
    onError: suspendFor,
  });
  const outbox: Outbox = createOutbox({
    clock,
    store: scopeStore,
    async deliver({ taskId, causedBy }) {
      await submit({ name: "parent.ended", taskId }, causedBy);
    },
    onError: suspendFor,
  });
  const waiting = createWaiting({ clock, time: time.clock, store: scopeStore });
  const mark =
    options.markFile === undefined ? undefined : createHighWaterMark({ store, file: options.markFile, clock, logger });
  const readMark = async (): Promise<AionisError | undefined> => checkMark(store, await options.markFile?.read());
  const marked = await options.markFile?.read();
  const refused = store.cannotRecord ?? checkMark(store, marked);
  if (refused !== undefined) persistence.suspend(refused);
  else if (marked === undefined) await mark?.begin();

  const learner = createLearner({
    ...{ scope, store: scopeStore, persistence, clock, logger },
    isStoreFailure: (error) => store.failureOf(error) !== undefined,
  });
  const embeddings = options.embedding === undefined ? undefined : createEmbeddings(options.embedding, options);
  const memory = { scope, store: scopeStore, persistence, learner, clock, embeddings };
  const tools = createToolsSeen(clock);
  const playbooks = { scope, store: scopeStore, persistence, learner, tools, ids: options.ids, families };
  const parts = { scope, store, persistence, leases, waiting, clock, time: time.clock, memory, playbooks, families };
  const works = createWorks(clock);
  const turns = turnsOf(clock);
  const queries = createQueries({
    ...parts,
    works,
    slices: { quick: createSlices({ clock, turns: turns.quick }), slow: createSlices({ clock, turns: turns.slow }) },
    checkMark: readMark,
    backUp: options.backUp ?? cannotBackUp,
    learns: options.learns === true,
    isServing: () => machine.getSnapshot().value === "serving",
    onRebuilt() {
      timers.arm();
      outbox.send();
    },
  });
  const stopWatching = store.watch(clock, (failure) => persistence.suspend(failure));
  const handler = createAdmission({
    handle: createRpcHandler({ ...options, ...parts, queries }),
    refuse: createRefuse(store.id),
    commandsWaiting: persistence.waiting,
    callBytes: options.callBytes,
    clock,
  });
  const served = new Map<Transport, () => void>();
  const followers: Follower[] = [];
  let closing: Promise<void> | undefined;
  try {
    await recover();
  } catch (error) {
    await close(); // what it has armed would go on in a process that has no runtime
    throw error;
  }
  machine.send({ type: "runtime.started" });
  serve(options.transport);
  node?.join(options.transport);

  function serve(transport: Transport): () => EndpointStats {
    if (machine.getSnapshot().value !== "serving")
      throw new AionisError("RUNTIME_CLOSED", "The runtime closes and takes no calls; start it again.");
    const counted = countRequests(handler, clock);
    served.set(transport, transport.serve(subjects.rpcPattern, "runtime", counted.handler));
    transport.onState((state) => {
      if (state === "connected") sayUp(transport);
    });
    sayUp(transport);
    machine.send({ type: "transport.served", kind: transport.kind });
    return counted.stats;
  }

  /** Whoever waits for a reply that this runtime's forerunner owed, or that was lost with a connection, asks again at once. */
  function sayUp(transport: Transport): void {
    transport.publish(subjects.up, encode({ store: store.id }));
  }

  /** L4, T1, I8: what was under way when the last runtime ended. In parts, so that the program around it does not stand still. */
  async function recover(): Promise<void> {
    let before: number | undefined;
    do {
      const { tasks, next } = scopeStore.tasksWithin({ states: ownedStates, before, count: limits.partRows });
      for (const { id } of tasks) grantAgain(id);
      before = next;
      if (next !== undefined) await new Promise<void>((resolve) => clock.defer(resolve));
    } while (before !== undefined);
    timers.arm();
    outbox.send();
    if (options.learns === true) learner.wake([]);
  }

  /** A task that is claimed has a lease again. */
  function grantAgain(taskId: TaskId): void {
    const context = readContext(taskId);
    const { owner, epoch } = context ?? {};
    if (owner != null && epoch !== undefined && context !== undefined && !isHostRun({ context }))
      leases.grant({ scope, taskId, epoch, agent: owner.agent });
  }

  /** Where a task stands. One that cannot be folded has no lease, and stands in no other's way. */
  function readContext(taskId: TaskId): TaskContext | undefined {
    try {
      return persistence.snapshot(scope, taskId)?.context;
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      logger.log("error", "a task is left alone: its journal cannot be read", { taskId, error: String(error) });
      return undefined;
    }
  }

  /** What follows from a commit, in memory. */
  function follow(committed: readonly Committed[]): void {
    time.committed();
    for (const event of committed) followLease(event);
    waiting.follow(committed);
    if (committed.some(({ recorded }) => !recorded.header.type.startsWith("step."))) timers.arm();
    if (committed.some(({ after }) => !isOpen(after) && after.context.childrenOpen.length > 0)) outbox.send();
    if (committed.length === 0) return;
    mark?.note();
    if (options.learns === true) learner.wake(committed);
    for (const follower of followers) follower.wake(committed);
    for (const event of committed) notify(event);
  }

  /** The owner of a task that was ended from outside, or got an answer, need not find out by its next heartbeat. It may never hear of it. */
  function notify({ recorded, after }: Committed): void {
    const { type, taskId } = recorded.header;
    const { owner, lastAgent } = after.context;
    const agent = endsFromOutside.includes(type) ? lastAgent : pauseEnds.includes(type) ? owner?.agent : undefined;
    if (agent == null) return;
    const subject = subjects.control(agent);
    for (const transport of served.keys()) transport.publish(subject, encode({ taskId }));
  }

  function followLease({ recorded, after, hasWaited }: Committed): void {
    const { taskId, by } = recorded.header;
    const { owner, epoch } = after.context;
    if (isHostRun(after)) return; // nobody renews it: the host ends it
    if (!isClaimed(after) || owner === null) leases.drop(scope, taskId);
    else if (owner.agent === by) leases.grant({ scope, taskId, epoch, agent: by }, hasWaited ? "short" : "whole"); // who records is alive
  }

  /** A store that cannot be read is not written to either. */
  function suspendFor(error: unknown): void {
    const failure = store.failureOf(error);
    logger.log("error", "rows could not be read", { error: String(error) });
    if (failure !== undefined) persistence.suspend(failure);
  }

  function inBackground(command: Parameters<typeof submit>[0]): void {
    submit(command).catch((error: unknown) =>
      logger.log("warn", "a command of the runtime failed", { error: String(error) }),
    );
  }

  function close(): Promise<void> {
    closing ??= shutDown();
    return closing;
  }

  /** The program may have no other copy of what it was told is recorded. */
  async function saveAside(): Promise<void> {
    try {
      const path = await store.saveAside();
      if (path !== undefined) logger.log("error", "what the store held was saved", { path });
    } catch (error) {
      logger.log("error", "what the store held could not be saved", { error: String(error) });
    }
  }

  async function shutDown(): Promise<void> {
    machine.send({ type: "runtime.closing" });
    for (const stopServing of served.values()) stopServing();
    const transports = [...served.keys()];
    served.clear(); // nothing is said on a transport that drains
    waiting.close();
    node?.close();
    await Promise.all(transports.map((transport) => transport.drain()));
    await works.ended(); // given up at their next slice, they leave nothing half done
    await Promise.all(followers.map((follower) => follower.close()));
    await learner.close();
    time.clock.now(); // a shift that nobody met yet is kept for the next process
    await shiftKept;
    timers.close();
    outbox.close();
    leases.close();
    persistence.close();
    stopWatching();
    await saveAside();
    await mark?.close();
    store.close();
    machine.send({ type: "runtime.closed" });
  }

  return {
    reader: createReader(queries, clock),
    time: time.clock,
    serve,
    follow: (follower) => void followers.push(follower),
    endWaits: waiting.close,
    close,
  };
}

/** The handler, counted. A refusal is an answer; an error is a bug that the handler did not turn into one. */
function countRequests(handler: ReturnType<typeof createAdmission>, clock: Pick<Clock, "mono">) {
  let requests = 0;
  let errors = 0;
  let lastError = "";
  let processingMs = 0;
  return {
    async handler(request: Parameters<typeof handler>[0]) {
      const from = clock.mono();
      requests += 1;
      try {
        return await handler(request);
      } catch (error) {
        errors += 1;
        lastError = String(error);
        throw error;
      } finally {
        processingMs += clock.mono() - from;
      }
    },
    stats: (): EndpointStats => ({ requests, errors, lastError, processingMs }),
  };
}

function cannotBackUp(): never {
  throw new Error("this runtime was started without a way to open a copy of its store");
}
