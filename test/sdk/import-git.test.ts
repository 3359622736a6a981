import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { importGit } from "../../sdk/import-git.ts";
import { type Connection, createRuntime } from "../../src/index.ts";
import {
  addCommits,
  type CommitSpec,
  createFolder,
  createRepository,
  describeGit,
  firstCommitAt,
  git,
} from "../import/repositories.ts";

async function setup(): Promise<Connection> {
  const runtime = await createRuntime({ scope: "test/import", path: createFolder(), durability: "process" });
  onTestFinished(() => runtime.close());
  return runtime;
}

const work = (name: string): CommitSpec => ({ message: `Work on ${name}`, files: { [`${name}.ts`]: name } });
const many = (count: number, prefix = "n"): CommitSpec[] =>
  Array.from({ length: count }, (_, index) => work(`${prefix}${index}`));

/** What the journal holds, in order. */
async function readImported(runtime: Connection) {
  const { events } = await runtime.events.read({ types: ["episodes.imported"], pageSize: 500 });
  return events.map(({ facts, body }) => ({ facts, episodes: (body as { episodes: { goal: string }[] }).episodes }));
}

async function readGoals(runtime: Connection): Promise<string[]> {
  return (await readImported(runtime)).flatMap(({ episodes }) => episodes.map(({ goal }) => goal));
}

/** The client of a program that dies right after its `nth` batch was recorded, before it heard of it. */
function dyingAt(nth: number, { memory }: Connection): Pick<Connection, "memory"> {
  let sent = 0;
  return {
    memory: {
      ...memory,
      async import(...args) {
        const ack = await memory.import(...args);
        sent += 1;
        if (sent === nth) throw new Error("killed");
        return ack;
      },
    },
  };
}

describeGit("importGit", () => {
  it("takes over what each commit was for, and says what it left out", async () => {
    const runtime = await setup();
    const { folder, ids } = createRepository([
      work("one"),
      { message: "v1.0.0", files: { "package.json": "1" } },
      { message: "Update x", files: { "x.ts": "1" }, author: "renovate[bot] <r@example.com>" },
      { message: "Fix two\n\nIt was broken.", files: { "src/two.ts": "1", "test/two.test.ts": "1" } },
    ]);

    const result = await runtime.memory.importGit(folder);

    const source = `git:${ids[0]?.slice(0, 16)}`;
    expect(result).toEqual({
      source,
      episodes: 2,
      leftOut: { release: 1, robot: 1 },
      commits: 4,
      head: ids[3],
      isShallow: false,
      upToDate: false,
      seq: expect.any(Number),
    });
    const imported = await readImported(runtime);
    expect(imported).toEqual([
      {
        facts: { source, cursor: ids[3], count: 2 },
        episodes: [
          { at: firstCommitAt * 1_000, goal: "Work on one", files: ["one.ts"] },
          {
            at: (firstCommitAt + 3) * 1_000,
            goal: "Fix two — It was broken.",
            files: ["src/two.ts", "test/two.test.ts"],
          },
        ],
      },
    ]);
    expect(await runtime.memory.imports({ source })).toEqual({ episodes: 2, cursor: ids[3], seq: result.seq });
  });

  it("is known to the next task start that waits for it", async () => {
    const runtime = await setup();
    const { folder } = createRepository([
      ...many(20),
      { message: "Repair the retry queue", files: { "src/retry-queue.ts": "1" } },
    ]);

    const { seq = 0 } = await runtime.memory.importGit(folder);

    const { files } = await runtime.taskStart({ query: "Repair the retry queue", minPosition: seq });
    expect(files[0]?.path).toBe("src/retry-queue.ts");
  });

  it("reads only what has come since, from any clone", async () => {
    const runtime = await setup();
    const first = many(3);
    const { folder } = createRepository(first);
    await runtime.memory.importGit(folder);
    const again = await runtime.memory.importGit(folder);
    addCommits(folder, [...first, work("late")]);
    const clone = join(createFolder(), "clone");
    git(folder, ["clone", "--quiet", folder, clone]);

    const later = await runtime.memory.importGit(clone);

    expect(again).toMatchObject({ episodes: 0, commits: 0, upToDate: true });
    expect(later).toMatchObject({ source: again.source, episodes: 1, commits: 1, upToDate: false });
    expect(await readGoals(runtime)).toEqual(["Work on n0", "Work on n1", "Work on n2", "Work on late"]);
  });

  it("moves on over commits that are no episodes", async () => {
    const runtime = await setup();
    const first = many(2);
    const { folder } = createRepository(first);
    await runtime.memory.importGit(folder);
    const [, , head] = addCommits(folder, [...first, { message: "v2.0.0", files: { "package.json": "2" } }]);

    const moved = await runtime.memory.importGit(folder);

    expect(moved).toMatchObject({ episodes: 0, commits: 1, leftOut: { release: 1 }, upToDate: false });
    expect(await runtime.memory.imports({ source: moved.source })).toMatchObject({ episodes: 2, cursor: head });
  });

  it("takes a history over once, however often it dies on the way (G1)", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(450));

    await expect(importGit(dyingAt(1, runtime), folder)).rejects.toThrow("killed");
    await expect(importGit(dyingAt(1, runtime), folder)).rejects.toThrow("killed");
    const rest = await runtime.memory.importGit(folder);

    expect(rest).toMatchObject({ episodes: 50, commits: 50 });
    expect(await readGoals(runtime)).toEqual(many(450).map(({ message }) => message));
  });

  it("goes on in the middle of branches without taking a commit twice (P1)", async () => {
    const runtime = await setup();
    const commits: CommitSpec[] = [work("root")];
    // Two lines of work at the same time: read by date, they take turns.
    for (let index = 1; index <= 300; index += 1) {
      commits.push({ ...work(`c${index}`), parents: [Math.max(index - 2, 0)] });
    }
    commits.push({ message: "Merge branch 'side'", parents: [300, 299] });
    const { folder } = createRepository(commits);
    await expect(importGit(dyingAt(1, runtime), folder)).rejects.toThrow("killed");
    addCommits(folder, [...commits, work("late")]);

    const rest = await runtime.memory.importGit(folder);

    const goals = await readGoals(runtime);
    expect(goals).toHaveLength(302);
    expect(new Set(goals)).toHaveLength(302);
    expect(goals.at(-1)).toBe("Work on late");
    expect(rest).toMatchObject({ episodes: 102, commits: 102 });
  });

  it("takes effect once when two programs import at once (G1)", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(250));

    const both = await Promise.all([runtime.memory.importGit(folder), runtime.memory.importGit(folder)]);

    expect(both.map(({ upToDate }) => upToDate)).toEqual([false, false]);
    expect(await readGoals(runtime)).toHaveLength(250);
  });

  it("stops at its signal, keeps what it took over, and tells how far it is", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(450));
    const giveUp = new AbortController();
    const read: number[] = [];
    const onProgress = (progress: { commits: number; read: number; episodes: number }): void => {
      read.push(progress.read);
      if (progress.episodes > 0) giveUp.abort(new Error("enough"));
    };

    const stopped = runtime.memory.importGit(folder, { signal: giveUp.signal, onProgress });

    await expect(stopped).rejects.toThrow("enough");
    expect(await readGoals(runtime)).toHaveLength(200);
    expect(read.slice(0, 3)).toEqual([1, 2, 3]);
    expect(await runtime.memory.importGit(folder)).toMatchObject({ episodes: 250 });
  });

  it("goes on from where both meet when the history was rewritten (P2)", async () => {
    const runtime = await setup();
    const { folder } = createRepository([work("a"), work("b"), work("gone")]);
    await runtime.memory.importGit(folder);
    addCommits(folder, [work("a"), work("b"), work("instead"), work("more")]);

    const rewritten = await runtime.memory.importGit(folder);

    expect(rewritten).toMatchObject({ episodes: 2, commits: 2 });
    const goals = ["a", "b", "gone", "instead", "more"].map((name) => `Work on ${name}`);
    expect(await readGoals(runtime)).toEqual(goals);
  });

  it("refuses a clone that does not have what was taken over, until it is told from when on to read", async () => {
    const runtime = await setup();
    const first = [work("a"), work("b")];
    const { folder, ids } = createRepository(first);
    const clone = join(createFolder(), "clone");
    git(folder, ["clone", "--quiet", folder, clone]);
    const [, , unpushed] = addCommits(folder, [...first, work("unpushed")]);
    await runtime.memory.importGit(folder);

    const refused = runtime.memory.importGit(clone);
    await expect(refused).rejects.toMatchObject({
      code: "INPUT_INVALID",
      detail: expect.stringContaining("Fetch it, or say with `since`"),
      facts: { reason: "rewritten", known: unpushed, head: ids[1] },
    });
    const since = (firstCommitAt + 1) * 1_000;
    expect(await runtime.memory.importGit(clone, { since })).toMatchObject({ episodes: 1, head: ids[1] });
  });

  it("reads no more than was asked for, and goes forward from there", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(10));

    const newest = await runtime.memory.importGit(folder, { max: 3 });
    const again = await runtime.memory.importGit(folder);

    expect(newest).toMatchObject({ episodes: 3, commits: 3 });
    expect(again).toMatchObject({ episodes: 0, upToDate: true });
    expect(await readGoals(runtime)).toEqual(["Work on n7", "Work on n8", "Work on n9"]);
  });

  it("does not widen an import that was broken off", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(450));
    await expect(importGit(dyingAt(1, runtime), folder, { max: 300 })).rejects.toThrow("killed");

    expect(await runtime.memory.importGit(folder)).toMatchObject({ episodes: 100, commits: 100 });
  });

  it("keeps odd names and times, and leaves out what no path can be", async () => {
    const runtime = await setup();
    const long = "d/".repeat(700);
    const { folder } = createRepository([
      {
        message: "Odd \u001b[31m names\u202e",
        files: [
          [Buffer.from("a\nb\t\u202e.ts"), "1"],
          [Buffer.from("latin-\xe9.ts", "latin1"), "1"],
          [Buffer.from(`${long}x.ts`), "1"],
          [Buffer.from("$(touch owned).ts"), "1"],
        ],
        at: 99_999_999_999_999,
      },
    ]);

    await runtime.memory.importGit(folder);

    const [{ episodes } = { episodes: [] }] = await readImported(runtime);
    expect(episodes).toEqual([
      {
        at: 253_402_300_799_999,
        goal: expect.stringMatching(/^Odd .* names/),
        files: expect.arrayContaining(["a\nb\t\u202e.ts", "latin-\ufffd.ts", "$(touch owned).ts"]),
      },
    ]);
    await expect(runtime.taskStart({ query: "Odd names" })).resolves.toMatchObject({ receipt: expect.any(String) });
  });

  it("does not let a batch of long names grow over what an event holds", async () => {
    const runtime = await setup();
    const name = (commit: number, file: number): string => `${"鱼".repeat(300)}/${commit}-${file}.ts`;
    const { folder } = createRepository(
      Array.from({ length: 200 }, (_, commit) => ({
        message: `${commit} ${"words ".repeat(150)}`,
        files: Object.fromEntries(Array.from({ length: 8 }, (_, file) => [name(commit, file), "1"])),
      })),
    );

    expect(await runtime.memory.importGit(folder)).toMatchObject({ episodes: 200 });
    expect((await readImported(runtime)).length).toBeGreaterThan(1);
  });

  it.each([
    { what: "no folder", make: () => join(createFolder(), "nowhere"), reason: "noFolder" },
    { what: "no repository", make: createFolder, reason: "notRepository" },
    { what: "no commit", make: () => createRepository([]).folder, reason: "noCommits" },
  ])("refuses a folder with $what, and records nothing", async ({ make, reason }) => {
    const runtime = await setup();

    const refused = runtime.memory.importGit(make());

    await expect(refused).rejects.toMatchObject({ code: "INPUT_INVALID", facts: { reason } });
    expect((await runtime.runtime.status()).head).toBe(0);
  });

  it("refuses to go on from what another program wrote under the same source", async () => {
    const runtime = await setup();
    const { folder, ids } = createRepository(many(1));
    const source = `git:${ids[0]?.slice(0, 16)}`;
    await runtime.memory.import({ source, cursor: "page 7", episodes: [] });

    const refused = runtime.memory.importGit(folder);

    await expect(refused).rejects.toMatchObject({ code: "INPUT_INVALID", facts: { reason: "cursor" } });
  });

  it("says that a clone is cut off", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(5));
    const clone = join(createFolder(), "clone");
    git(folder, ["clone", "--quiet", "--depth=2", `file://${folder}`, clone]);

    const result = await runtime.memory.importGit(clone);

    expect(result).toMatchObject({ isShallow: true, episodes: 1, leftOut: { shallow: 1 } });
  });

  it("ends with the connection", async () => {
    const runtime = await setup();
    const { folder } = createRepository(many(450));
    const under = runtime.memory.importGit(folder, { onProgress: () => void runtime.close() });

    await expect(under).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
  });
});
