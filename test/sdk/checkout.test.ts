import { expect, it, onTestFinished } from "vitest";
import { createLocalQuestions } from "../../sdk/checkout.ts";
import { type Client, createRuntime } from "../../src/index.ts";
import { addCommits, createFolder, createRepository, describeGit } from "../import/repositories.ts";
import { FakeClock } from "../support/fake-clock.ts";

const files = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "1"]));
const commit = (names: readonly string[]) => ({ message: "Files", files: files(names) });

type Asked = Parameters<Client["taskStart"]>[0];

/** Questions that are answered with nothing. */
function setup() {
  const clock = new FakeClock();
  const asked: Asked[] = [];
  const ask = (input: Asked): Promise<never> => {
    asked.push(input);
    return Promise.resolve({ firstAction: {}, files: [], lessons: [] } as never); // no more of it is read
  };
  const questions = createLocalQuestions({ taskStart: ask, planningContext: ask, actionRetrieval: ask }, clock);
  return { clock, asked, questions };
}

describeGit("context.repo", () => {
  it("sends the paths that share a word with the query or the error, not the folder", async () => {
    const { asked, questions } = setup();
    const { folder } = createRepository([
      commit(["src/retryQueue.ts", "src/RETRY_policy.ts", "docs/queues.md", "src/parser.ts", "src/lexer.ts"]),
    ]);

    await questions.taskStart({
      query: "Retries wait too long",
      context: { repo: folder, error: "lexer: no", stage: "fix" },
    });

    expect(asked).toEqual([
      { query: "Retries wait too long", context: { error: "lexer: no", stage: "fix", tree: expect.any(Array) } },
    ]);
    expect(asked[0]?.context?.tree?.toSorted()).toEqual(["src/RETRY_policy.ts", "src/lexer.ts", "src/retryQueue.ts"]);
  });

  it("sends at most 300 of them, those with rarer words first", async () => {
    const { asked, questions } = setup();
    const common = Array.from({ length: 400 }, (_, index) => `src/test${index}.ts`);
    const { folder } = createRepository([commit([...common, "src/test/invoice.ts"])]);

    await questions.planningContext({ query: "test the invoice", context: { repo: folder, tree: ["mine.ts"] } });

    const tree = asked[0]?.context?.tree ?? [];
    expect(tree).toHaveLength(301);
    expect(tree.slice(0, 2)).toEqual(["mine.ts", "src/test/invoice.ts"]);
  });

  it("reads a checkout again after a while", async () => {
    const { asked, questions, clock } = setup();
    const { folder } = createRepository([commit(["old.ts"])]);
    const ask = () => questions.planningContext({ query: "old late", context: { repo: folder } });
    await ask();
    addCommits(folder, [commit(["old.ts"]), commit(["late.ts"])]);

    await ask();
    await clock.advance(31_000);
    await ask();

    expect(asked.map((input) => input.context?.tree?.length)).toEqual([1, 1, 2]);
  });

  it("leaves a question without a folder as it is", async () => {
    const { asked, questions } = setup();

    await questions.taskStart({ query: "x", context: { files: ["a.ts"] } });

    expect(asked).toEqual([{ query: "x", context: { files: ["a.ts"] } }]);
  });

  it.each([
    { what: "that is not there", make: () => `${createFolder()}/nowhere`, reason: "noFolder" },
    { what: "with a NUL in its name", make: () => "a\0b", reason: "noFolder" },
  ])("refuses a folder $what, and asks nobody", async ({ make, reason }) => {
    const { asked, questions } = setup();
    const folder = make();
    const ask = () => questions.taskStart({ query: "x", context: { repo: folder } });

    await expect(ask()).rejects.toMatchObject({ code: "INPUT_INVALID", facts: { reason } });
    await expect(ask()).rejects.toMatchObject({ code: "INPUT_INVALID" });
    expect(asked).toEqual([]);
  });

  it("asks without a list of files for a folder that is no repository", async () => {
    const { asked, questions } = setup();

    await questions.taskStart({ query: "x", context: { repo: createFolder() } });

    expect(asked).toEqual([{ query: "x", context: { tree: [] } }]);
  });

  it("finds the likely files of a checkout that nothing is known about", async () => {
    const runtime = await createRuntime({ scope: "test/checkout", path: createFolder(), durability: "process" });
    onTestFinished(() => runtime.close());
    const { folder } = createRepository([commit(["src/parser.ts", "src/retry-queue.ts", "src/server.ts"])]);

    const { files: found } = await runtime.taskStart({ query: "The retry queue stalls", context: { repo: folder } });

    expect(found[0]?.path).toBe("src/retry-queue.ts");
  });
});
