// Line
//
// A relay on loopback between programs and a server, which can be blocked and cut: a network that fails.
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
  /** Where the programs find the server. */
  readonly url: string;
  /** Lets nothing pass any more; in both directions if none is given. */
  block(...directions: Direction[]): void;
  open(): void;
  /** Breaks every connection. */
  cut(): void;
}

/** A line to the NATS server at `port`. */
export async function openLine({ port, atEnd }: { port: number; atEnd: AtEnd }): Promise<Line> {
  const flows = new Set<Flow>();
  const blocked = new Set<Direction>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    flows.add(createFlow("up", near, far)).add(createFlow("down", far, near));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  function createFlow(direction: Direction, from: Socket, to: Socket): Flow {
    const flow = { direction, from, to };
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
    server.close();
    cut();
    await once(server, "close");
  });
  const { port: ownPort } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `nats://127.0.0.1:${ownPort}`,
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
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
}
