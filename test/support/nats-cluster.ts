// A cluster of nats-servers for tests: three, with JetStream, each in a process of its own on loopback.

import { createServer } from "node:net";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "./nats.ts";

const count = 3;

/**
 * Starts three servers that know each other, and waits until JetStream has a leader among them. Clients are told of no server that they
 * were not given, so that a test can put something between.
 */
export async function startNatsCluster(
  options: Pick<NatsServerOptions, "atEnd" | "binary" | "config">,
): Promise<readonly NatsServer[]> {
  const ports = await findPorts();
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  return await Promise.all(
    ports.map((port) => {
      const cluster = `name: "three", listen: "127.0.0.1:${port}", routes: [${routes}], no_advertise: true`;
      return startNatsServer({
        ...options,
        jetstream: true,
        config: `cluster { ${cluster} }\n${options.config ?? ""}`,
      });
    }),
  );
}

/**
 * Ports that are free now: the servers must know each other's before the first one starts. They are below those that systems lend to
 * whoever connects somewhere, or one could be lent while its server is away.
 */
async function findPorts(): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const listener = createServer();
    listener.once("error", () => resolve(false));
    listener.listen(port, "127.0.0.1", () => listener.close(() => resolve(true)));
  });
}
