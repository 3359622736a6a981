import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, connect, createRuntime } from "../../src/index.ts";
import { describeSdk } from "../conformance/sdk.ts";

describeSdk("local", async ({ leaseMs, logger }) => {
  const path = await mkdtemp(join(tmpdir(), "aionis-sdk-"));
  const open = () => createRuntime({ scope: "test/sdk", path, durability: "process", leaseMs, logger });
  const connections: Connection[] = [];
  let runtime = await open();
  return {
    async connect() {
      const connection = await connect({ scope: "test/sdk", path, logger });
      connections.push(connection);
      return connection;
    },
    async restart() {
      await runtime.close();
      runtime = await open();
    },
    async close() {
      await runtime.close(); // first: it answers what waits, so that the connections need not wait for it
      await Promise.all(connections.map((connection) => connection.close()));
      await rm(path, { recursive: true });
    },
  };
});
