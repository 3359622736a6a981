// Worker
//
// Claims tasks for an agent and runs a handler on each, as a client of public verbs. Owns: how many it holds, asking for more, ending. Does
// not own: what a run may do (`run.ts`), or whether what it records counts: that is decided by its epoch at the commit.
//
// Invariants:
//   K1. Nothing is claimed while `concurrency` handlers work. One that only waits for delegated work is not counted; it goes on at once when
//       that has ended, so that for a while there may be more.
//   K2. A run has its place until its handler has cleaned up, or the grace for that is over.
//   K3. Two handlers of one worker never work on the same task: when another claim of the task comes, the run before it ends, and the new
//       handler begins when the old one has cleaned up, or its grace is over.
//   K4. A worker that cannot reach the runtime keeps what it holds and asks again, without end, until it is stopped. One that is not
//       permitted to ask ends, and says so: its permissions are wrong until somebody corrects them, who can then start it again.

import { resolve } from "node:path";
import { createActor, type EventFromLogic } from "xstate";
import { workerMachine } from "../machines/worker.ts";
import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import { checkOptions } from "../src/contracts/options.ts";
import type { Assignment } from "../src/contracts/task.ts";
import { createProcessExec } from "../src/kernel/exec.ts";
import type { Handler } from "./context.ts";
import { tolerateRunEnded } from "./late-rejections.ts";
import type { WorkerOptions, WorkerParts } from "./parts.ts";
import { isReplay } from "./replay/progress.ts";
import { createReplay } from "./replay/replay.ts";
import { type Run, startRun } from "./run.ts";
import { createToolbox } from "./tools/toolbox.ts";

/** A worker at work. */
export interface Worker extends AsyncDisposable {
  readonly agent: string;
  state(): "connecting" | "idle" | "busy" | "draining" | "stopped";
  /** The tasks it holds. */
  tasks(): string[];
  /**
   * Takes nothing new and resolves when what it holds has ended, or when `timeoutMs` are over; then it ends the rest and gives it back as soon
   * as the handlers have cleaned up, in `graceMs` at most.
   */
  drain(options?: { timeoutMs?: number }): Promise<void>;
  /** Ends at once and gives nothing back: leases run out. Resolves when the handlers have cleaned up, in `graceMs` at most. */
  stop(): Promise<void>;
}

const claimWaitMs = 10_000; // as long as this a worker that died may still be granted a task, for a provisional lease
const answerMs = 50; // a claim that is not answered by then waits for a task
const claimsAtOnceMax = 8;
const retryMs = 500;

/** Starts a worker. */
export function startWorker(parts: WorkerParts, options: WorkerOptions, handler: Handler): Worker {
  const { client, clock, logger, link, inspect } = parts;
  checkOptions("worker", options);
  if (typeof handler !== "function") throw new AionisError("INPUT_INVALID", "worker: its handler is no function.");
  const concurrency = options.concurrency ?? 1;
  const toolbox = createToolbox(options.tools ?? []);
  const roles = [...(options.roles ?? []), ...toolbox.roles];
  if (roles.length > limits.roles) {
    throw new AionisError("INPUT_INVALID", `${roles.length} roles and tools are more than ${limits.roles}.`);
  }
  const expectNoMore = tolerateRunEnded();
  const workspace = resolve(options.workspace ?? options.cwd ?? "");
  const machine = createActor(workerMachine, { id: `worker ${options.agent}`, inspect }).start();
  const runs = new Map<string, Run>(); // by task, those that are on
  const unsettled = new Set<Run>();
  const exec = options.exec ?? createProcessExec(clock);
  const replay = createReplay({ toolbox, workspace, exec, options });
  const claims = new Set<Promise<void>>();
  const givenUp = new AbortController();
  let working = 0;
  let claimedAt = Number.NEGATIVE_INFINITY;
  let claimsAtOnce = 1; // one waits while there is nothing; what is there is fetched by several
  const startedAt = clock.mono();
  const tried = new Set<string>(); // tasks that wait for other code, while this worker is new
  let isNew = true; // until nothing is left that waits for other code and was not tried since its start
  let isDrained = false;
  const stats = { requests: 0, errors: 0, lastError: "", processingMs: 0 };
  let whenFree: (() => void)[] = [];

  /** XState warns on the console of events to an actor that has ended. */
  function tell(type: EventFromLogic<typeof workerMachine>["type"]): void {
    if (machine.getSnapshot().status === "active") machine.send({ type });
  }

  function isTaking(): boolean {
    const { value } = machine.getSnapshot();
    return value === "connecting" || value === "idle" || value === "busy";
  }

  async function takeTasks(): Promise<void> {
    while (isTaking()) {
      if (working + claims.size >= concurrency || claims.size >= claimsAtOnce) await free();
      else startClaim();
    }
  }

  function startClaim(): void {
    claimedAt = clock.mono();
    const claim = takeOne().then(() => {
      claims.delete(claim);
      whenFree.shift()?.();
    }); // it reports its own failures
    claims.add(claim);
  }

  async function takeOne(): Promise<void> {
    try {
      const up = isNew ? { upMs: Math.floor(clock.mono() - startedAt) } : {};
      const input = { roles, waitMs: claimWaitMs, ...up };
      const { assignment } = await client.tasks.claim(input, { agent: options.agent, signal: givenUp.signal });
      if (machine.getSnapshot().value === "connecting") tell("runtime.reached");
      claimsAtOnce = assignment === null ? 1 : Math.min(2 * claimsAtOnce, claimsAtOnceMax);
      isNew &&= assignment !== null && isFirstTry(assignment);
      if (assignment !== null) begin(assignment);
    } catch (error) {
      if (givenUp.signal.aborted) return;
      tell("runtime.lost");
      if (isFailure(error, "TRANSPORT_CLOSED", "TRANSPORT_DENIED", "RUNTIME_CHANGED", "INPUT_INVALID")) {
        logger.log("error", "a worker ended: it cannot claim", { agent: options.agent, error: String(error) });
        return end();
      }
      await new Promise<void>((resolve) => void clock.setTimer(retryMs, resolve)); // K4
    }
  }

  /** The runtime knows this worker's start only as exactly as calls are quick: a task that comes again is the last of them. */
  function isFirstTry({ taskId, openPauses }: Assignment): boolean {
    const isFirst = openPauses.some(({ concerns }) => concerns?.waitsForCode) && !tried.has(taskId);
    if (isFirst) tried.add(taskId);
    else tried.clear();
    return isFirst;
  }

  function begin(task: Assignment): void {
    if (!isTaking()) return refuse(task); // it ended while the claim was under way
    tell("run.began");
    stats.requests += 1;
    const beganAt = clock.mono();
    working += 1;
    const before = endRunsBefore(task);
    const run = startRun(
      { ...parts, options, exec, toolbox, workspace, task, before, slot: { release, acquire } },
      isReplay(task) ? replay : handler,
    );
    runs.set(task.taskId, run);
    unsettled.add(run);
    void run.ended.then(() => {
      if (runs.get(task.taskId) === run) runs.delete(task.taskId);
      count(run, clock.mono() - beganAt);
    });
    void run.settled.then((heldSlot) => {
      unsettled.delete(run);
      tell("run.ended");
      if (heldSlot) release();
    }); // a run reports its own failures
  }

  /** K3. Resolves when they have cleaned up; nothing where there are none. */
  function endRunsBefore({ taskId, epoch }: Assignment): Promise<unknown> | undefined {
    const before = [...unsettled].filter((run) => run.taskId === taskId);
    for (const run of before) run.loseTo(epoch);
    return before.length === 0 ? undefined : Promise.all(before.map(({ settled }) => settled));
  }

  function count(run: Run, ms: number): void {
    const failure = run.failure();
    stats.processingMs += ms;
    if (failure === undefined) return;
    stats.errors += 1;
    stats.lastError = failure;
  }

  /** A drained worker gives back what it no longer begins; a stopped one is as good as dead, and the lease runs out. */
  function refuse({ taskId, epoch }: Assignment): void {
    if (!isDrained) return;
    client.tasks
      .release({ taskId, epoch, reason: "The worker was drained." }, { agent: options.agent })
      .catch((error: unknown) =>
        logger.log("warn", "a claim could not be given back; its lease runs out", { taskId, error: String(error) }),
      );
  }

  function release(): void {
    working -= 1;
    whenFree.shift()?.();
  }

  /** K1 */
  function acquire(): void {
    working += 1;
  }

  function free(): Promise<void> {
    return new Promise((resolve) => void whenFree.push(resolve));
  }

  async function drain(drainOptions: { timeoutMs?: number } = {}): Promise<void> {
    checkOptions("drain", drainOptions);
    const { timeoutMs = 10_000 } = drainOptions;
    isDrained = true;
    tell("worker.drained");
    const ends: Promise<unknown>[] = [...unsettled].map((run) => run.settled);
    ends.push(claimsAnswered());
    let cancel = (): void => {};
    const timeout = new Promise<void>((resolve) => {
      cancel = clock.setTimer(timeoutMs, resolve);
    });
    await Promise.race([Promise.all(ends), timeout]);
    cancel();
    await Promise.all([...unsettled].map((run) => run.giveBack()));
    await stop();
  }

  /** A claim that was sent just now may be granted, and what it brings is given back; one that waits for a task can be given up. */
  async function claimsAnswered(): Promise<void> {
    const leftMs = claimedAt + answerMs - clock.mono();
    if (claims.size === 0 || leftMs <= 0) return;
    const late = new Promise<void>((resolve) => void clock.setTimer(leftMs, resolve));
    await Promise.race([Promise.all(claims), late]);
  }

  async function stop(): Promise<void> {
    end();
    await Promise.all([...unsettled].map((run) => run.settled));
    clock.defer(() => clock.defer(expectNoMore)); // what the last handler left behind is told of by then
  }

  function end(): void {
    tell("worker.stopped");
    givenUp.abort();
    for (const cut of links.splice(0)) cut();
    for (const run of runs.values()) run.abandon();
    const waiting = whenFree;
    whenFree = [];
    for (const resolve of waiting) resolve();
  }

  const links = [
    link.hearNotices(options.agent, (taskId) => runs.get(taskId)?.check()),
    link.announce({ agent: options.agent, roles }, () => stats),
  ];
  takeTasks().catch((error: unknown) => {
    logger.log("error", "a worker met a bug", { agent: options.agent, error: String(error) });
    end();
  });
  return {
    agent: options.agent,
    state: () => machine.getSnapshot().value,
    tasks: () => [...runs.keys()],
    drain,
    stop,
    [Symbol.asyncDispose]: () => drain(),
  };
}
