import { describe, expect, it } from "vitest";
import { readErrors } from "../../src/recall/errors.ts";
import { createMemoryRows, createRecall, type RecallEpisode } from "../../src/recall/index.ts";

describe("recall with more than a goal", () => {
  it("finds the files of a family although no word is the same", () => {
    const recall = setup();
    recall.learn({ goal: "rotate the credentials", at: 2e9, files: ["ops/secrets.ts"], family: "secrets" });

    const { files } = recall.rank({ goal: "expired yesterday", at: 2e9, family: "secrets" });

    expect(files[0]?.path).toBe("ops/secrets.ts");
  });

  it("finds the files of an error that came up before, with other numbers, ids, times and places", () => {
    const recall = setup();
    const error = (id: string, line: number): string =>
      `Error: SQLITE_BUSY at 0x7f${id} /tmp/run-${id}/store.db:${line} 2026-01-0${line % 9}T10:00:00Z\n  at open (store.ts:4)`;
    recall.learn({ goal: "make it start", at: 2e9, files: ["src/lock.ts"], errors: [error("a1b2c3", 7)] });

    const { files } = recall.rank({ goal: "it does not", at: 2e9, errors: [error("99ffee", 12)] });

    expect(files[0]?.path).toBe("src/lock.ts");
    expect(readErrors([error("a1b2c3", 7), error("99ffee", 12)])).toHaveLength(1);
  });

  it("names companions of the files in hand", () => {
    const recall = setup();
    for (let index = 0; index < 3; index += 1) {
      recall.learn({ goal: `step ${index}`, at: 2e9, files: ["src/hand.ts", "src/companion.ts"] });
    }
    for (const episode of makeEpisodes(30)) recall.learn({ ...episode, at: 2e9 });
    const ask = (files?: readonly string[]) =>
      recall
        .rank({ goal: "fix the parser", at: 2e9, files, filesMax: 20 })
        .files.find(({ path }) => path === "src/companion.ts");

    const [beside, plain] = [ask(["src/hand.ts"]), ask()];
    expect(beside?.shares).toHaveProperty("beside files in hand");
    expect(beside?.probability).toBeGreaterThan(2 * (plain?.probability ?? 1));
    expect(plain?.shares).not.toHaveProperty("beside files in hand");
  });

  it("answers as without it when nothing of the kind is known", () => {
    const recall = setup();
    const plain = recall.rank({ goal: "fix the parser", at: 2e9 });

    const { files } = recall.rank({
      goal: "fix the parser",
      at: 2e9,
      family: "",
      errors: ["", "12"],
      files: ["no/such.ts"],
    });

    expect(files).toEqual(plain.files);
  });

  it("is not slowed by hostile errors", () => {
    for (const line of ["a".repeat(1e6), "/tmp/".repeat(2e5), "f".repeat(1e6), "1-".repeat(5e5), "\ud800 \0"]) {
      expect(readErrors([line]).join("").length).toBeLessThanOrEqual(400);
    }
  });
});

function makeEpisodes(count: number): RecallEpisode[] {
  const parts = ["parser", "router", "client", "codec", "timer", "queue"];
  return Array.from({ length: count }, (_, index) => {
    const part = parts[index % parts.length] ?? "";
    return {
      goal: `fix the ${part} of case ${index}`,
      at: 1e9 + index,
      files: [`src/${part}.ts`, `test/${part}.test.ts`],
    };
  });
}

function setup() {
  const recall = createRecall(createMemoryRows());
  for (const episode of makeEpisodes(60)) recall.learn(episode);
  return recall;
}
