// Subscriptions over a network that breaks: ended and cut off at random 200 times, every event comes once and in order.

import { expect, it, onTestFinished } from "vitest";
import { type Connection, connect } from "../../sdk/index.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import { createRuntime } from "../../src/embedded.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { openLine } from "../support/line.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";
const packet = { brief: "The changelog", nextAction: "Read the log" };
const breaks = 100; // of each of two followers
const delegations = ["delegation.sent", "delegation.returned"] as const;

describeNats("subscriptions over NATS", (binary) => {
  async function setup() {
    const server = await startNatsServer({ binary, jetstream: true, atEnd: onTestFinished });
    const path = tempFolder();
    const runtime = await createRuntime({ scope, path, durability: "process", nats: { servers: server.url } });
    onTestFinished(() => runtime.close());
    const line = await openLine({ ports: [server.port], atEnd: onTestFinished });

    /** Follows from its cursor on, through `breaks` breaks, and after them for one more item. */
    async function follow(
      seed: number,
      subscribe: (connection: Connection, from: number) => AsyncIterable<{ seq: number }>,
    ): Promise<number[]> {
      const random = createSeededRandom(seed);
      const seen: number[] = [];
      for (let broken = 0; broken <= breaks; broken += 1) {
        const isLast = broken === breaks;
        const connection = await reach(line.urls);
        const isCut = random.u32() % 10 === 0; // then the same connection goes on, and is ended later
        const timers = isLast
          ? []
          : [setTimeout(() => void connection.close(), (random.u32() % 30) + (isCut ? 1_000 : 0))];
        if (isCut) timers.push(setTimeout(line.cut, random.u32() % 20));
        try {
          for await (const { seq } of subscribe(connection, (seen.at(-1) ?? 0) + 1)) {
            seen.push(seq);
            if (isLast) break;
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "TRANSPORT_CLOSED" });
        }
        for (const timer of timers) clearTimeout(timer);
        await connection.close();
      }
      return seen;
    }
    return { runtime, follow };
  }

  it("bring every event and every delegation once and in order", async () => {
    const { runtime, follow } = await setup();
    const writer = startWriting(runtime);

    const [events, delegated] = await Promise.all([
      follow(7, (connection, from) => connection.events.subscribe({ from })),
      follow(8, (connection, from) => connection.delegationRecords.subscribe({ from })),
    ]);

    await writer.stop();
    expect(events).toEqual(events.map((_, index) => index + 1));
    expect(events.length).toBeGreaterThan(breaks);
    const recorded = await readAll(runtime);
    expect(delegated).toEqual(recorded.slice(0, delegated.length));
    expect(delegated.length).toBeGreaterThan(breaks / 10);
  });
});

/** The other follower may cut the line while this one connects. */
async function reach(servers: readonly string[]): Promise<Connection> {
  for (;;) {
    try {
      return await connect({ scope, servers, agent: "follower" });
    } catch (error) {
      if (!isFailure(error, "TRANSPORT_UNREACHABLE")) throw error;
    }
  }
}

/** Starts tasks and delegates from each, until it is told to stop. */
function startWriting({ tasks }: Connection): { stop(): Promise<void> } {
  let isOn = true;
  const writing = (async () => {
    while (isOn) {
      const { taskId } = await tasks.start({ brief: "a whole" });
      const { assignment } = await tasks.claim({ taskId });
      await tasks.delegate({ taskId, epoch: assignment!.epoch, to: { role: "docs" }, packet });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const stop = async (): Promise<void> => {
    isOn = false;
    await writing;
  };
  onTestFinished(stop);
  return { stop };
}

async function readAll({ events }: Connection): Promise<number[]> {
  const sequences: number[] = [];
  for (let from = 1; ; ) {
    const page = await events.read({ from, types: [...delegations], pageSize: 500 });
    sequences.push(...page.events.map(({ seq }) => seq));
    if (page.events.length === 0) return sequences;
    from = page.next;
  }
}
