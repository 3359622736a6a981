import { systemClock } from "../../../src/kernel/clock.ts";
import { createSystemRandom } from "../../../src/kernel/random.ts";
import { connectNats } from "../../../transport/nats/index.ts";
import type { Transport } from "../../../transport/transport.ts";
import { describeTransport } from "../../conformance/transport.ts";
import { describeNatsOnEach, startNatsServer } from "../../support/nats.ts";

describeNatsOnEach("the NATS transport", (binary) => {
  describeTransport("NATS", async (logger) => {
    const stops: (() => Promise<void>)[] = [];
    const server = await startNatsServer({ binary, atEnd: (stop) => stops.push(stop) });
    const transports: Transport[] = [];
    return {
      connect: async () => {
        const transport = await connectNats({
          servers: server.url,
          owner: `agent-${transports.length}`,
          timeoutMs: 5_000,
          clock: systemClock,
          random: createSystemRandom(),
          logger,
        });
        transports.push(transport);
        return transport;
      },
      close: async () => {
        await Promise.all(transports.map((transport) => transport.drain()));
        for (const stop of stops) await stop();
      },
    };
  });
});
