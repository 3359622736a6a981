import { describe, expect, it } from "vitest";
import { createMemoryRows, createRecall, type RecallEpisode } from "../../src/recall/index.ts";

const question = { goal: "fix the parser", at: 2e9 };

describe("recall's weights", () => {
  it("are shown by signal, with what is known of the confidence", () => {
    const { recall } = setup(120);

    const { weights, compared, hitRate, sureFrom } = recall.weights();

    expect(Object.values(weights).some((weight) => weight > 0)).toBe(true);
    expect(weights).toHaveProperty("vote");
    expect(compared).toBe(90);
    expect(hitRate).toBeGreaterThan(0.5);
    expect(sureFrom).toBeLessThanOrEqual(1.01);
  });

  it("begin anew when they are reset, while the episodes stay", () => {
    const { recall } = setup(120);
    const fresh = createRecall(createMemoryRows());

    recall.reset();

    expect(recall.weights()).toEqual(fresh.weights());
    const { files } = recall.rank(question);
    expect(files[0]?.path).toContain("parser");
    for (const { shares } of files) expect(shares).not.toHaveProperty("habit"); // no weight of a word, a file or a folder is left
  });

  it("are learned again after a reset, without those from before", () => {
    const { recall } = setup(120);
    recall.reset();
    for (const episode of makeEpisodes(20)) recall.learn(episode);

    const { weights, compared } = recall.weights();

    expect(compared).toBe(20);
    expect(Object.values(weights).some((weight) => weight > 0)).toBe(true);
    expect(recall.rank(question).files[0]?.shares).toHaveProperty("habit");
  });
});

function makeEpisodes(count: number): RecallEpisode[] {
  const parts = ["parser", "router", "client", "codec", "timer", "queue", "cache", "store"];
  return Array.from({ length: count }, (_, index) => {
    const part = parts[(index * 5) % parts.length] ?? "";
    return {
      goal: `fix the ${part} of case ${index}`,
      at: 1e9 + index,
      files: [`src/${part}.ts`, `test/${part}.test.ts`],
    };
  });
}

function setup(count: number) {
  const recall = createRecall(createMemoryRows());
  for (const episode of makeEpisodes(count)) recall.learn(episode);
  return { recall };
}
