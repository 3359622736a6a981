import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createRuntime } from "../../src/index.ts";
import { createEmbeddings, type Embedding } from "../../src/runtime/embeddings.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** A vector of how much a text is about money and about machines. */
const about: Embedding = async (texts) =>
  texts.map((text) => [/money|invoice|bill/i.test(text) ? 1 : 0, /machine|engine/i.test(text) ? 1 : 0, 0.1]);

function setup(embed: Embedding) {
  const clock = new FakeClock();
  const logs: string[] = [];
  const asked: (readonly string[])[] = [];
  const embeddings = createEmbeddings(
    (texts) => {
      asked.push(texts);
      return embed(texts);
    },
    { clock, logger: { log: (_level, message) => void logs.push(message) } },
  );
  return { clock, logs, asked, embeddings };
}

const lessons = new Map([
  ["a", "The invoice is wrong"],
  ["b", "The engine is hot"],
]);

describe("an embedding provider", () => {
  it("says how near lessons are, and is asked for each text once", async () => {
    const { embeddings, asked } = setup(about);

    const near = await embeddings.compare("money", lessons);
    await embeddings.compare("money", lessons);

    expect(near.get("a")).toBeGreaterThan(0.9);
    expect(near.get("b")).toBeLessThan(0.2);
    expect(asked).toEqual([["money", ...lessons.values()]]);
  });

  it.each<[string, Embedding]>([
    ["fails", () => Promise.reject(new Error("no model"))],
    ["gives too few vectors", async () => [[1, 0]]],
    ["gives vectors of several lengths", async (texts) => texts.map((_, index) => new Array(index + 1).fill(1))],
    ["gives no numbers", async (texts) => texts.map(() => [Number.NaN, 1])],
    ["gives nothing but zeros", async (texts) => texts.map(() => [0, 0])],
  ])("that %s is done without", async (_what, embed) => {
    const { embeddings } = setup(embed);

    expect(await embeddings.compare("money", lessons)).toEqual(new Map());
  });

  it("that does not answer in time is done without, and said so", async () => {
    const { embeddings, clock, logs } = setup(() => new Promise(() => {}));

    const near = embeddings.compare("money", lessons);
    await clock.advance(1_000);

    expect(await near).toEqual(new Map());
    expect(logs).toEqual([expect.stringContaining("embedding provider failed")]);
  });

  it("adds one signal to the ranking of a runtime that was given one", async () => {
    const path = mkdtempSync(join(tmpdir(), "aionis-embedding-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    await using runtime = await createRuntime({
      scope: "test/embedding",
      path,
      durability: "process",
      embedding: about,
    });
    const { id } = await runtime.memory.write({ text: "The bill for March was sent twice" });
    const { seq } = await runtime.memory.write({ text: "The engine for March was sent twice" });

    const { lessons: found } = await runtime.memory.recall({ query: "money sent in March", minPosition: seq });

    expect(found[0]).toMatchObject({ id, shares: { similarity: expect.any(Number) } });
    expect(found[0]!.shares.similarity).toBeGreaterThan(found[1]!.shares.similarity!);
  });
});
