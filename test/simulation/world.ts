// What the programs of a run see of it, and what it takes to be one of them.

import { type Client, createClient } from "../../sdk/client.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import { commonFailures, operations } from "../../src/contracts/operations/index.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { createIds } from "../../src/kernel/ids.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { MemoryBus, Transport } from "../../transport/index.ts";
import type { Acked } from "./checker.ts";
import { scopeName } from "./node.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the programs of a run see of it. */
export interface World {
  readonly bus: MemoryBus;
  readonly scheduler: Scheduler;
  readonly random: Random;
  isHealed(): boolean;
  hash(text: string): number;
  /** Randomness that depends on the seed and `name` alone. */
  randomFor(name: string): Random;
  /** Tells of a new process and how to kill it. */
  register(process: Process, kill: () => void): void;
  /** A fault point of a worker: it may not return. */
  mayDie(process: Process): Promise<void>;
  mayStall(process: Process): Promise<void>;
  isStalled(name: string): boolean;
  acked(ack: Acked): void;
  /** Something done outside, with a number of its own. */
  effect(step: string): number;
  driverIsDone(): void;
  /** Something that must not be. */
  violation(what: string): void;
  /** Work that nobody awaits; what it rejects with is a violation. */
  inBackground(work: Promise<unknown>): void;
}

export interface Process {
  readonly name: string;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly client: Client;
  isAlive(): boolean;
}

/** Makes a process on the world's bus. */
export function createProcess(world: World, name: string): Process {
  const transport = world.bus.connect();
  let isUp = true;
  const isAlive = (): boolean => isUp;
  const clock = world.scheduler.clock(isAlive);
  const client = watchFailures(
    world,
    createClient({
      transport,
      scope: scopeName,
      agent: name,
      clock,
      ids: createIds(clock, world.random),
      random: world.random,
    }),
  );
  const process = { name, transport, clock, client, isAlive };
  world.register(process, () => {
    isUp = false;
    world.bus.kill(transport);
  });
  return process;
}

export function wait(process: Process, ms: number): Promise<void> {
  return new Promise((resolve) => void process.clock.setTimer(ms, resolve));
}

type Call = (...args: unknown[]) => Promise<unknown>;

/** An operation fails only as the table of operations says it can. */
function watchFailures(world: World, client: Client): Client {
  const watched: Record<string, Record<string, Call>> = {};
  for (const [name, { failures }] of Object.entries(operations)) {
    const [group = "", verb = ""] = name.split(".");
    const call = Reflect.get(Reflect.get(client, group), verb) as Call;
    const declared: readonly string[] = [...failures, ...commonFailures];
    watched[group] ??= {};
    watched[group][verb] = (...args) =>
      call(...args).catch((error: unknown) => {
        if (!isFailure(error) || !declared.includes(error.code))
          world.violation(`${name} failed with ${String(error)}`);
        throw error;
      });
  }
  return watched as unknown as Client; // the same methods, watched
}
