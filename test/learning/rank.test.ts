import { describe, expect, it } from "vitest";
import { reworded, setup, trust } from "./support.ts";

const other = {
  goal: "Labels of the warehouse printer are cut off",
  files: ["labels/printer.py"],
  steps: [{ name: "measure the margin", tool: "lp" }],
  errors: ["media jam in tray 2"],
  checks: [],
};

describe("ranking lessons", () => {
  it("puts the lesson first that says what is asked, with shares that sum up to its score", () => {
    const bench = setup();
    trust(bench);
    bench.finish(other);

    const { lessons } = bench.lessons.rank({ text: "payment client: retry after a timeout" });

    expect(lessons[0]!.lesson).toMatchObject({ id: "les_1", state: "trusted" });
    for (const { score, signals } of lessons) {
      expect(Object.values(signals).reduce((sum, share) => sum + share, 0)).toBeCloseTo(score, 10);
    }
    expect(lessons[0]!.signals).toMatchObject({
      goal: expect.any(Number),
      state: expect.any(Number),
      recency: expect.any(Number),
    });
  });

  it("finds a lesson by a file's name, an error's text, a tool, and a colleague's word for it", () => {
    const bench = setup();
    trust(bench);
    bench.finish(other);
    const firstOf = (text: string) => bench.lessons.rank({ text }).lessons[0]?.lesson.id;

    expect(firstOf("http-client.ts stoppt nicht")).toBe("les_1");
    expect(firstOf("DuplicateChargeError im Protokoll")).toBe("les_1");
    expect(firstOf("lp")).toBe("les_3");
    expect(firstOf("the customer was billed two times")).toBe("les_1");
  });

  it("counts context: family, files, files that recall expects, the error's kind, and likeness of meaning", () => {
    const bench = setup();
    bench.finish({ family: "billing" });
    bench.finish({ ...other, family: "printing" });
    const text = "something is wrong";
    const signalsOf = (query: object, similarity?: (id: string) => number) =>
      bench.lessons.rank({ text, ...query }, similarity === undefined ? {} : { similarity }).lessons[0];

    expect(signalsOf({ family: "printing" })).toMatchObject({ lesson: { id: "les_2" }, signals: { family: 0.12 } });
    expect(signalsOf({ files: ["labels/printer.py"] })).toMatchObject({
      lesson: { id: "les_2" },
      signals: { "files given": 0.35 },
    });
    const predicted = [{ path: "labels/printer.py", probability: 0.5 }];
    expect(signalsOf({ predicted })).toMatchObject({ lesson: { id: "les_2" }, signals: { "files predicted": 0.1 } });
    expect(signalsOf({ error: "media jam in tray 7" })).toMatchObject({
      lesson: { id: "les_2" },
      signals: { error: 0.4 },
    });
    const similarity = (id: string): number => (id === "les_2" ? 1 : 0);
    expect(signalsOf({ text: "retry printer" }, similarity)).toMatchObject({
      lesson: { id: "les_2" },
      signals: { similarity: 0.6 },
    });
  });

  it("puts a contested lesson behind a trusted one that says the same", () => {
    const bench = setup();
    trust(bench);
    const twin = { files: ["workers/media/retry.py"], steps: [{ name: "see the loop", tool: "read" }], errors: [] };
    bench.finish({ ...twin, verified: true });
    bench.finish(twin);
    const before = bench.lessons.rank({ text: "retry of the payment client after a timeout" }).lessons;
    bench.finish({
      outcome: "failed",
      shown: [before[0]!.lesson.id],
      ...(before[0]!.lesson.id === "les_1" ? reworded : twin),
    });

    const after = bench.lessons.rank({ text: "stop the retry after a timeout" }).lessons;

    expect(after[0]!.lesson.state).toBe("trusted");
  });

  it("is not sure of a question about something else", () => {
    const bench = setup();
    trust(bench);

    expect(bench.lessons.rank({ text: "Compose a haiku for the client of the lobby" }).sure).toBe(false);
    expect(bench.lessons.rank({ text: "payment client retry after a timeout, DuplicateChargeError" }).sure).toBe(true);
  });

  it("forgets what it learned about being sure, and keeps the lessons", () => {
    const bench = setup();
    trust(bench);
    expect(bench.lessons.weights()).toMatchObject({ compared: 1, hitRate: 1 });

    bench.lessons.reset();

    expect(bench.lessons.weights()).toMatchObject({ compared: 0, hitRate: 0 });
    expect(bench.lessons.get("les_1")!.state).toBe("trusted");
  });

  it.each([
    ["nothing", ""],
    ["spaces", " \n\t "],
    ["100 KB", "payment client retry ".repeat(5_000)],
    ["NUL and controls", "pay\u0000ment \u0001\u001b[31mclient\u0000"],
    ["a million letters without a space", "a".repeat(1_000_000)],
    ["a million digits", "1".repeat(1_000_000)],
    ["right-to-left marks", "\u202epayment\u202c \u200fclient\u2067"],
    ["half a surrogate", "payment \ud83d client"],
    ["an index's operators", 'payment AND (client* OR "retry") NEAR/3 -timeout ^2 \\'],
    ["names of objects", "__proto__ constructor toString hasOwnProperty"],
  ])("answers %s with bounded, finite output, as a question and as a run", (_, text) => {
    const bench = setup();
    trust(bench);
    bench.finish({
      goal: text,
      family: text,
      files: [text],
      steps: [{ name: text, tool: text, file: text }],
      errors: [text],
      checks: [text],
    });

    const answer = bench.lessons.rank({ text, family: text, error: text, files: [text] }, { max: 1_000 });

    expect(answer.lessons.length).toBeLessThanOrEqual(50);
    expect(Number.isFinite(answer.confidence)).toBe(true);
    for (const { score } of answer.lessons) expect(Number.isFinite(score)).toBe(true);
    expect(JSON.stringify(bench.lessons.list()).length).toBeLessThan(60_000);
  });
});

describe("listing lessons", () => {
  it("shows the newest first, by pages, filtered by kind, state and family", () => {
    const bench = setup();
    trust(bench);
    bench.finish({ ...other, family: "printing" });
    const idsOf = (filter: Parameters<typeof bench.lessons.list>[0]) =>
      bench.lessons.list(filter).lessons.map(({ id }) => id);

    const page = bench.lessons.list({ count: 1 });

    expect(page.lessons.map(({ id }) => id)).toEqual(["les_3"]);
    expect(idsOf({ before: page.next })).toEqual(["les_1"]);
    expect(idsOf({ states: ["trusted"] })).toEqual(["les_1"]);
    expect(idsOf({ family: "printing" })).toEqual(["les_3"]);
    expect(idsOf({ kinds: ["note"] })).toEqual([]);
    expect(bench.lessons.get("les_none")).toBeUndefined();
  });
});
