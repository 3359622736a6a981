// Simulate
//
// One run: a seed gives its processes, its faults and its order. First faults happen, then they stop and everything must come to an end;
// then the journal is checked.

import { decodeHeader } from "../../actors/events.ts";
import { verifyScope } from "../../actors/refold.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import { sha256, toHex } from "../../src/kernel/digest.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { Chaos, createMemoryBus } from "../../transport/index.ts";
import { takeAmbientAway } from "./ambient.ts";
import { type Acked, checkHistory } from "./checker.ts";
import { createFaults, drawRates, type FaultSource } from "./faults.ts";
import { createRuntimeNode, type PlantedBug, ProcessDied, type RuntimeNode, scopeName } from "./node.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { launchSdkWorker } from "./sdk-worker.ts";
import { runDriver, runWorker } from "./worker.ts";
import { createProcess, type Process, type World, wait } from "./world.ts";

export interface RunResult {
  seed: number;
  violations: string[];
  /** A hash of the journal and of what was acknowledged: equal for equal runs. */
  trace: string;
  faults: readonly string[];
  events: EventHeader[];
  acknowledged: number;
  deaths: number;
  steps: number;
  virtualMs: number;
}

export interface RunOptions {
  seed: number;
  bug?: PlantedBug | undefined;
  /** Exactly these faults, instead of drawn ones. */
  plan?: ReadonlySet<string> | undefined;
}

/** Whether one of these happens is for the fault source to say. */
const rough = { lose: 0.5, double: 0.5, reorder: 0.5 };
const never = new Promise<never>(() => {});
const faultyMs = 25_000;
const healMs = 240_000;
const stepsMax = 60_000;

/** Runs one seed. */
export async function simulate({ seed, bug = {}, plan }: RunOptions): Promise<RunResult> {
  const random = createSeededRandom(seed);
  const violations: string[] = [];
  const scheduler = createScheduler(createSeededRandom(seed ^ 0x5bd1e995), (error) => {
    if (!(error instanceof ProcessDied)) violations.push(`a process met a bug: ${String(error)}`);
  });
  const rates = drawRates(createSeededRandom(seed ^ 0x1b873593));
  const faults = createFaults({ random: createSeededRandom(seed ^ 0x2545f491), rates, plan });
  const run = createRun(seed, random, scheduler, faults, bug, violations);
  const giveBack = takeAmbientAway();
  try {
    await run.go();
    return run.result();
  } finally {
    await run.close();
    giveBack();
  }
}

function createRun(
  seed: number,
  random: Random,
  scheduler: Scheduler,
  faults: FaultSource,
  bug: PlantedBug,
  violations: string[],
) {
  const always = scheduler.clock(() => true, 4);
  const chaos = new Chaos({ random: { u32: () => (faults.happens("net") ? 0 : 0xffff_ffff) }, clock: always });
  chaos.set(rough);
  const bus = createMemoryBus({ clock: always, chaos });
  const acknowledged: Acked[] = [];
  const processes = new Map<string, { process: Process; kill: () => void }>();
  const stalledUntil = new Map<string, number>();
  const effects = new Map<string, number>();
  let isHealed = false;
  let isDriverDone = false;
  let steps = 0;
  const events: EventHeader[] = [];

  const node: RuntimeNode = createRuntimeNode({
    bus,
    scheduler,
    random: createSeededRandom(seed ^ 0x7feb352d),
    faults,
    bug,
    diesAt: () => faults.happens("crash"),
    onBug: (what) => void violations.push(`the runtime reported: ${what}`),
    onDeath: () => void always.setTimer(50 + (random.u32() % 2_000), () => inBackground(restart())),
  });

  async function restart(): Promise<void> {
    if (node.isUp()) return;
    await node.start();
    if (!node.isUp()) return;
    const { problems } = verifyScope(node.store().scope(scopeName));
    for (const problem of problems.slice(0, 3)) violations.push(`I6/I7 after a restart: ${problem.what}`);
  }

  /** A process's own end is no violation; anything that it rejects with is. */
  function inBackground(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      if (!(error instanceof ProcessDied)) violations.push(`a process met a bug: ${String(error)}`);
    });
  }

  const world: World = {
    bus,
    scheduler,
    random,
    isHealed: () => isHealed,
    hash: toHash,
    randomFor: (name) => createSeededRandom(seed ^ toHash(name)),
    register(process, kill) {
      processes.set(process.name, { process, kill });
    },
    async mayDie(process) {
      if (!faults.happens("workerDies")) return;
      processes.get(process.name)?.kill();
      always.setTimer(random.u32() % 3_000, () => launchWorker(process.name));
      await never;
    },
    async mayStall(process) {
      if (!faults.happens("workerStalls")) return;
      stalledUntil.set(process.name, scheduler.time() + 9_000);
      await wait(process, 9_000);
    },
    isStalled: (name) => (stalledUntil.get(name) ?? 0) > scheduler.time(),
    acked: (ack) => void acknowledged.push(ack),
    effect(step) {
      const count = (effects.get(step) ?? 0) + 1;
      effects.set(step, count);
      return count;
    },
    driverIsDone() {
      isDriverDone = true;
    },
    inBackground,
    violation: (what) => void violations.push(what),
  };

  function launchWorker(name: string): void {
    const process = createProcess(world, name);
    if (name.endsWith("1")) launchSdkWorker(world, process);
    else inBackground(runWorker(world, process));
  }

  function disturb(): void {
    if (faults.happens("kill")) node.die();
    if (faults.happens("cut")) isolateSomebody();
  }

  /** A worker is cut off for longer than a lease lasts, and comes back as if nothing had been. */
  function isolateSomebody(): void {
    const workers = [...processes.values()].filter(({ process }) => process.name !== "driver");
    const chosen = workers[random.u32() % Math.max(workers.length, 1)];
    if (chosen === undefined) return;
    chaos.isolate(chosen.process.transport);
    always.setTimer(6_000, () => {
      chaos.heal();
      if (!isHealed) chaos.set(rough);
    });
  }

  async function stepWhile(condition: () => boolean): Promise<void> {
    while (condition() && steps < stepsMax && violations.length < 20) {
      steps += 1;
      if (!(await scheduler.step())) return;
    }
  }

  async function go(): Promise<void> {
    await restart();
    const workers = 2 + (toHash(`workers/${seed}`) % 3);
    for (let index = 0; index < workers; index += 1) launchWorker(`worker-${index}`);
    const tasks = 3 + (toHash(`tasks/${seed}`) % 5);
    inBackground(runDriver(world, createProcess(world, "driver"), tasks));
    const trouble = (): void => {
      if (isHealed) return;
      disturb();
      always.setTimer(250, trouble);
    };
    trouble();
    await stepWhile(() => scheduler.time() < faultyMs);
    isHealed = true;
    faults.heal();
    chaos.heal();
    await stepWhile(() => scheduler.time() < faultyMs + healMs && !hasEnded());
    finish();
  }

  function hasEnded(): boolean {
    if (!isDriverDone || !node.isUp()) return false;
    const scope = node.store().scope(scopeName);
    return (
      scope.tasks({ count: 1, states: openStates }).length === 0 && scope.outbox({ after: 0, count: 1 }).length === 0
    );
  }

  function finish(): void {
    if (!node.isUp()) {
      violations.push("I10: the runtime did not come back");
      return;
    }
    const scope = node.store().scope(scopeName);
    for (let page = scope.events({ after: 0, count: 500 }); page.length > 0; ) {
      events.push(...page.map((stored) => decodeHeader(stored)));
      page = scope.events({ after: page.at(-1)?.seq ?? 0, count: 500 });
    }
    for (const { what } of verifyScope(scope).problems.slice(0, 5)) violations.push(`I6/I7: ${what}`);
    for (const row of scope.tasks({ count: 50, states: openStates })) {
      violations.push(`I10: ${row.id} is still ${row.state} ${healMs / 1_000} s after the last fault`);
    }
    if (!isDriverDone) violations.push("I10: the driver could not start its tasks");
    violations.push(...checkHistory(events, acknowledged, (seq) => scope.event(seq)?.body ?? undefined));
  }

  function result(): RunResult {
    const trace = toHex(sha256(JSON.stringify([events, acknowledged, faults.happened, scheduler.time()]))).slice(0, 16);
    const { deaths } = node;
    return {
      seed,
      violations,
      trace,
      faults: faults.happened,
      events,
      acknowledged: acknowledged.length,
      deaths,
      steps,
      virtualMs: Math.round(scheduler.time()),
    };
  }

  async function close(): Promise<void> {
    for (const { kill } of processes.values()) kill();
    await node.close();
  }

  return { go, result, close };
}

const openStates = ["start", "running", "paused", "handoff", "verifying"];

function toHash(text: string): number {
  return new DataView(sha256(text).buffer as ArrayBuffer).getUint32(0);
}
