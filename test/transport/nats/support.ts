import { connect as connectClient, type NatsConnection } from "@nats-io/transport-node";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { createSystemRandom } from "../../../src/kernel/random.ts";
import { connectNats, type NatsOptions, type NatsTransport } from "../../../transport/nats/index.ts";
import type { Transport, TransportState } from "../../../transport/transport.ts";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "../../support/nats.ts";

interface Line {
  level: string;
  message: string;
  fields: Readonly<Record<string, unknown>> | undefined;
}

export interface Setup {
  server: NatsServer;
  /** What all transports of this test logged. */
  logged: Line[];
  /** A transport, drained at the end. */
  connect(agent: string, options?: Partial<NatsOptions>): Promise<NatsTransport>;
  /** A client that is not ours, for what others send. */
  connectForeign(credentials?: { user: string; pass: string }): Promise<NatsConnection>;
}

/** A server of the test's own, and ways to it. */
export async function setup(options: Omit<NatsServerOptions, "atEnd">): Promise<Setup> {
  const server = await startNatsServer({ ...options, atEnd: onTestFinished });
  const logged: Line[] = [];
  const logger = {
    log: (level: string, message: string, fields?: Line["fields"]) => void logged.push({ level, message, fields }),
  };
  return {
    server,
    logged,
    connect: async (agent, more) => {
      const transport = await connectNats({ ...toOptions(server, agent), logger, ...more });
      onTestFinished(() => transport.drain());
      return transport;
    },
    connectForeign: async (credentials) => {
      const client = await connectClient({ servers: server.url, ...credentials });
      onTestFinished(() => client.close());
      return client;
    },
  };
}

export function toOptions(server: Pick<NatsServer, "url">, agent: string): NatsOptions {
  return { servers: server.url, owner: agent, timeoutMs: 5_000, clock: systemClock, random: createSystemRandom() };
}

export function nextState(transport: Transport, wanted: TransportState): Promise<void> {
  return new Promise((resolve) => {
    const stop = transport.onState((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}
