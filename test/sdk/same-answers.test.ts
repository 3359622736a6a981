import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { connect, createRuntime } from "../../src/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";

describeNats("one runtime reached in three ways", (binary) => {
  it("gives each the same answers, byte for byte, whoever asks", async () => {
    const server = await startNatsServer({ binary, atEnd: onTestFinished });
    const path = await mkdtemp(join(tmpdir(), "aionis-sdk-"));
    onTestFinished(() => rm(path, { recursive: true }));
    const scope = "test/answers";
    await using runtime = await createRuntime({ scope, path, durability: "process", nats: { servers: server.url } });
    await using near = await connect({ scope, path, agent: "near" });
    await using far = await connect({ scope, servers: server.url, agent: "far" });
    const episodes = Array.from({ length: 40 }, (_, n) => ({
      at: n * 86_400_000,
      goal: `part ${n % 5} of the printer`,
      files: [`src/part-${n % 5}.ts`],
    }));
    await runtime.memory.import({ source: "git:1", episodes });
    const { seq } = await runtime.memory.write({ text: "Part 3 needs ink", files: ["src/part-3.ts"], source: "tool" });

    const asked = ["part 3 of the printer", "ink", "", "墨水 не хватает"];
    const answers = await Promise.all(
      [runtime, near, far].map(async (client) => {
        const starts = await Promise.all(asked.map((query) => client.taskStart({ query, minPosition: seq })));
        const found = await client.memory.recall({ query: "ink" });
        const action = await client.actionRetrieval({ query: asked[0]! });
        return JSON.stringify([starts, found, action, await client.explain({ id: starts[0]!.receipt })]);
      }),
    );

    expect(new Set(answers.map((text) => text.replaceAll(/"at":\d+/g, ""))).size).toBe(1); // a receipt says when it was shown last
  });
});
