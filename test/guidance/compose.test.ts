// The answer of task start as a function of what is known: what it promises whatever that is.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Guidance, isOfProject, type OfferedPlaybook } from "../../src/contracts/guidance.ts";
import { limits } from "../../src/contracts/limits.ts";
import { operations } from "../../src/contracts/operations/index.ts";
import { alignWithCheckout, compose, type Known } from "../../src/guidance/index.ts";
import type { RankedLesson } from "../../src/learning/index.ts";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const text = fc.string({ unit: "grapheme", maxLength: 400 });
const name = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter((word) => word.isWellFormed());
const path = fc.string({ unit: "grapheme", minLength: 1, maxLength: 900 });

const ranked: fc.Arbitrary<RankedLesson> = fc.record({
  score: fc.double({ min: -1, max: 3, noNaN: true }),
  signals: fc.constant({}),
  lesson: fc.record({
    id: fc.stringMatching(/^[0-9a-z]{20}$/).map((end) => `les_${end}`),
    kind: fc.constantFrom("workflow", "note", "fact", "procedure", "evidence"),
    state: fc.constantFrom("observed", "candidate", "trusted", "contested", "retired"),
    title: text,
    text,
    goals: fc.constant([]),
    files: fc.array(path, { maxLength: 3 }),
    steps: fc.array(fc.record({ name, tool: name, file: path }), { maxLength: 3 }),
    tools: fc.array(name, { maxLength: 4 }),
    checks: fc.constant([]),
    errors: fc.constant([]),
    links: fc.constant([]),
    source: fc.constantFrom("agent", "operator", "tool", "import"),
    runs: fc.nat(5),
    used: fc.nat(5),
    evidence: fc.constant([]),
    missing: fc.array(
      text.filter((line) => line !== ""),
      { maxLength: 2 },
    ),
    madeAt: fc.nat(),
    madeSeq: fc.nat(),
    changedAt: fc.nat(),
    changedSeq: fc.nat(),
  }),
});

/** As large as the runtime makes one. */
const offered: fc.Arbitrary<OfferedPlaybook> = fc.record({
  id: fc.constant("task_00000000000000000009" as const),
  title: fc.string({ unit: "grapheme", maxLength: 120 }).map((title) => title.slice(0, 120).toWellFormed()),
  state: fc.constantFrom("active", "shadow"),
  confidence: unit,
  sure: fc.boolean(),
  params: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/), fc.string({ maxLength: 60 }), { maxKeys: 6 }),
  missing: fc.array(fc.stringMatching(/^[a-z][a-z0-9_]{0,59}$/), { maxLength: 8 }),
});

const known: fc.Arbitrary<Known> = fc.record({
  question: fc
    .record({
      query: text,
      context: fc.record({ files: fc.array(path, { maxLength: 2 }), stage: name }),
      candidates: fc.option(fc.array(name, { maxLength: 4 }), { nil: undefined }),
      depth: fc.constantFrom("quick" as const, "full" as const),
    })
    .map((question) => operations.taskStart.input.parse(question)),
  files: fc.record({
    files: fc.array(
      fc.record({ path, probability: unit, score: unit, shares: fc.constant({ vote: 1, "words any": 0.5 }) }),
      { maxLength: 8 },
    ),
    confidence: unit,
    sureFrom: fc.constantFrom(0.5, 0.8, 1.01),
    isGrounded: fc.boolean(),
  }),
  lessons: fc.record({
    lessons: fc.array(ranked, { maxLength: 8 }),
    confidence: unit,
    sureFrom: fc.constant(0.9),
    sure: fc.boolean(),
    isGrounded: fc.boolean(),
  }),
  playbook: fc.option(offered, { nil: undefined }),
  episodes: fc.nat(3),
  learnedTo: fc.nat(100),
  doubts: fc.constant({ missing: [], lessons: new Map() }),
});

function namedBy({ question, files, lessons }: Known): string[] {
  const ofLessons = lessons.lessons.flatMap(({ lesson }) => [
    ...lesson.files,
    ...lesson.steps.flatMap((step) => step.file ?? []),
  ]);
  return [...question.context.files, ...files.files.map((file) => file.path), ...ofLessons];
}

const check = (holds: (known: Known, answer: Guidance) => void): void =>
  fc.assert(
    fc.property(known, (given) => void holds(given, compose(given))),
    { numRuns: 300 },
  );

describe("an answer of task start", () => {
  it("fits its schema and its size, whatever is known", () => {
    check(({ question, learnedTo }, answer) => {
      expect(Guidance.parse(answer)).toEqual(answer);
      expect(answer.learnedTo).toBe(learnedTo);
      const ownPath = Buffer.byteLength(JSON.stringify(answer.firstAction.file ?? ""));
      const bytes = Buffer.byteLength(JSON.stringify(answer));
      if (question.depth === "quick" && ownPath < 1_000) expect(bytes).toBeLessThanOrEqual(limits.guidanceBytes);
    });
  });

  it("is the same bytes for the same knowledge, and has another receipt for another question", () => {
    check((given, answer) => {
      const other = { ...given, question: { ...given.question, query: `${given.question.query}!` } };
      expect(JSON.stringify(compose(structuredClone(given)))).toBe(JSON.stringify(answer));
      expect(compose(other).receipt).not.toBe(answer.receipt);
    });
  });

  it("proceeds only when it is surer than the threshold, or the caller named the files (G1)", () => {
    check(({ question, files, lessons }, { gate, firstAction, uncertainty }) => {
      expect(firstAction.cautious).toBe(gate.action !== "proceed");
      if (gate.action !== "proceed") return void expect(uncertainty.level).not.toBe("low");
      const isSure = lessons.sure || (files.files.length > 0 && files.confidence >= files.sureFrom);
      expect(isSure || question.context.files.length > 0).toBe(true);
    });
  });

  it("rests on nothing that a tool printed, that was contested or retired (G2)", () => {
    check(({ lessons }, { firstAction, buckets }) => {
      const unusable = lessons.lessons.filter(
        ({ lesson }) => lesson.source === "tool" || lesson.state === "contested" || lesson.state === "retired",
      );
      const ids = new Set(unusable.map(({ lesson }) => lesson.id));
      expect(firstAction.from.filter((id) => ids.has(id))).toEqual([]);
      expect(buckets.useNow.filter(({ id }) => ids.has(id))).toEqual([]);
    });
  });

  it("offers the playbook that was found, and says in the prompt how it is run", () => {
    check(({ playbook }, answer) => {
      expect(answer.playbook).toEqual(playbook);
      if (playbook === undefined || answer.prompt.length > limits.promptChars - 700) return;
      expect(answer.prompt).toMatch(new RegExp(`^Playbook .* run ${playbook.id}`, "m"));
    });
  });

  it("says how each gate is cleared, by an operation that takes that input", () => {
    check((_, { gate }) => {
      if (gate.action === "proceed") return void expect(gate.clearWith).toBeUndefined();
      const { operation, input } = gate.clearWith!;
      expect(Object.keys(operations)).toContain(operation);
      const filledIn = operation === "memory.review" ? { ...input, reason: "r" } : input;
      expect(operations[operation as "taskStart"].input.safeParse(filledIn).error).toBeUndefined();
    });
  });

  it("names no path that the checkout does not hold, and does not proceed on what is in doubt for it", () => {
    const state = fc.constantFrom("here" as const, "gone" as const, "moved" as const, "unseen" as const);
    fc.assert(
      fc.property(known, fc.infiniteStream(state), (given, states) => {
        const paths = [...new Set(namedBy(given))].filter(isOfProject);
        const byState = Map.groupBy(paths, () => states.next().value);
        const of = (name: "here" | "gone" | "moved" | "unseen") => byState.get(name) ?? [];
        const moved = of("moved").map((from, at) => ({ from, to: `now/${at}` }));
        const checkout = { here: of("here"), gone: of("gone"), moved };
        const question = { ...given.question, context: { ...given.question.context, checkout } };

        const answer = compose(alignWithCheckout({ ...given, question }));

        expect(Guidance.parse(answer)).toEqual(answer);
        const { firstAction, files, lessons, missing = [], gate, buckets } = answer;
        const named = [
          firstAction.file,
          ...files.map((file) => file.path),
          ...lessons.flatMap((lesson) => lesson.files),
        ];
        const absent = new Set([...of("gone"), ...of("moved"), ...of("unseen")]);
        const askedFor = question.context.files[0]; // the caller's own word, which only a look takes back
        expect(named.filter((path) => path !== undefined && absent.has(path) && path !== askedFor)).toEqual([]);
        expect([...of("gone"), ...of("moved")]).toEqual(expect.arrayContaining(missing.map((file) => file.path)));
        expect(missing.every(({ state: is, to }) => (is === "moved") === (to !== undefined))).toBe(true);
        const lost = new Set([...of("gone"), ...of("moved")]);
        if (firstAction.file !== undefined && gate.action === "proceed") expect(lost).not.toContain(firstAction.file);
        for (const { id } of buckets.useNow) {
          const lesson = given.lessons.lessons.find((each) => each.lesson.id === id)?.lesson;
          const there = lesson?.files.filter((path) => !lost.has(path)) ?? [];
          if (lesson !== undefined && lesson.files.length > 0) expect(there).not.toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("has a prompt without control characters, and recommends no tool that there is not", () => {
    check(({ question }, { prompt, tools, firstAction }) => {
      expect(prompt.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
      if (question.candidates === undefined) return;
      for (const tool of [
        ...tools.map((each) => each.tool),
        ...(firstAction.tool === undefined ? [] : [firstAction.tool]),
      ])
        expect(question.candidates).toContain(tool);
    });
  });
});
