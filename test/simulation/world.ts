// What the programs of one scope see of their run, and what it takes to be one of them.

import { type CallOptions, type Client, createClient } from "../../sdk/client.ts";
import type { JournalEvent } from "../../src/contracts/events.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import { commonFailures, operations } from "../../src/contracts/operations/index.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { createIds } from "../../src/kernel/ids.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { MemoryBus, Transport } from "../../transport/index.ts";
import type { Acked } from "./checker.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the programs of a scope see of their run. */
export interface World {
  readonly scope: string;
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
  /** What a call came back with, result or failure. */
  heard(answer: unknown): void;
  /** The next event of a subscription. */
  followed(event: JournalEvent): void;
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
  const client = watchCalls(
    world,
    createClient({
      transport,
      scope: world.scope,
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
function watchCalls(world: World, client: Client): Client {
  const watched: Record<string, Record<string, Call>> = {};
  for (const [name, { failures }] of Object.entries(operations)) {
    const [group = "", verb = ""] = name.split(".");
    const call = Reflect.get(Reflect.get(client, group), verb) as Call;
    const declared: readonly string[] = [...failures, ...commonFailures];
    watched[group] ??= {};
    watched[group][verb] = async (...args) => {
      try {
        const output = await call(...args);
        world.heard(output);
        return output;
      } catch (error) {
        if (isFailure(error)) world.heard(error.toView());
        const isExpected = isFailure(error) && declared.includes(error.code);
        if (!isExpected && !isOwnReason(error, args)) world.violation(`${name} failed with ${String(error)}`);
        throw error;
      }
    };
  }
  return watched as unknown as Client; // the same methods, watched
}

/** A call that its caller gives up rejects with whatever reason the caller gave. */
function isOwnReason(error: unknown, [, options]: unknown[]): boolean {
  const { signal } = (options ?? {}) as CallOptions; // the second argument of every method
  return signal?.aborted === true && signal.reason === error;
}
