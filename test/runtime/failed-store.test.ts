import { describe, expect, it } from "vitest";
import { openStore } from "../../actors/index.ts";
import { createConnection } from "../../sdk/index.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import { createIds, createSystemRandom, noFaults, systemClock } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";

describe("a store that fails for good", () => {
  it("is told to the caller and the log, and its runtime closes", async () => {
    const clock = systemClock;
    const random = createSystemRandom();
    const ids = createIds(clock, random);
    const bus = createMemoryBus({ clock });
    const logged: string[] = [];
    const logger = { log: (level: string, message: string) => void logged.push(`${level}: ${message}`) };
    const real = openStore(":memory:", { durability: "process", ids, random });
    const failure = new AionisError("STORE_FAILED", "The disk does not answer.");
    let isClosed = false;
    const store = {
      ...real,
      commit() {
        throw failure;
      },
      failureOf: (error: unknown) => (error === failure ? failure : real.failureOf(error)),
      close() {
        isClosed = true;
        real.close();
      },
    };
    await startRuntime({
      scope: "test/disk",
      store,
      transport: bus.connect(),
      clock,
      ids,
      random,
      faults: noFaults,
      logger,
    });
    const client = createConnection({
      transport: bus.connect(),
      scope: "test/disk",
      agent: "ann",
      clock,
      random,
      logger,
    });

    await expect(client.tasks.start({ brief: "write me down" })).rejects.toMatchObject({ code: "STORE_FAILED" });

    await expect.poll(() => isClosed).toBe(true);
    expect(logged).toContain("error: the store failed; the runtime closes");
    await expect(client.tasks.list({}, { timeoutMs: 50 })).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
    await client.close();
  });
});
