import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decideLesson,
  foldLesson,
  type LessonEvent,
  type LessonFact,
  type LessonSnapshot,
} from "../../machines/lesson.ts";

const rules = { trusted: { successes: 2, verified: 1 }, restored: { successes: 2, verified: 1 }, retiredAfter: 2 };
const verified = { strength: "verified", outcome: "succeeded" } as const;
const failed = { strength: "self", outcome: "failed" } as const;
const facts = [
  "observed",
  "supported",
  "trusted",
  "contested",
  "restored",
  "retired",
  "reactivated",
  "written",
  "activated",
] as const;

/** How to get there, and where each fact of `facts` leads; a dash is refused. */
const table = {
  observed: { path: [["written", undefined]], to: "candidate candidate - contested - retired - observed observed" },
  candidate: { path: [["observed", verified]], to: "- candidate trusted contested - retired - - candidate" },
  trusted: {
    path: [
      ["observed", verified],
      ["trusted", verified],
    ],
    to: "- trusted - contested - retired - - trusted",
  },
  contested: {
    path: [
      ["observed", verified],
      ["contested", failed],
    ],
    to: "- contested - contested trusted retired - - contested",
  },
  retired: {
    path: [
      ["observed", verified],
      ["retired", undefined],
    ],
    to: "- retired - - - - candidate - retired",
  },
} as const;

describe("lesson machine", () => {
  for (const [state, { path, to }] of Object.entries(table)) {
    for (const [index, target] of to.split(" ").entries()) {
      const fact = facts[index]!;
      it(`in ${state}, ${target === "-" ? `refuses lesson.${fact}` : `lesson.${fact} leads to ${target}`}`, () => {
        const before = path.reduce<LessonSnapshot | undefined>(
          (from, [each, evidence]) => fold(from, each, evidence),
          undefined,
        );
        expect(before!.value).toBe(state);
        const evidence = fact === "contested" ? failed : verified;

        if (target === "-") expect(() => fold(before, fact, evidence)).toThrow(`does not take lesson.${fact}`);
        else expect(fold(before, fact, evidence).value).toBe(target);
      });
    }
  }

  it("brings a retired entry back as observed: no run stands behind it", () => {
    const written = fold(undefined, "written", undefined);

    expect(fold(fold(written, "retired", undefined), "reactivated", undefined).value).toBe("observed");
  });

  it.each(["self", "imported", "none"] as const)(
    "does not take trust that rests on %s evidence alone (I12)",
    (strength) => {
      const candidate = fold(undefined, "observed", { strength: "self", outcome: "succeeded" });

      expect(() => fold(candidate, "trusted", { strength, outcome: "succeeded" })).toThrow(
        "does not take lesson.trusted",
      );
    },
  );

  it("never becomes trusted without the evidence that its rule asks for, whatever happens in whatever order (I12)", () => {
    const happening = fc.record({
      strength: fc.constantFrom("none" as const, "self" as const, "verified" as const, "imported" as const),
      outcome: fc.constantFrom("succeeded" as const, "succeeded" as const, "failed" as const),
      act: fc.constantFrom("run" as const, "run" as const, "run" as const, "retire" as const, "reactivate" as const),
    });
    const rule = fc.record({ successes: fc.integer({ min: 1, max: 4 }), verified: fc.integer({ min: 1, max: 3 }) });

    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), rule, rule, (happenings, trusted, restored) => {
        let now: LessonSnapshot | undefined;
        let fresh: string[] = [];
        for (const { act, ...evidence } of happenings) {
          const before = now;
          if (act === "run") {
            const decision = decideLesson(now, evidence, { trusted, restored, retiredAfter: 2 });
            if (decision === undefined) continue;
            now = fold(now, decision.fact, evidence);
            fresh = evidence.outcome === "failed" ? [] : [...fresh, evidence.strength];
            expect(now.value).toBe(decision.to);
          } else if (now !== undefined && (now.value === "retired") === (act === "reactivate")) {
            now = fold(now, act === "retire" ? "retired" : "reactivated", undefined);
            if (act === "reactivate") fresh = [];
          }
          if (now?.value !== "trusted" || before?.value === "trusted") continue;
          const asked = before?.value === "contested" ? restored : trusted;
          expect(fresh.filter((strength) => strength !== "imported").length).toBeGreaterThanOrEqual(asked.successes);
          expect(fresh.filter((strength) => strength === "verified").length).toBeGreaterThanOrEqual(asked.verified);
        }
      }),
    );
  });

  it("says nothing is missing for a trusted lesson alone", () => {
    const first = decideLesson(undefined, verified, rules)!;
    const second = decideLesson(fold(undefined, first.fact, verified), verified, rules)!;

    expect(first.missing).toHaveLength(1);
    expect(second).toEqual({ fact: "trusted", to: "trusted", missing: [] });
  });
});

function fold(before: LessonSnapshot | undefined, fact: LessonFact, evidence: LessonEvent["evidence"]): LessonSnapshot {
  return foldLesson(before, { type: `lesson.${fact}`, evidence });
}
