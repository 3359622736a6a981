// Simulate
//
// One run: a seed gives its scopes, its processes, its faults and its order. First faults happen, then they stop and everything must come
// to an end; then each journal is checked.

import { verifyScope } from "../../actors/refold.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import { sha256, toHex } from "../../src/kernel/digest.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import type { Durability } from "../../src/kernel/store.ts";
import { Chaos, createMemoryBus } from "../../transport/index.ts";
import { takeAmbientAway } from "./ambient.ts";
import { checkPowerLoss, checkScopes } from "./checker.ts";
import { createFaults, drawRates, type FaultSource } from "./faults.ts";
import {
  createRuntimeNode,
  type Death,
  type PlantedBug,
  type PowerLoss,
  ProcessDied,
  type RuntimeNode,
} from "./node.ts";
import { createOperator } from "./operator.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import { createScopeRun, type RunParts, toHash } from "./scope-run.ts";
import type { MachineLife } from "./wait-checker.ts";

export interface RunResult {
  seed: number;
  violations: string[];
  /** A hash of the journals and of what was acknowledged: equal for equal runs. */
  trace: string;
  faults: readonly string[];
  /** Of all scopes, one after the other. */
  events: EventHeader[];
  scopes: number;
  acknowledged: number;
  deaths: number;
  /** Events that power failures took. */
  lost: number;
  /** How often somebody accepted that the journal lost its end. */
  lossesAccepted: number;
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
const faultyMs = 25_000;
const healMs = 240_000;
const jumpMs = 3_600_000;
const stepsMax = 60_000;
const stepsPerLook = 16;

/** Runs one seed. */
export async function simulate({ seed, bug = {}, plan }: RunOptions): Promise<RunResult> {
  const random = createSeededRandom(seed);
  const violations: string[] = [];
  const scheduler = createScheduler(createSeededRandom(seed ^ 0x5bd1e995), (error) => {
    if (!(error instanceof ProcessDied)) violations.push(`a process met a bug: ${String(error)}`);
  });
  const rates = drawRates(createSeededRandom(seed ^ 0x1b873593));
  const faults = createFaults({ random: createSeededRandom(seed ^ 0x2545f491), rates, plan });
  const run = createRun({ seed, random, scheduler, faults, bug, violations });
  const giveBack = takeAmbientAway();
  try {
    await run.go();
    return run.result();
  } finally {
    await run.close();
    giveBack();
  }
}

interface Shape {
  scopes: string[];
  durability: Durability;
  workers: number;
  tasks: number;
  /** How often somebody does something with playbooks. */
  replays: number;
}

/** Most runs have one scope, and survive a power failure whole: a fifth and a third of them differ. In two of five playbooks are replayed. */
function drawShape(seed: number): Shape {
  const isShared = toHash(`scopes/${seed}`) % 5 === 0;
  const hasReplays = toHash(`replays/${seed}`) % 5 < 2;
  const tasks = 3 + (toHash(`tasks/${seed}`) % 5);
  return {
    scopes: isShared ? ["sim/one", "sim/two"] : ["sim/one"],
    durability: toHash(`durability/${seed}`) % 3 === 0 ? "process" : "power",
    workers: isShared || hasReplays ? 2 : 2 + (toHash(`workers/${seed}`) % 3),
    tasks: isShared || hasReplays ? Math.ceil(tasks / 2) : tasks,
    replays: hasReplays ? (isShared ? 8 : 20) : 0,
  };
}

function createRun(options: {
  seed: number;
  random: Random;
  scheduler: Scheduler;
  faults: FaultSource;
  bug: PlantedBug;
  violations: string[];
}) {
  const { seed, random, scheduler, faults, bug, violations } = options;
  const { scopes, durability, ...counts } = drawShape(seed);
  const always = scheduler.clock(() => true, { latencyMs: 4 });
  const chaos = new Chaos({ random: { u32: () => (faults.happens("net") ? 0 : 0xffff_ffff) }, clock: always });
  chaos.set(rough);
  const bus = createMemoryBus({ clock: always, chaos });
  let isHealed = false;
  let steps = 0;
  let lost = 0;
  const events: EventHeader[] = [];
  const jumps: MachineLife["jumps"][number][] = [];

  const node: RuntimeNode = createRuntimeNode({
    scopes,
    learns: true,
    durability,
    bus,
    scheduler,
    random: createSeededRandom(seed ^ 0x7feb352d),
    faults,
    bug,
    deathAt: () => drawDeath("crash"),
    onBug: (what) => violation(`the runtime reported: ${what}`),
    onDeath: () => void always.setTimer(50 + (random.u32() % 2_000), () => inBackground(restart())),
    onPowerBack,
  });
  const parts: RunParts = {
    seed,
    bug,
    isShared: scopes.length > 1,
    bus,
    scheduler,
    always,
    random,
    faults,
    isHealed: () => isHealed,
    violation,
    inBackground,
  };
  const runs = scopes.map((scope) => createScopeRun(scope, parts));
  const operator = createOperator({ node, runs, violation });

  function violation(what: string): void {
    violations.push(what);
  }

  /** A process's own end is no violation; anything that it rejects with is. */
  function inBackground(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      if (!(error instanceof ProcessDied)) violation(`a process met a bug: ${String(error)}`);
    });
  }

  async function restart(): Promise<void> {
    if (node.isUp()) return;
    await node.start();
    if (!node.isUp()) return;
    for (const scope of scopes) {
      const { problems } = verifyScope(node.store().scope(scope));
      for (const problem of problems.slice(0, 3)) violation(`I6/I7 after a restart: ${problem.what}`);
    }
    await operator.look();
  }

  function onPowerBack(losses: readonly PowerLoss[]): void {
    losses.forEach((loss, index) => {
      violations.push(...checkPowerLoss(loss, durability));
      runs[index]?.lost(loss);
      lost += loss.before.length - loss.after.length;
    });
  }

  function drawDeath(kind: "crash" | "kill"): Death | undefined {
    const isKilled = faults.happens(kind);
    const losesPower = faults.happens("power"); // asked in any case, so that its number does not depend on other deaths
    return losesPower ? "power" : isKilled ? "process" : undefined;
  }

  function disturb(): void {
    const death = drawDeath("kill");
    if (death !== undefined) node.die(death);
    if (faults.happens("cut")) isolateSomebody();
    if (faults.happens("jump")) setClock();
  }

  /** A worker is cut off for longer than a lease lasts, and comes back as if nothing had been. */
  function isolateSomebody(): void {
    const workers = runs.flatMap((run) => run.workers());
    const chosen = workers[random.u32() % Math.max(workers.length, 1)];
    if (chosen === undefined) return;
    chaos.isolate(chosen.wire);
    always.setTimer(6_000, () => {
      chaos.heal();
      if (!isHealed) chaos.set(rough);
    });
  }

  /** Somebody sets the wall clock of all machines, or they were asleep. */
  function setClock(): void {
    const byMs = random.u32() % 2 === 0 ? jumpMs : -jumpMs;
    jumps.push({ at: scheduler.time(), byMs });
    scheduler.jump(byMs);
  }

  async function stepWhile(condition: () => boolean): Promise<void> {
    while (condition() && steps < stepsMax && violations.length < 20) {
      steps += 1;
      if (!(await scheduler.step())) return;
    }
  }

  async function go(): Promise<void> {
    await restart();
    for (const run of runs) run.launch(counts);
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
    await stepWhile(() => scheduler.time() < faultyMs + healMs && !(steps % stepsPerLook === 0 && hasEnded()));
    finish();
  }

  function hasEnded(): boolean {
    return node.isUp() && runs.every((run) => run.hasEnded(node.store().scope(run.scope)));
  }

  function finish(): void {
    if (!node.isUp()) return violation("I10: the runtime did not come back");
    const ends = runs.map((run) => run.finish(node.store().scope(run.scope), { ...node.life(), jumps }));
    for (const end of ends) {
      events.push(...end.events);
      violations.push(...end.violations);
    }
    violations.push(...checkScopes(ends.map(({ trail }) => trail)));
  }

  function result(): RunResult {
    const acknowledged = runs.flatMap((run) => run.acknowledged);
    const trace = toHex(sha256(JSON.stringify([events, acknowledged, faults.happened, scheduler.time()]))).slice(0, 16);
    return {
      seed,
      violations,
      trace,
      faults: faults.happened,
      events,
      scopes: scopes.length,
      acknowledged: acknowledged.length,
      deaths: node.deaths,
      lost,
      lossesAccepted: operator.lossesAccepted,
      steps,
      virtualMs: Math.round(scheduler.time()),
    };
  }

  async function close(): Promise<void> {
    for (const run of runs) run.close();
    await node.close();
  }

  return { go, result, close };
}
