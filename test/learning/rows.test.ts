import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { createRecallRows } from "../../actors/store/recall-rows.ts";
import { createLessons } from "../../src/learning/index.ts";
import { createMemoryRows } from "../../src/recall/index.ts";
import { replay, reworded, setup, toWritten, trust } from "./support.ts";

const questions = ["payment client charges twice", "DuplicateChargeError", "支付 重试", "nothing of the kind"];

describe("the rows of lessons", () => {
  it("are equal byte for byte when the same changes are applied again (L1)", () => {
    const { rows, journal } = eventful();

    const again = createMemoryRows();
    replay(journal, again);

    expect(again.dump()).toBe(rows.dump());
  });

  it("give the same answers after a restart on SQLite (L1)", () => {
    const { lessons, journal } = eventful();
    const database = new Database(":memory:");
    const stored = createRecallRows(database, 1);
    replay(journal, stored);
    stored.flush();

    const restarted = createLessons(createRecallRows(database, 1));

    for (const text of questions) {
      expect(JSON.stringify(restarted.rank({ text }))).toBe(JSON.stringify(lessons.rank({ text })));
    }
    expect(JSON.stringify(restarted.list())).toBe(JSON.stringify(lessons.list()));
  });

  it("of one scope show nothing of another (I11)", () => {
    const { journal } = eventful();
    const database = new Database(":memory:");
    const stored = createRecallRows(database, 1);
    replay(journal, stored);
    stored.flush();

    const other = createLessons(createRecallRows(database, 2));

    expect(other.rank({ text: questions[0]! })).toMatchObject({ lessons: [], confidence: 0, sure: false });
    expect(other.list()).toEqual({ lessons: [] });
  });

  it("hold a lesson whose first content was erased: it stands where it stood and says nothing", () => {
    const { journal } = eventful();
    const erased = journal.map((entry) => ({ ...entry, change: { ...entry.change } }));
    for (const { change } of erased) delete change.content;
    const rows = createMemoryRows();

    replay(erased, rows);

    expect(createLessons(rows).get("les_1")).toMatchObject({ id: "les_1", state: "contested", title: "", files: [] });
  });

  it("refuse a change that the lesson does not take, and stay as they are", () => {
    const { rows, lessons, journal } = setup();
    expect(journal).toEqual([]);
    const before = rows.dump();
    const change = {
      lessonId: "les_9",
      kind: "workflow",
      change: "trusted",
      from: null,
      to: "trusted",
      evidence: [],
      missing: [],
    } as const;

    expect(() => lessons.apply({ ...change, evidence: [], missing: [] }, { seq: 1, at: 1 })).toThrow(
      "does not take lesson.trusted",
    );
    expect(rows.dump()).toBe(before);
  });

  it("keep every list bounded, however often a lesson is taught", () => {
    const { finish, lessons, rows } = setup();
    for (let run = 0; run < 120; run += 1) {
      const files = [
        "packages/payments/src/http-client.ts",
        ...Array.from({ length: 60 }, (_, index) => `p/${run}/${index}.ts`),
      ];
      const steps = Array.from({ length: 60 }, (_, index) => ({
        name: `step ${run} ${"word ".repeat(100)}${index}`,
        tool: `tool${index}`,
      }));
      finish({ files, steps, errors: Array.from({ length: 60 }, (_, index) => `Error${run}x${index}`) });
    }

    const row = rows.get("lessons", 0)!;
    expect(row.words.length).toBeLessThanOrEqual(400);
    expect(row.evidence.length).toBeLessThanOrEqual(3 * 32);
    expect(row.text.length).toBeLessThan(20_000);
    expect(lessons.get("les_1")!.files.length).toBeLessThanOrEqual(24);
    expect(rows.get("lessonWords", "word")!.postings.length).toBeLessThanOrEqual(500);
  });
});

function eventful() {
  const bench = setup();
  trust(bench);
  for (let run = 0; run < 40; run += 1) {
    bench.finish({
      goal: `Sort column ${"abcdefgh"[run % 8]} of the table`,
      files: [`web/${run % 8}.ts`],
      verified: run % 3 === 0,
    });
  }
  bench.record([toWritten("les_note", "fact", { goal: "Bank", text: "answers 503", source: "operator" })]);
  bench.finish({ ...reworded, outcome: "failed", shown: ["les_1"] });
  return bench;
}
