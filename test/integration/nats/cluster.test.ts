// Three servers of one cluster, each in a process of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { connect } from "../../../src/index.ts";
import { describeNats, type NatsServer, startNatsServer } from "../../support/nats.ts";
import { startProgram } from "../../support/programs.ts";
import { leaseMs, scope } from "./system.ts";
import { Traffic } from "./traffic.ts";
import { judge } from "./verdict.ts";

describeNats("a cluster of three", (binary) => {
  it("goes on when the server is killed that everybody is connected to (I1, I2, I3, I10)", {
    timeout: 60_000,
  }, async () => {
    const ports = await findPorts(3);
    const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
    const servers = await Promise.all(
      ports.map((port) => {
        const config = `cluster {\n  name: "three"\n  listen: "127.0.0.1:${port}"\n  routes: [${routes}]\n}`;
        return startNatsServer({ atEnd: onTestFinished, binary, config });
      }),
    );
    const [first, ...others] = servers as [NatsServer, ...NatsServer[]]; // one for each port
    const urls = servers.map(({ url }) => url);

    for (const server of others) await server.kill(); // so that everybody comes to the first
    const folder = mkdtempSync(join(tmpdir(), "aionis-cluster-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const log = join(folder, "log");
    await launch("../runtime-program.ts", join(folder, "store"), String(leaseMs), urls.join(","));
    for (const agent of ["one", "two"]) await launch("worker-program.ts", urls.join(","), agent, log, "3");
    const client = await connect({ scope, servers: urls, agent: "driver" });
    onTestFinished(() => client.close());
    for (const server of others) await server.restart();

    const traffic = new Traffic(client);
    const work = { steps: 3, stepMs: 40, next: "handoff" } as const;
    const load = traffic.startAll(Array(12).fill(work), 30);
    await first.kill();
    await load;
    await traffic.ended();

    const { problems, counts } = await judge({ client, log }, traffic);
    expect(problems).toEqual([]);
    expect(counts.tasks).toBe(12);
  });
});

async function launch(file: string, ...args: string[]): Promise<void> {
  const script = fileURLToPath(new URL(file, import.meta.url));
  await startProgram({ script, args, atEnd: onTestFinished }).printed("ready");
}

/** Ports that are free now. The servers of a cluster must know each other's before the first one starts. */
async function findPorts(count: number): Promise<number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  return await Promise.all(
    listeners.map(
      (listener) =>
        new Promise<number>((resolve) => {
          listener.once("listening", () => {
            const address = listener.address();
            listener.close(() => resolve(typeof address === "object" && address !== null ? address.port : -1));
          });
        }),
    ),
  );
}
