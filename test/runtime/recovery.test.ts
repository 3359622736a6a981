// A runtime that meets what is damaged while it takes up what was under way.

import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openStore } from "../../actors/index.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { createRuntime } from "../../src/embedded.ts";
import { createIds, createSeededRandom, noFaults } from "../../src/kernel/index.ts";
import { silentLogger } from "../../src/kernel/logger.ts";
import type { Store } from "../../src/kernel/store.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createBench, createPorts, openTestStore, scopeName, tempFolder } from "../support/store.ts";

const scope = "test/recovery";

/** A closed store with a claimed task, whose row says what `change` makes of it, and one that waits. */
async function leave(change: string): Promise<{ path: string; claimed: string; waiting: string }> {
  const path = tempFolder();
  const runtime = await createRuntime({ path, scope });
  const { taskId: claimed } = await runtime.tasks.start({ brief: "claimed" });
  await runtime.tasks.claim({ taskId: claimed });
  const { taskId: waiting } = await runtime.tasks.start({ brief: "waiting" });
  await runtime.close();
  const database = new Database(join(path, "aionis.db"));
  database.exec(change);
  database.close();
  return { path, claimed, waiting };
}

it.each([
  ["a state that does not exist", "replace(snapshot, 'running', 'nowhere')"],
  ["no JSON", "'no JSON'"],
])("starts beside a task that cannot be folded, says which, and serves the others (%s)", async (_what, snapshot) => {
  const { path, claimed, waiting } = await leave(`UPDATE tasks SET snapshot = ${snapshot} WHERE state = 'running'`);
  const logged: unknown[] = [];
  const logger = { log: (_level: string, _text: string, facts?: object) => void logged.push(facts) };

  await using runtime = await createRuntime({ path, scope, logger });
  const { assignment } = await runtime.tasks.claim({});

  expect(assignment?.taskId).toBe(waiting);
  expect(logged).toContainEqual(expect.objectContaining({ taskId: claimed }));
});

it("closes its store when what was under way cannot be read, and leaves no timer", async () => {
  const { store, clock, ids, random } = openTestStoreWithPorts();
  const unreadable = new AionisError("STORE_FAILED", "The disk does not answer.");
  let isClosed = false;
  const failing: Store = {
    ...store,
    scope: (name) => ({
      ...store.scope(name),
      tasksWithin() {
        throw unreadable;
      },
    }),
    close() {
      isClosed = true;
      store.close();
    },
  };
  const transport = createMemoryBus({ clock }).connect();
  const options = { scope, store: failing, transport, clock, ids, random, faults: noFaults, logger: silentLogger };

  await expect(startRuntime(options)).rejects.toBe(unreadable);

  expect([isClosed, clock.pendingTimers]).toEqual([true, 0]);
});

it("takes up what was under way in parts, between which its program goes on", async () => {
  const ports = createPorts();
  const { clock } = ports;
  const store = openTestStore(":memory:", ports);
  const bench = createBench({ ports, store });
  for (let n = 0; n < 2 * limits.partRows + 1; n += 1) await bench.do("tasks.claim", { taskId: await bench.start() });
  let turns = 0;
  const looked: number[] = []; // in which turn of the event loop
  const watched: Store = {
    ...store,
    scope(name) {
      const inner = store.scope(name);
      const tasksWithin: typeof inner.tasksWithin = (options) => {
        looked.push(turns);
        return inner.tasksWithin(options);
      };
      return { ...inner, tasksWithin };
    },
  };
  const transport = createMemoryBus({ clock }).connect();
  const deferred = clock.defer.bind(clock);
  clock.defer = (run) =>
    deferred(() => {
      turns += 1;
      run();
    });

  const options = { ...ports, scope: scopeName, store: watched, transport, faults: noFaults, logger: silentLogger };
  const starting = startRuntime(options);
  await clock.settle();
  const runtime = await starting;

  expect(looked).toEqual([...new Set(looked)]);
  expect(looked).toHaveLength(3);
  const closing = runtime.close();
  await clock.settle();
  await closing;
});

function openTestStoreWithPorts() {
  const clock = new FakeClock();
  const random = createSeededRandom(1);
  const ids = createIds(clock, random);
  return { clock, random, ids, store: openStore(":memory:", { durability: "process", ids, random }) };
}
