import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { createRecallRows } from "../../actors/store/recall-rows.ts";
import { createMemoryRows, createRecall, type RecallEpisode, type RecallRows } from "../../src/recall/index.ts";

const question = { goal: "fix the parser for empty lines", at: 2e9 };

describe("recall's rows in SQLite", () => {
  it("give the same answers as rows in memory, also after all were let go and read again", () => {
    const { rows, memory, episodes } = setup();
    const [stored, plain] = [createRecall(rows), createRecall(memory)];
    for (const [index, episode] of episodes.entries()) {
      stored.learn(episode);
      plain.learn(episode);
      if (index % 7 === 0) rows.flush();
      if (index % 7 === 0) rows.forget();
    }
    rows.flush();
    rows.forget();

    expect(stored.rank(question)).toEqual(plain.rank(question));
  });

  it("give back what was put, number for number and in the order of the fields", () => {
    const { rows, memory, episodes } = setup();
    for (const each of [rows, memory]) for (const episode of episodes) createRecall(each).learn(episode);
    rows.flush();
    rows.forget();

    const read = (from: RecallRows): string =>
      JSON.stringify([from.get("words", "pars"), from.get("files", 1), from.get("totals", 0), from.get("learned", 0)]);
    expect(read(rows)).toBe(read(memory));
  });

  it("keep scopes apart", () => {
    const { database, rows, episodes } = setup();
    const other = createRecallRows(database, 2);
    for (const episode of episodes) createRecall(rows).learn(episode);
    rows.flush();

    expect(createRecall(other).rank(question).files).toEqual([]);
  });

  it("forget what was not written when a transaction is rolled back", () => {
    const { database, rows, episodes } = setup();
    const recall = createRecall(rows);
    for (const episode of episodes) recall.learn(episode);
    rows.flush();
    const before = recall.rank(question);

    database.exec("BEGIN");
    createRecall(rows).learn({ goal: question.goal, at: 2e9, files: ["src/other.ts"] });
    rows.flush();
    database.exec("ROLLBACK");
    rows.forget();

    expect(createRecall(rows).rank(question)).toEqual(before);
  });
});

function setup() {
  const database = new Database(":memory:");
  const parts = ["parser", "größe", "接続", "router"];
  const episodes: RecallEpisode[] = Array.from({ length: 90 }, (_, index) => ({
    goal: `fix ${parts[index % 4] ?? ""} ${index % 3 === 0 ? "empty lines" : "long names"}`,
    at: 1e9 + index,
    files: [`src/${parts[index % 4] ?? ""}.ts`, `test/${index % 5}.test.ts`],
  }));
  return { database, rows: createRecallRows(database, 1), memory: createMemoryRows(), episodes };
}
