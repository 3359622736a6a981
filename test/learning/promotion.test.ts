import { describe, expect, it } from "vitest";
import { aRun, reworded, setup, toWritten, trust } from "./support.ts";

const oneRunMissing = "1 more successful run of another task.";
const checksMissing = "1 run whose checks the runtime saw pass.";

describe("promotion of a workflow lesson", () => {
  it("makes a candidate of the first successful run, and says what is missing", () => {
    const { finish, lessons } = setup();

    const [change] = finish({});

    expect(change).toMatchObject({
      lessonId: "les_1",
      kind: "workflow",
      change: "observed",
      from: null,
      to: "candidate",
    });
    expect(change).toMatchObject({ run: "task_1", missing: [oneRunMissing, checksMissing] });
    expect(lessons.get("les_1")).toMatchObject({
      state: "candidate",
      runs: 1,
      missing: [oneRunMissing, checksMissing],
    });
  });

  it("trusts it at the second run when one of the two was verified, and lists both as evidence (I12)", () => {
    const { finish, lessons } = setup();

    finish({ verified: true });
    const [change] = finish(reworded);

    expect(change).toMatchObject({
      lessonId: "les_1",
      change: "trusted",
      from: "candidate",
      to: "trusted",
      missing: [],
    });
    expect(change!.evidence).toEqual([
      { seq: 1, strength: "verified", outcome: "succeeded" },
      { seq: 2, strength: "self", outcome: "succeeded" },
    ]);
    expect(lessons.get("les_1")).toMatchObject({ state: "trusted", runs: 2, missing: [] });
  });

  it("refuses trust to any number of runs that nothing verified (I12)", () => {
    const { finish } = setup();

    const changes = Array.from({ length: 5 }, () => finish({})).flat();

    expect(changes.map(({ to }) => to)).toEqual(["candidate", "candidate", "candidate", "candidate", "candidate"]);
    expect(changes.at(-1)).toMatchObject({ change: "supported", missing: [checksMissing] });
  });

  it("refuses trust to one verified run (I12)", () => {
    const { finish } = setup();

    expect(finish({ verified: true })[0]).toMatchObject({ to: "candidate", missing: [oneRunMissing] });
  });

  it("counts a run once, however often it is judged (L3)", () => {
    const { finish, lessons, rows } = setup();
    finish({ taskId: "task_a", verified: true });
    const before = rows.dump();

    expect(lessons.judge(aRun({ taskId: "task_a", seq: 9, verified: true }))).toEqual([]);
    expect(rows.dump()).toBe(before);
  });

  it("never trusts because of imported evidence, which leaves a lesson observed (I12)", () => {
    const { finish } = setup();

    const imported = Array.from({ length: 4 }, () => finish({ imported: true, verified: true })).flat();
    const [own] = finish({ verified: true });

    expect(imported.map(({ to }) => to)).toEqual(["observed", "observed", "observed", "observed"]);
    expect(imported[0]).toMatchObject({
      change: "observed",
      missing: ["2 more successful runs of other tasks.", checksMissing],
    });
    expect(own).toMatchObject({ change: "supported", from: "observed", to: "candidate", missing: [oneRunMissing] });
  });

  it("learns nothing from a run that says, touches and does nothing", () => {
    const { finish } = setup();

    expect(finish({ goal: "do it", files: [], steps: [] })).toEqual([]);
    expect(finish({ goal: "", files: [], steps: [] })).toEqual([]);
  });

  it("learns nothing from a failed run that was shown nothing", () => {
    expect(setup().finish({ outcome: "failed" })).toEqual([]);
  });

  it("changes nothing by judging (L2)", () => {
    const { lessons, rows } = setup();
    const before = rows.dump();

    lessons.judge(aRun());

    expect(rows.dump()).toBe(before);
  });
});

describe("a trusted lesson that fails", () => {
  it("is contested by a failed run of its kind that was shown it", () => {
    const bench = setup();
    trust(bench);

    const [change] = bench.finish({ outcome: "failed", shown: ["les_1"] });

    expect(change).toMatchObject({ lessonId: "les_1", change: "contested", from: "trusted", to: "contested" });
    expect(change!.evidence.at(-1)).toEqual({ seq: 3, strength: "self", outcome: "failed" });
    expect(change!.missing).toEqual([
      "2 more successful runs of other tasks since it failed.",
      "1 run since it failed whose checks the runtime saw pass.",
    ]);
  });

  it("stays trusted when a run of other work fails that was shown it", () => {
    const bench = setup();
    trust(bench);

    const other = {
      goal: "Print labels",
      files: ["labels/print.py"],
      steps: [{ name: "draw", tool: "lp" }],
      errors: [],
    };

    expect(bench.finish({ ...other, outcome: "failed", shown: ["les_1", "les_unknown"] })).toEqual([]);
  });

  it("is contested by feedback that says so, and restored by two fresh successes of which one is verified (I12)", () => {
    const bench = setup();
    trust(bench);
    const failed = { lessonIds: ["les_1"], outcome: "failed", seq: 9, at: 9, verified: false } as const;

    const [contested] = bench.record(bench.lessons.judgeUse(failed));
    const [first] = bench.finish({ verified: true });
    const [second] = bench.finish(reworded);

    expect(contested).toMatchObject({ change: "contested", from: "trusted", to: "contested" });
    expect(first).toMatchObject({
      change: "supported",
      to: "contested",
      missing: ["1 more successful run of another task since it failed."],
    });
    expect(second).toMatchObject({ change: "restored", from: "contested", to: "trusted", missing: [] });
  });

  it("does not count successes from before its last failure", () => {
    const bench = setup();
    trust(bench);
    bench.finish({ outcome: "failed", shown: ["les_1"] });
    bench.finish({ verified: true });
    bench.finish({ outcome: "failed", shown: ["les_1"] });

    expect(bench.finish({ verified: true })[0]).toMatchObject({ change: "supported", to: "contested" });
  });

  it("retires after two failures more, keeps taking evidence, and comes back by an act alone, to begin anew", () => {
    const bench = setup();
    trust(bench);
    const fail = () => bench.finish({ outcome: "failed", shown: ["les_1"] })[0];

    expect([fail(), fail(), fail()].map((change) => change!.change)).toEqual(["contested", "contested", "retired"]);
    expect(fail()).toBeUndefined();
    const [supported] = bench.finish({ verified: true });
    expect(supported).toMatchObject({ change: "supported", from: "retired", to: "retired" });
    expect(supported!.missing[0]).toContain("reactivate");

    const [back] = bench.record(bench.lessons.judgeAct({ lessonId: "les_1", act: "reactivate" }));
    expect(back).toMatchObject({
      change: "reactivated",
      from: "retired",
      to: "candidate",
      missing: ["2 more successful runs of other tasks.", checksMissing],
    });
    expect(bench.finish({ verified: true })[0]).toMatchObject({ to: "candidate" });
    expect(bench.finish({})[0]).toMatchObject({ change: "trusted" });
  });

  it("is retired by an act, and not twice", () => {
    const bench = setup();
    trust(bench);

    expect(bench.record(bench.lessons.judgeAct({ lessonId: "les_1", act: "retire" }))[0]).toMatchObject({
      to: "retired",
    });
    expect(bench.lessons.judgeAct({ lessonId: "les_1", act: "retire" })).toEqual([]);
    expect(bench.lessons.judgeAct({ lessonId: "les_none", act: "reactivate" })).toEqual([]);
  });
});

describe("use of lessons that were shown", () => {
  it("moves the counter alone when it helped, and nothing when a single activation did not", () => {
    const bench = setup();
    bench.finish({});
    const use = { lessonIds: ["les_1", "les_1", "les_none"], seq: 7, at: 7, verified: true } as const;

    const helped = bench.record(bench.lessons.judgeUse({ ...use, outcome: "succeeded" }));
    const failed = bench.record(bench.lessons.judgeActivation({ ...use, outcome: "failed" }));

    expect(helped).toMatchObject([{ change: "activated", from: "candidate", to: "candidate" }]);
    expect(failed).toMatchObject([{ change: "activated", from: "candidate", to: "candidate" }]);
    expect(bench.lessons.get("les_1")).toMatchObject({ state: "candidate", runs: 1, used: 1 });
  });
});

describe("entries written by hand", () => {
  it("are found by their words, are observed, and no run makes them trusted", () => {
    const bench = setup();
    const said = { goal: "Bank gateway", text: "It answers 503 on Sundays", source: "tool" } as const;

    bench.record([toWritten("les_note", "note", { ...said, tools: ["curl"], links: ["evt_1"], family: "payments" })]);

    const { lessons } = bench.lessons.rank({ text: "503 from the gateway of the bank" });
    expect(lessons[0]!.lesson).toMatchObject({
      id: "les_note",
      kind: "note",
      state: "observed",
      source: "tool",
      links: ["evt_1"],
    });
    expect(lessons[0]!.lesson.missing).toEqual(["It was written by hand: only runs make a lesson trusted."]);
    expect(bench.finish({ goal: "Bank gateway answers 503 on Sundays", files: [], steps: [] })[0]!.lessonId).not.toBe(
      "les_note",
    );
  });
});
