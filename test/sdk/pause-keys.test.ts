import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPauseKeys } from "../../sdk/pause-keys.ts";
import { toRunQuestion } from "../../sdk/run-questions.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { toAbout } from "../../src/contracts/step.ts";

const alone = { hasOthers: () => false };

/** The key of what a run asks about one of its steps, or about its code. */
function askedByRun(code: "STEP_AMBIGUOUS" | "STEP_OUTCOME_UNKNOWN", name: string): string {
  const concerns = { of: "step", seq: 7, name, ordinal: 0, differs: [], waitsForCode: false };
  const error = new AionisError(code, "Why.", { facts: code === "STEP_AMBIGUOUS" ? { step: name } : { concerns } });
  return toRunQuestion(error)?.key ?? "";
}

describe("keys of pauses", () => {
  it("are never shared: by a name that a handler chose, a question without one, and what the run asks by itself", () => {
    const questions = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 4 });
    const steps = fc.uniqueArray(fc.constantFrom("pay", "mail", "a b", "?", "x".repeat(limits.nameChars)));

    const property = fc.property(questions, steps, fc.array(fc.string({ minLength: 1 })), (texts, names, abouts) => {
      const keys = createPauseKeys(alone);
      const unnamed = texts.map((question) => keys.next({ question, answerSchema: {} }));
      const resumes = [keys.next({}), keys.next({})];
      const own = [...names.map((name) => askedByRun("STEP_OUTCOME_UNKNOWN", name)), askedByRun("STEP_AMBIGUOUS", "a")];
      const others = [...unnamed, ...resumes, ...own];
      const chosen = new Set([
        ...abouts,
        ...others,
        ...others.map((key) => `=${key}`),
        ...names.map((name) => toAbout({ name, ordinal: 0 })),
      ]);
      const named = [...chosen].map((about) => keys.named(about, { question: "Which?" }));

      const all = [...others, ...named];
      expect(new Set(all).size).toBe(all.length);
      expect(own.every((key) => key.length <= limits.nameChars)).toBe(true);
    });

    fc.assert(property);
  });

  it("are the handler's own words where nothing else is like them", () => {
    expect(createPauseKeys(alone).named("deploy", { question: "Deploy?" })).toBe("deploy");
  });
});
