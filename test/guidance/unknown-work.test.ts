// A question that shares nothing with what is known gets nothing of it: neither what was learned last nor what is touched most.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { type Connection, createRuntime, type LocalQuestion } from "../../src/index.ts";

type Asked = LocalQuestion<"taskStart">;

let runtime: Connection;

beforeAll(async () => {
  const path = await mkdtemp(join(tmpdir(), "aionis-unknown-"));
  runtime = await createRuntime({ scope: "test/unknown", path, durability: "process" });
  await learn();
  return async () => {
    await runtime.close();
    await rm(path, { recursive: true });
  };
}, 60_000);

/** Two kinds of work that are trusted, a history that ranking was trained on, and what was written down. */
async function learn(): Promise<void> {
  const worker = runtime.worker({ agent: "a", checks: { tests: async () => ({ passed: true }) } }, (task, ctx) =>
    ctx.step("look", { tool: "grep", files: [(task.data as { file: string }).file] }, () => "found"),
  );
  const goals = [
    ["The payment retry is broken", "src/payment-retry.ts"],
    ["The payment retry is not right at night", "src/payment-retry.ts"],
    ["Die Rechnung wird nicht exportiert", "src/rechnung.ts"],
    ["Die Rechnung wird bei der Mahnung nicht exportiert", "src/rechnung.ts"],
  ] as const;
  for (const [brief, file] of goals) {
    const { taskId } = await runtime.tasks.start({
      brief,
      family: "repair",
      data: { file },
      checks: [{ name: "tests" }],
    });
    await runtime.tasks.result(taskId);
    await runtime.tasks.settled({ taskId });
  }
  void worker.stop();
  const episodes = Array.from({ length: 60 }, (_, n) => ({
    at: n * 3_600_000,
    goal: `Part ${n % 12} of the printer needs ink`,
    files: ["src/printer.ts", `src/part-${n % 3}.py`],
  }));
  await runtime.memory.import({ source: "git:1", episodes });
  const { seq } = await runtime.memory.write({
    text: "Das Lager ist zu",
    files: ["docs/lager.md"],
    source: "operator",
  });
  await runtime.taskStart({ query: "", minPosition: seq });
}

/** No word of what is known is made of these syllables. */
const unknownWord = fc
  .array(fc.constantFrom("zu", "xo", "qua", "vy", "jö", "wub", "kiw"), { minLength: 2, maxLength: 5 })
  .map((syllables) => syllables.join(""));
/** Nor is any of these: a path of the tree that a question names is something known. */
const treeWord = fc
  .array(fc.constantFrom("fep", "gog", "hin", "cad"), { minLength: 1, maxLength: 3 })
  .map((syllables) => syllables.join(""));
const emptyWord = fc.constantFrom(
  ...[
    "the",
    "is",
    "not",
    "of",
    "at",
    "a",
    "fix",
    "der",
    "die",
    "wird",
    "bei",
    "nicht",
    "la",
    "de",
    "не",
    "и",
    "7",
    "12",
  ],
);
const noise = fc.constantFrom("—", "?!", "…", "🦦", "👩‍🚀", "\u202e", "\n", "`", "(", "#", "/", "::", "\u0000");
const sentence = fc
  .array(fc.oneof({ weight: 3, arbitrary: unknownWord }, emptyWord, noise), { maxLength: 30 })
  .map((parts) => parts.join(" "));
const context = fc.record(
  {
    family: unknownWord,
    error: sentence,
    stage: fc.constantFrom("look", "plan"),
    tree: fc.array(
      treeWord.map((word) => `src/${word}.rs`),
      { maxLength: 5 },
    ),
  },
  { requiredKeys: [] },
);

async function expectNothingKnown(asked: Asked): Promise<void> {
  const answer = await runtime.taskStart(asked);

  expect(answer.gate).toMatchObject({ action: "widen_recall" });
  expect(answer).toMatchObject({
    uncertainty: { level: "high", confidence: 0 },
    firstAction: { kind: "inspect", cautious: true, from: [] },
    ...{ files: [], lessons: [], buckets: { useNow: [], inspectFirst: [], doNotUse: [], rehydrate: [] } },
  });
  expect(answer.firstAction.file).toBeUndefined();
  expect(answer.tools.every(({ share }) => share === 0)).toBe(true);
  expect(answer.playbook).toBeUndefined();
  expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThanOrEqual(4_000);
}

it("has learned enough to answer what it knows, also in part and in other words", async () => {
  const known: [Asked, string][] = [
    [{ query: "The payment retry fails" }, "src/payment-retry.ts"],
    [{ query: "Wo ist die Rechnung" }, "src/rechnung.ts"],
    [{ query: "ink" }, "src/printer.ts"],
    [{ query: "zuxo", context: { files: ["src/part-1.py"] } }, "src/part-1.py"],
    [{ query: "zuxo in src/printer.ts" }, "src/printer.ts"],
  ];
  for (const [asked, file] of known) {
    const { files, firstAction } = await runtime.taskStart(asked);

    expect([firstAction.file, ...files.map(({ path }) => path)], asked.query).toContain(file);
  }
  const { lessons } = await runtime.taskStart({ query: "zuxo", context: { family: "repair" } });
  expect(lessons.length).toBeGreaterThan(0);
});

it("carries no file and no lesson for words that nothing known has, whatever stands between them", async () => {
  await fc.assert(
    fc.asyncProperty(sentence, context, async (query, given) => {
      await expectNothingKnown({ query, context: given });
    }),
    { numRuns: 150, interruptAfterTimeLimit: 20_000 },
  );
}, 60_000);

it.each([
  ["nothing", ""],
  ["blanks", " \t\n "],
  ["words that every text has", "It is not the one that was there, and which of them are we?"],
  ["such words of another language", "Das ist nicht die, bei der es wird"],
  ["punctuation", "?! … --- ``` ((([]))) ;;; ***"],
  ["one letter", "q"],
  ["small numbers", "7 and 12"],
  ["emoji", "🦦🦦 👩‍🚀🏳️‍🌈"],
  ["another script", "カワウソについて詩を書いて"],
  ["a third script", "Напиши стихи про выдру"],
  ["right-to-left text", "اكتب قصيدة عن القنادس"],
  ["half a surrogate", "otters \ud83d".toWellFormed()],
  ["marks alone", "\u0301\u0301\u0301"],
  ["200,000 characters", "otters ".repeat(28_571)],
  ["a word without an end", "z".repeat(200_000)],
  ["words that only begin as a known one does", "Retrofuturism, retrievers and a paymistress"],
  ["the kind of work alone", "docs: typo"],
])("carries nothing for %s", async (_name, query) => {
  await expectNothingKnown({ query });
});
