import "./node-version.ts";

// For people who test their agents: a runtime in memory, and a bad network between it and its clients.

import { openStore } from "../actors/index.ts";
import { type Connection, createConnection } from "../sdk/index.ts";
import { Chaos, createMemoryBus } from "../transport/index.ts";
import { checkOptions } from "./contracts/options.ts";
import { createIds, createSeededRandom, type Logger, noFaults, silentLogger, systemClock } from "./kernel/index.ts";
import { startRuntime } from "./runtime/start.ts";

export { Chaos, type ChaosCounts, type ChaosRates } from "../transport/index.ts";

export interface TestRuntimeOptions {
  /** `tenant/project`; `test/agents` if absent. */
  scope?: string;
  /** Decides which messages are lost, doubled or overtaken; the same seed draws the same numbers. 1 if absent. */
  seed?: number;
  /** How long a claim lasts without a heartbeat; 10 s if absent. */
  leaseMs?: number;
  /** Whether it learns from its tasks, as a runtime does; true if absent. The events of lessons then stand among those of tasks. */
  learns?: boolean;
  logger?: Logger;
}

/** A runtime in memory: nothing of it is left when it is closed. */
export interface TestRuntime extends AsyncDisposable {
  /** A connection of its own for each program under test. The runtime closes it. */
  connect(agent: string): Connection;
  /** The network between the connections and the runtime, calm at first: `chaos.set({ lose: 0.1, double: 0.1 })`, `chaos.heal()`. */
  readonly chaos: Chaos;
  close(): Promise<void>;
}

/** Starts a runtime in memory. */
export async function createTestRuntime(options: TestRuntimeOptions = {}): Promise<TestRuntime> {
  checkOptions("createTestRuntime", options);
  const { scope = "test/agents", seed = 1, logger = silentLogger, leaseMs, learns = true } = options;
  const clock = systemClock;
  const random = createSeededRandom(seed);
  const ids = createIds(clock, random);
  const chaos = new Chaos({ random: createSeededRandom(seed + 1), clock });
  const bus = createMemoryBus({ clock, logger, chaos });
  const store = openStore(":memory:", { durability: "process", ids, random });
  const runtime = await startRuntime({
    scope,
    store,
    transport: bus.connect(),
    clock,
    ids,
    random,
    faults: noFaults,
    logger,
    leaseMs,
    learns,
  });
  const connections: Connection[] = [];

  const close = async (): Promise<void> => {
    chaos.heal();
    await Promise.all(connections.map((connection) => connection.close()));
    await runtime.close();
  };
  return {
    chaos,
    connect(agent) {
      const transport = bus.connect();
      const connection = createConnection({
        transport,
        scope,
        agent,
        clock,
        random,
        logger,
        beforeDrain: runtime.endWaits,
      });
      connections.push(connection);
      return connection;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
