// What the programs of one scope see of their run, and what it takes to be one of them.

import { type CallOptions, type Client, createClient } from "../../sdk/client.ts";
import type { JournalEvent } from "../../src/contracts/events.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import { commonFailures, type OperationName, operations } from "../../src/contracts/operations/index.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { createIds } from "../../src/kernel/ids.ts";
import type { Random } from "../../src/kernel/random.ts";
import type { MemoryBus, Transport } from "../../transport/index.ts";
import type { Acked, Fenced } from "./history.ts";
import type { PlantedBug } from "./node.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a tool of a worker did outside. */
export interface Effect {
  /** The key that its step gave it: task, stage, name and how many-eth of that name. */
  readonly key: string;
  readonly tool: string;
  readonly agent: string;
  /** In virtual time: the wall clock may be set. */
  readonly at: number;
}

/** What the programs of a scope see of their run. */
export interface World {
  readonly scope: string;
  readonly bug: PlantedBug;
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
  /** Another: the process does nothing for a while, longer than a lease, and then goes on. */
  mayBlock(process: Process): Promise<void>;
  /** Until when the event loop of the process is blocked. */
  heldUntil(name: string): number;
  /** An owner was told that its claim is not good any more. */
  fenced(claim: Fenced): void;
  acked(ack: Acked): void;
  /** What a call came back with, result or failure. */
  heard(answer: unknown): void;
  /** The next event of a subscription. */
  followed(event: JournalEvent): void;
  /** Something done outside, with a number of its own. */
  effect(step: string): number;
  /** A tool has done something. Gives how much tools have done by now. */
  applied(effect: Effect): number;
  /** The names of a worker's tools. */
  toolsOf(worker: string): readonly string[];
  /** Whether a tool is out of order just now. */
  mayBreak(): boolean;
  /** This program begins nothing more of its own. */
  isDone(process: Process): void;
  /** Something that must not be. */
  violation(what: string): void;
  /** Work that nobody awaits; what it rejects with is a violation. */
  inBackground(work: Promise<unknown>): void;
}

export interface Process {
  readonly name: string;
  readonly transport: Transport;
  /** The same as the bus has it. */
  readonly wire: Transport;
  readonly clock: Clock;
  readonly client: Client;
  isAlive(): boolean;
}

/** Makes a process on the world's bus. */
export function createProcess(world: World, name: string): Process {
  const wire = world.bus.connect();
  let isUp = true;
  const isAlive = (): boolean => isUp;
  const clock = world.scheduler.clock(isAlive, { heldUntil: () => world.heldUntil(name) });
  const transport = holding(wire, clock);
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
    name,
  );
  const process = { name, transport, wire, clock, client, isAlive };
  world.register(process, () => {
    isUp = false;
    world.bus.kill(wire);
  });
  return process;
}

/** The transport of a process: what comes in waits for its event loop. */
function holding(wire: Transport, clock: Clock): Transport {
  const free = (): Promise<void> => new Promise((resolve) => void clock.setTimer(0, resolve));
  return {
    kind: wire.kind,
    publish: (...call) => wire.publish(...call),
    subscribe: (pattern, handler) =>
      wire.subscribe(pattern, (message) => void clock.setTimer(0, () => handler(message))),
    async request(...call) {
      try {
        return await wire.request(...call);
      } finally {
        await free();
      }
    },
    serve: (...call) => wire.serve(...call),
    state: () => wire.state(),
    onState: (listener) => wire.onState(listener),
    drain: () => wire.drain(),
  };
}

export function wait(process: Process, ms: number): Promise<void> {
  return new Promise((resolve) => void process.clock.setTimer(ms, resolve));
}

/** Methods and groups of them by name; a method can be a group as well, such as `replay.step`. */
interface Methods {
  [word: string]: Methods;
}
type Call = (...args: unknown[]) => Promise<unknown>;

/** An operation fails only as the table of operations says it can. */
function watchCalls(world: World, client: Client, agent: string): Client {
  const watched: Methods = {};
  for (const name of Object.keys(operations).sort() as OperationName[]) {
    const words = name.split(".");
    const call = words.reduce<unknown>((part, word) => Reflect.get(part as object, word), client) as Call; // of the same table
    const last = words.pop() ?? name;
    let group = watched;
    for (const word of words) group = group[word] ??= {};
    const method: unknown = watchCall({ world, name, agent }, call);
    group[last] = method as Methods; // what a function has by name are methods, once they are put there
  }
  return watched as unknown as Client; // the same methods, watched
}

function watchCall({ world, name, agent }: { world: World; name: OperationName; agent: string }, call: Call): Call {
  const declared: readonly string[] = [...operations[name].failures, ...commonFailures];
  return async (...args) => {
    try {
      const output = await call(...args);
      world.heard(output);
      return output;
    } catch (error) {
      if (isFailure(error)) world.heard(error.toView());
      if (isFailure(error, "EPOCH_STALE")) noteFenced(world, args, agent);
      const isExpected = isFailure(error) && declared.includes(error.code);
      if (!isExpected && !isOwnReason(error, args)) world.violation(`${name} failed with ${String(error)}`);
      throw error;
    }
  };
}

function noteFenced(world: World, [input, options]: unknown[], own: string): void {
  const { taskId, epoch } = input as Partial<Fenced>; // of every operation that an owner calls
  const { agent = own } = (options ?? {}) as CallOptions;
  if (taskId !== undefined && epoch !== undefined) world.fenced({ taskId, epoch, agent, at: world.scheduler.time() });
}

/** A call that its caller gives up rejects with whatever reason the caller gave. */
function isOwnReason(error: unknown, [, options]: unknown[]): boolean {
  const { signal } = (options ?? {}) as CallOptions; // the second argument of every method
  return signal?.aborted === true && signal.reason === error;
}

/**
 * Something must be recorded: whoever asks for it keeps trying with one command id until it knows. Says whether it is; what names a moment
 * that has passed meanwhile is refused.
 */
export async function untilAcked(
  world: World,
  process: Process,
  commandId: string,
  start: (commandId: string) => Promise<{ taskId: string; seq: number }>,
): Promise<boolean> {
  for (;;) {
    let isLate = false;
    const noteLate = (error: unknown): never => {
      isLate = isFailure(error, "INPUT_INVALID");
      throw error;
    };
    const started = await tolerate(() => start(commandId).catch(noteLate));
    if (started !== undefined) {
      const { taskId, seq } = started;
      world.acked({ op: commandId, taskId, epoch: 0, agent: process.name, seq, commandId });
    }
    if (started !== undefined || isLate) return !isLate;
    await wait(process, 300);
  }
}

/** Expected failures end what was tried, as they would in a program that looks at codes; anything else is a violation. */
export async function tolerate<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await run();
  } catch (error) {
    if (isFailure(error) && error.code !== "RUNTIME_FAULT" && error.code !== "REMOTE_FAULT") return undefined;
    throw error;
  }
}
