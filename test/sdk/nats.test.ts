import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll } from "vitest";
import { type Connection, connect, createRuntime } from "../../src/index.ts";
import { describeSdk } from "../conformance/sdk.ts";
import { atEndOfSuite } from "../support/ends.ts";
import { describeNats, type NatsServer, startNatsServer } from "../support/nats.ts";

describeNats("the SDK over NATS", (binary) => {
  const atEnd = atEndOfSuite();
  let server: NatsServer;
  let scopes = 0;

  beforeAll(async () => {
    server = await startNatsServer({ binary, atEnd });
  });

  describeSdk("nats", async ({ leaseMs, logger }) => {
    const path = await mkdtemp(join(tmpdir(), "aionis-sdk-"));
    scopes += 1;
    const scope = `test/sdk ${scopes}`; // no runtime of an earlier test is met
    const nats = { servers: server.url };
    const open = () => createRuntime({ scope, path, durability: "process", leaseMs, logger, nats });
    const connections: Connection[] = [];
    let runtime = await open();
    return {
      async connect() {
        const connection = await connect({ scope, servers: server.url, logger });
        connections.push(connection);
        return connection;
      },
      async restart() {
        await runtime.close();
        runtime = await open();
      },
      async close() {
        await runtime.close();
        await Promise.all(connections.map((connection) => connection.close()));
        await rm(path, { recursive: true });
      },
    };
  });
});
