import { expect, onTestFinished } from "vitest";
import { openStore } from "../../../actors/index.ts";
import { createConnection } from "../../../sdk/index.ts";
import type { PacketId, TaskId } from "../../../src/contracts/ids.ts";
import type { Target } from "../../../src/contracts/values.ts";
import { createIds, createSeededRandom, noFaults, silentLogger } from "../../../src/kernel/index.ts";
import { createBells } from "../../../src/runtime/bells.ts";
import { startRuntime } from "../../../src/runtime/start.ts";
import { createMemoryBus, createSubjects, decode } from "../../../transport/index.ts";
import { FakeClock } from "../../support/fake-clock.ts";

export const scope = "test/bells";
export const subjects = createSubjects({ tenant: "test", project: "bells" });
/** How long a target that has something is silent at most. */
export const againMs = 15_000;
export const packet = { brief: "Review it", nextAction: "look" };

/** A bell, with when and where it was heard. */
export interface Bell {
  ms: number;
  subject: string;
  to: Target;
  taskId: TaskId;
  packetId?: PacketId;
  claimableAt: number;
}

/** A runtime with bells, and who hears them, on a clock that the test owns. */
export async function setup({ clock = new FakeClock(), file = ":memory:" } = {}) {
  const random = createSeededRandom(7);
  const ids = createIds(clock, random);
  const bus = createMemoryBus({ clock });
  const ports = { scope, clock, ids, random, faults: noFaults, logger: silentLogger };
  const store = openStore(file, { durability: "process", ids, random });
  const rows = store.scope(scope);
  const runtime = await startRuntime({ ...ports, store, transport: bus.connect(), leaseMs: 3_600_000 });
  const client = createConnection({ ...ports, transport: bus.connect(), agent: "a", beforeDrain: runtime.endWaits });
  const close = async (): Promise<void> => {
    const closed = client.close().then(() => runtime.close());
    await clock.runAll();
    await closed;
  };
  onTestFinished(close);

  const heard: Bell[] = [];
  bus.connect().subscribe(subjects.bellPattern, ({ subject, payload, headers }) => {
    expect(headers).toEqual({ "content-type": "application/json" });
    heard.push({ ms: clock.mono(), subject, ...(decode(payload, "json") as Omit<Bell, "ms" | "subject">) });
  });
  const transport = bus.connect();
  const reads: string[] = [];
  const watched = new Proxy(rows, {
    get(target, name: keyof typeof rows) {
      reads.push(name);
      return target[name];
    },
  });
  runtime.follow(createBells({ ...ports, transport, time: runtime.time, store: watched }));
  await clock.settle();

  /** The answer of a call that needs no time, and what follows from it. */
  const now = async <Answer>(call: Promise<Answer>): Promise<Answer> => {
    await clock.settle();
    const answer = await call;
    await clock.settle();
    return answer;
  };
  /** A task of agent `a`, whose bell is not heard any more. */
  const startClaimed = async (): Promise<TaskId> => {
    const { taskId } = await now(client.tasks.start({ brief: "x" }));
    await now(client.tasks.claim({ taskId }));
    heard.length = 0;
    reads.length = 0;
    return taskId;
  };
  return { clock, time: runtime.time, client, rows, heard, reads, transport, now, startClaimed, close };
}
