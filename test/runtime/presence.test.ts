import { connect as connectToServer } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { connect, createRuntime } from "../../src/index.ts";
import { systemClock } from "../../src/kernel/index.ts";
import { takeScope } from "../../src/runtime/presence.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";
const storeId = "store_01hf7yat009d718zy6hx";

describe("takeScope", () => {
  function setup() {
    const bus = createMemoryBus({ clock: systemClock });
    const take = (instance: string, of = scope) => {
      const transport = bus.connect();
      onTestFinished(() => transport.drain());
      return takeScope({ transport, scope: of, storeId, instance, clock: systemClock });
    };
    return { take };
  }

  it("lets one runtime serve a scope, and names it to the next", async () => {
    const { take } = setup();
    await take("first");

    const second = take("second");

    await expect(second).rejects.toMatchObject({
      code: "SCOPE_ALREADY_SERVED",
      detail: expect.stringContaining(`acme/billing is served by another runtime (store ${storeId}, since 2`),
    });
    await take("second", "acme/other");
  });

  it("lets one of many that start at the same time serve it", async () => {
    const { take } = setup();

    const taken = await Promise.allSettled(["a", "b", "c", "d"].map((instance) => take(instance)));

    expect(taken.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});

describeNats("a runtime on NATS", (binary) => {
  it("is alone in its scope; when it has closed another may take it", async () => {
    const server = await startNatsServer({ binary, atEnd: onTestFinished });
    const open = () => createRuntime({ scope, path: tempFolder(), nats: { servers: server.url } });
    const first = await open();

    await expect(open()).rejects.toMatchObject({ code: "SCOPE_ALREADY_SERVED" });
    await first.close();
    const second = await open();

    await second.close();
  });

  it("is listed with its workers by NATS' services protocol, with what they have done", async () => {
    const server = await startNatsServer({ binary, atEnd: onTestFinished });
    const runtime = await createRuntime({ scope, path: tempFolder(), nats: { servers: server.url } });
    onTestFinished(() => runtime.close());
    const connection = await connect({ scope, servers: server.url, agent: "fixer-1" });
    onTestFinished(() => connection.close());
    connection.worker({ agent: "fixer-1", roles: ["code.fix"] }, () => {});
    const { taskId } = await connection.tasks.start({ brief: "Fix it" });
    await connection.tasks.result(taskId);
    const status = await runtime.runtime.status();

    const infos = await ask(server.url, "$SRV.INFO");
    const stats = await ask(server.url, "$SRV.STATS.aionis-worker");

    expect(infos).toEqual([
      expect.objectContaining({
        type: "io.nats.micro.v1.info_response",
        name: "aionis-runtime",
        metadata: { scope, storeId: status.storeId },
        endpoints: [expect.objectContaining({ name: "rpc", queue_group: "runtime" })],
      }),
      expect.objectContaining({ name: "aionis-worker", metadata: { scope, agent: "fixer-1", roles: "code.fix" } }),
    ]);
    expect(stats).toEqual([
      expect.objectContaining({ endpoints: [expect.objectContaining({ num_requests: 1, num_errors: 0 })] }),
    ]);
  });
});

/** What every service answers within a moment, by name. */
async function ask(servers: string, subject: string): Promise<{ name: string }[]> {
  const connection = await connectToServer({ servers });
  try {
    const answers: { name: string }[] = [];
    for await (const message of await connection.requestMany(subject, "", { maxWait: 500 }))
      answers.push(message.json());
    return answers.sort((left, right) => left.name.localeCompare(right.name));
  } finally {
    await connection.close();
  }
}
