import { join } from "node:path";
import { systemClock } from "../../../src/kernel/clock.ts";
import { openLocalServer } from "../../../transport/local/index.ts";
import { createMemoryBus } from "../../../transport/memory/bus.ts";
import { describeTransport } from "../../conformance/transport.ts";
import { connect, makeFolder } from "./support.ts";

describeTransport("local", async (logger) => {
  const path = join(makeFolder(), "runtime.sock");
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  return {
    connect: () => connect(path, logger),
    close: () => server.close(),
  };
});

describeTransport("local, between a client and the server's own bus,", async (logger) => {
  const path = join(makeFolder(), "runtime.sock");
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  let connections = 0;
  return {
    connect: async () => {
      connections += 1;
      return connections % 2 === 1 ? await connect(path, logger) : bus.connect();
    },
    close: () => server.close(),
  };
});
