// Line
//
// A relay on loopback between programs and a server, or the servers of a cluster, which can be blocked and cut: a network that fails.
//
// Invariants:
//   L1. While a direction is blocked nothing passes in it, neither bytes nor the end of a connection, and nobody is told. What was
//       sent meanwhile passes in order when it is opened again, as it does where TCP sends again what was lost.
//   L2. A line that is closed leaves no socket behind.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { AtEnd } from "./programs.ts";

/** `up` is towards the server. */
export type Direction = "up" | "down";

export interface Line {
  /** Where the programs find each of the servers. */
  readonly urls: readonly string[];
  /** The port of the server that the oldest open connection leads to. */
  oldestPort(): number | undefined;
  /** Lets nothing pass any more; in both directions if none is given. */
  block(...directions: Direction[]): void;
  open(): void;
  /** Breaks every connection. */
  cut(): void;
}

/** A line to the NATS servers at `ports`. */
export async function openLine({ ports, atEnd }: { ports: readonly number[]; atEnd: AtEnd }): Promise<Line> {
  const flows = new Set<Flow>();
  const blocked = new Set<Direction>();
  const servers = ports.map((port) =>
    createServer((near) => {
      const far = connect(port, "127.0.0.1");
      flows.add(createFlow({ port, direction: "up", from: near, to: far }));
      flows.add(createFlow({ port, direction: "down", from: far, to: near }));
    }).listen(0, "127.0.0.1"),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));

  function createFlow(flow: Flow): Flow {
    const { direction, from, to } = flow;
    from.on("error", () => {}); // told by `close`, too
    from.on("close", () => {
      if (blocked.has(direction)) return; // L1
      to.destroy();
      flows.delete(flow);
    });
    if (!blocked.has(direction)) from.pipe(to);
    return flow;
  }

  const cut = (): void => {
    for (const { from } of flows) from.destroy();
  };
  atEnd(async () => {
    blocked.clear(); // or what is destroyed here would not end the other side
    const closed = Promise.all(servers.map((server) => once(server.close(), "close")));
    cut();
    await closed;
  });
  return {
    urls: servers.map((server) => `nats://127.0.0.1:${(server.address() as AddressInfo).port}`), // they listen on TCP
    oldestPort: () => flows.values().next().value?.port,
    block(...directions) {
      for (const direction of directions.length === 0 ? (["up", "down"] as const) : directions) blocked.add(direction);
      for (const { direction, from, to } of flows) if (blocked.has(direction)) from.unpipe(to).pause();
    },
    open() {
      const closed = new Set(blocked);
      blocked.clear();
      for (const flow of flows) {
        if (!closed.has(flow.direction)) continue;
        if (!flow.from.destroyed) flow.from.pipe(flow.to);
        else if (flows.delete(flow)) flow.to.destroy();
      }
    },
    cut,
  };
}

interface Flow {
  readonly port: number;
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
}
