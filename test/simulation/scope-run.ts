// One scope of a run
//
// Its programs, what they were told, and whether its journal bears that out. In a run of two scopes both have programs, command ids,
// roles and anchors of the same names, so that nothing but the scope keeps them apart (I11).

import { decodeHeader } from "../../actors/events.ts";
import { verifyScope } from "../../actors/refold.ts";
import type { EventHeader, JournalEvent } from "../../src/contracts/events.ts";
import { memoryKind, playbookKind } from "../../src/contracts/values.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import type { ScopeStore, StoredEvent } from "../../src/kernel/store.ts";
import type { MemoryBus } from "../../transport/index.ts";
import { checkFenced, checkFollowed, checkHistory, type ScopeTrail, toIds } from "./checker.ts";
import type { FaultSource } from "./faults.ts";
import type { Acked, Fenced } from "./history.ts";
import { runKeeper } from "./keeper.ts";
import { type PlantedBug, type PowerLoss, readJournal } from "./node.ts";
import { checkPlaybooks } from "./playbook-checker.ts";
import type { Scheduler } from "./scheduler.ts";
import { launchSdkWorker } from "./sdk-worker.ts";
import { checkWaits, type MachineLife } from "./wait-checker.ts";
import { runDriver, runFollower, runWorker } from "./worker.ts";
import { createProcess, type Effect, type Process, type World, wait } from "./world.ts";

/** What the scopes of a run share. */
export interface RunParts {
  readonly seed: number;
  readonly bug: PlantedBug;
  /** Whether there are other scopes, whose ids must not be heard of in this one. */
  readonly isShared: boolean;
  readonly bus: MemoryBus;
  readonly scheduler: Scheduler;
  /** A clock that no process's death stops. */
  readonly always: Clock;
  readonly random: Random;
  readonly faults: FaultSource;
  isHealed(): boolean;
  violation(what: string): void;
  /** Work that nobody awaits; what it rejects with is a violation. */
  inBackground(work: Promise<unknown>): void;
}

export interface ScopeRun {
  readonly scope: string;
  readonly acknowledged: readonly Acked[];
  launch(count: { workers: number; tasks: number; replays: number }): void;
  /** A process of this scope, beside those that `launch` starts. */
  createProcess(name: string): Process;
  /** Those that run now. */
  workers(): Process[];
  /** The disk lost the end of the journal. */
  lost(loss: PowerLoss): void;
  hasEnded(store: ScopeStore): boolean;
  /** Reads the journal at the end of the run and says what is wrong with it. */
  finish(store: ScopeStore, life: MachineLife): { events: EventHeader[]; trail: ScopeTrail; violations: string[] };
  close(): void;
}

/** In every third run no worker has both tools, so that a replay passes from one to the other. */
function drawTools(seed: number): Record<string, readonly string[]> {
  const isSplit = toHash(`tools/${seed}`) % 3 === 0;
  return isSplit
    ? { "worker-1": ["set"], "worker-11": ["append"] }
    : { "worker-1": ["set", "append"], "worker-11": ["set", "append"] };
}

const openStates = ["start", "running", "paused", "handoff", "verifying"];
const never = new Promise<never>(() => {});

export function createScopeRun(scope: string, parts: RunParts): ScopeRun {
  const { seed, scheduler, always, random, faults } = parts;
  let tools: Record<string, readonly string[]> = {};
  const acknowledged: Acked[] = [];
  const lostEvents: StoredEvent[] = [];
  const heard = new Set<string>();
  const followed: JournalEvent[] = [];
  const processes = new Map<string, { process: Process; kill: () => void }>();
  const stalledUntil = new Map<string, number>();
  const heldUntil = new Map<string, number>();
  const fenced: Fenced[] = [];
  const counts = new Map<string, number>();
  const effects: Effect[] = [];
  const busy = new Set<string>();

  const world: World = {
    ...parts,
    scope,
    hash: toHash,
    randomFor: (name) => createSeededRandom(seed ^ toHash(name)),
    register(process, kill) {
      processes.set(process.name, { process, kill });
    },
    async mayDie(process) {
      if (!process.isAlive()) return never; // its other run died just now, and took this one with it
      if (!faults.happens("workerDies")) return;
      processes.get(process.name)?.kill();
      heldUntil.delete(process.name);
      always.setTimer(random.u32() % 3_000, () => launchWorker(process.name));
      await never;
    },
    async mayStall(process) {
      if (!faults.happens("workerStalls")) return;
      stalledUntil.set(process.name, scheduler.time() + 9_000);
      await wait(process, 9_000);
    },
    isStalled: (name) => (stalledUntil.get(name) ?? 0) > scheduler.time(),
    async mayBlock(process) {
      if (!faults.happens("workerBlocks")) return;
      heldUntil.set(process.name, scheduler.time() + 5_000 + (random.u32() % 5_000)); // a lease is 4 s
      await wait(process, 0);
    },
    heldUntil: (name) => heldUntil.get(name) ?? 0,
    fenced: (claim) => void fenced.push(claim),
    acked: (ack) => void acknowledged.push(ack),
    heard(answer) {
      if (!parts.isShared) return;
      for (const id of toIds(answer)) heard.add(id);
    },
    followed: (event) => void followed.push(event),
    effect(step) {
      const count = (counts.get(step) ?? 0) + 1;
      counts.set(step, count);
      return count;
    },
    applied: (effect) => effects.push(effect),
    toolsOf: (worker) => tools[worker] ?? [],
    mayBreak: () => faults.happens("toolBreaks"),
    isDone: ({ name }) => void busy.delete(name),
  };

  function launchWorker(name: string): void {
    const process = createProcess(world, name);
    if (name.endsWith("1")) launchSdkWorker(world, process);
    else parts.inBackground(runWorker(world, process));
  }

  function launchProgram(name: string, program: (process: Process) => Promise<void>): void {
    busy.add(name);
    parts.inBackground(program(createProcess(world, name)));
  }

  /** Who followed a journal that then lost its end has seen what is not there, and misses what took its place. */
  function isFollowable(): boolean {
    return lostEvents.length === 0;
  }

  return {
    scope,
    acknowledged,
    launch({ workers, tasks, replays }) {
      if (replays > 0) tools = drawTools(seed);
      for (let index = 0; index < workers; index += 1) launchWorker(`worker-${index}`);
      launchProgram("driver", (process) => runDriver(world, process, tasks));
      parts.inBackground(runFollower(world, createProcess(world, "follower")));
      if (replays === 0) return;
      launchWorker("worker-11");
      launchProgram("keeper", (process) => runKeeper(world, process, replays));
    },
    createProcess: (name) => createProcess(world, name),
    workers: () =>
      [...processes.values()].map(({ process }) => process).filter(({ name }) => name.startsWith("worker")),
    lost: ({ before, after }) => void lostEvents.push(...before.slice(after.length)),
    hasEnded(store) {
      return (
        busy.size === 0 &&
        (!isFollowable() || followed.length >= store.head().seq) &&
        store.tasks({ count: 1, states: openStates, exceptKinds: [memoryKind, playbookKind] }).length === 0 &&
        store.outbox({ after: 0, count: 1 }).length === 0
      );
    },
    finish(store, life) {
      const journal = readJournal(store);
      const events = journal.map((stored) => decodeHeader(stored));
      const problems = verifyScope(store).problems.map(({ what }) => `I6/I7: ${what}`);
      const toVirtual = (event: EventHeader): EventHeader => ({
        ...event,
        at: life.recordedAt.get(event.id) ?? event.at,
      });
      const lost = lostEvents.map((stored) => decodeHeader(stored));
      const open = store.tasks({ count: 50, states: openStates, exceptKinds: [memoryKind, playbookKind] });
      const violations = [
        ...problems.slice(0, 5),
        ...open.map(({ id, state }) => `I10: ${id} is still ${state} long after the last fault`),
        ...[...busy].map((name) => `I10: the ${name} could not do what it set out to do`),
        ...checkHistory({ journal, events, acknowledged, lost }),
        ...checkFenced(fenced, { events, lost, recordedAt: life.recordedAt }),
        ...checkWaits(events, life),
        ...checkPlaybooks({ journal, events: events.map(toVirtual), lost, effects }),
        ...(isFollowable() ? checkFollowed(events, followed) : []),
      ];
      return { events, trail: { scope, journal, heard }, violations };
    },
    close() {
      for (const { kill } of processes.values()) kill();
    },
  };
}

export function toHash(text: string): number {
  return new DataView(sha256(text).buffer as ArrayBuffer).getUint32(0);
}
