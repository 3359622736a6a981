import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  type GitEpisode,
  type GitRange,
  listFilesAt,
  readGitHistory,
  surveyGitHistory,
  toHistoryLine,
} from "../../src/import/index.ts";
import {
  addCommits,
  type CommitSpec,
  createRepository,
  describeGit,
  firstCommitAt,
  git,
  toArray,
} from "./repositories.ts";

async function readAll(range: GitRange): Promise<GitEpisode[]> {
  return await toArray(readGitHistory(range));
}

const goals = (episodes: readonly GitEpisode[]): string[] => episodes.map(({ goal }) => goal);

const work = (name: string): CommitSpec => ({ message: `Work on ${name}`, files: { [`${name}.ts`]: name } });

describeGit("a repository's history", () => {
  it("is read oldest first: goal, files and time of each commit", async () => {
    const { folder, ids } = createRepository([
      { message: "Start\n", files: { "a.ts": "1", "src/b.ts": "1" } },
      {
        message: "Fix the parser (#12)\n\nIt stopped at\na quote.\n\nSigned-off-by: A <a@b>\n",
        files: { "src/b.ts": "2" },
      },
      { message: "Remove a\n", files: { "a.ts": null } },
    ]);

    const episodes = await readAll({ folder });

    const at = firstCommitAt * 1_000;
    expect(episodes).toEqual([
      { id: ids[0], at, goal: "Start", files: ["a.ts", "src/b.ts"], renames: [] },
      { id: ids[1], at: at + 1_000, goal: "Fix the parser — It stopped at a quote.", files: ["src/b.ts"], renames: [] },
      { id: ids[2], at: at + 2_000, goal: "Remove a", files: ["a.ts"], renames: [] },
    ]);
    expect(JSON.parse(toHistoryLine("mine", episodes[0]!))).toEqual({
      repo: "mine",
      at: firstCommitAt,
      goal: "Start",
      files: ["a.ts", "src/b.ts"],
    });
  });

  it("holds no merges, robots, releases and lock files, and says so commit by commit", async () => {
    const { folder } = createRepository([
      work("one"),
      { ...work("side"), parents: [0] },
      { ...work("main"), parents: [0] },
      { message: "Merge branch 'side'", parents: [2, 1], files: { "side.ts": "side" } },
      {
        message: "Bump x",
        files: { "x.ts": "2" },
        author: "dependabot[bot] <1+dependabot[bot]@users.noreply.github.com>",
      },
      { message: "v1.2.0", files: { "package.json": "2" } },
      { message: "Refresh", files: { "package-lock.json": "2", "docs/CHANGELOG.md": "2" } },
      { message: "Nothing at all" },
      { ...work("nine"), files: Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, "1"])) },
      { ...work("queued"), committer: "mergify[bot] <37929162+mergify[bot]@users.noreply.github.com>" },
      { message: "Eight and a lock", files: Object.fromEntries([..."abcdefgh"].map((name) => [name, "1"])) },
    ]);
    const outcomes: string[] = [];

    const episodes = await toArray(readGitHistory({ folder, onCommit: (outcome) => void outcomes.push(outcome) }));

    expect(goals(episodes)).toEqual([
      "Work on one",
      "Work on side",
      "Work on main",
      "Work on queued",
      "Eight and a lock",
    ]);
    const kinds = ["robot", "release", "noFiles", "noFiles", "tooManyFiles"];
    expect(outcomes).toEqual(["episode", "episode", "episode", ...kinds, "episode", "episode"]);
    expect(await surveyGitHistory({ folder })).toMatchObject({ state: "ready", commits: outcomes.length });
  });

  it("names a renamed file by its new name, and tells the old one", async () => {
    const text = "a line\n".repeat(50);
    const { folder } = createRepository([
      { message: "Start", files: { "old name.ts": text } },
      { message: "Rename", renames: [["old name.ts", "src/new.ts"]], files: { "src/new.ts": `${text}more\n` } },
    ]);

    const [, renamed] = await readAll({ folder });

    expect(renamed).toMatchObject({ files: ["src/new.ts"], renames: [["old name.ts", "src/new.ts"]] });
  });

  it("takes any bytes in names and messages", async () => {
    const names = ['quote".ts', "new\nline.ts", "tab\t.ts", "ünï.ts", "D", "0".repeat(40), " lead", "-dash", "R100"];
    const messages = [
      ...names.map((name): CommitSpec => ({ message: `On ${name.length}`, files: { [name]: "1" } })),
      { message: Buffer.from("caf\xe9 \x1b[31mred", "latin1"), files: [[Buffer.from("caf\xe9.ts", "latin1"), "1"]] },
      { message: `Long ${"x".repeat(100_000)}\n\n${"y ".repeat(500_000)}`, files: { "long.ts": "1" } },
      { message: "", files: { "empty.ts": "1" } },
    ] satisfies CommitSpec[];
    const { folder } = createRepository(messages);

    const episodes = await readAll({ folder });

    expect(episodes.slice(0, names.length).map(({ files }) => files)).toEqual(names.map((name) => [name]));
    const [latin, long, ...rest] = episodes.slice(names.length);
    expect(latin).toMatchObject({ goal: "caf\ufffd [31mred", files: ["caf\ufffd.ts"] });
    expect(long?.goal.length).toBeLessThan(2_000);
    expect(long?.goal).toMatch(/^Long x+ — y/);
    expect(rest).toEqual([]);
  });

  it("leaves a commit of very many files out, and goes on", async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`gen/${index}.ts`, "1"]));
    const { folder } = createRepository([work("one"), { message: "Generate", files: many }, work("two")]);

    expect(goals(await readAll({ folder }))).toEqual(["Work on one", "Work on two"]);
  });

  it("ends at a number of the newest commits, and begins at a time", async () => {
    const { folder } = createRepository(["a", "b", "c", "d"].map(work));

    expect(goals(await readAll({ folder, max: 2 }))).toEqual(["Work on c", "Work on d"]);
    expect(goals(await readAll({ folder, since: (firstCommitAt + 1) * 1_000 }))).toHaveLength(3);
    expect(await surveyGitHistory({ folder, max: 2 })).toMatchObject({ commits: 2 });
  });

  it("is of the whole repository, also from a subfolder and in a bare one", async () => {
    const { folder } = createRepository([work("a")]);
    mkdirSync(join(folder, "sub"));
    const bare = join(folder, "bare.git");
    git(folder, ["clone", "--quiet", "--bare", folder, bare]);

    expect(await readAll({ folder: join(folder, "sub") })).toHaveLength(1);
    expect(await readAll({ folder: bare })).toHaveLength(1);
  });

  it("reads a repository with SHA-256 hashes", async ({ skip }) => {
    const { folder } = createRepository([]);
    const nested = join(folder, "sha256");
    mkdirSync(nested);
    try {
      git(nested, ["init", "--quiet", "--object-format=sha256", "--initial-branch=main"]);
    } catch {
      skip("this git was built without SHA-256");
    }
    const [id] = addCommits(nested, [work("a")]);

    expect(id).toHaveLength(64);
    expect(await readAll({ folder: nested })).toMatchObject([{ id }]);
    expect(await readAll({ folder: nested, after: id })).toEqual([]);
  });
});

describeGit("a history that was read before", () => {
  it("goes on with what has come since, also from a side branch that is older (H3)", async () => {
    const first = [work("one"), work("two")];
    const { folder, ids } = createRepository(first);
    const survey = await surveyGitHistory({ folder });
    const later: CommitSpec[] = [
      { ...work("side"), parents: [0], at: 1 },
      { message: "Merge branch 'side'", parents: [1, 2] },
      work("three"),
    ];
    addCommits(folder, [...first, ...later]);

    expect(survey).toMatchObject({ head: ids[1] });
    expect(goals(await readAll({ folder, after: survey.head }))).toEqual(["Work on side", "Work on three"]);
    expect(goals(await readAll({ folder, head: survey.head }))).toEqual(["Work on one", "Work on two"]);
    expect(await surveyGitHistory({ folder, after: survey.head })).toMatchObject({ state: "ready", commits: 2 });
  });

  it("has nothing new when nothing was committed, and comes out the same when it is read again (H2)", async () => {
    const { folder, ids } = createRepository(["a", "b"].map(work));

    expect(await readAll({ folder, after: ids.at(-1) })).toEqual([]);
    expect(await readAll({ folder })).toEqual(await readAll({ folder }));
  });

  it("says where both meet when it was rewritten", async () => {
    const { folder, ids } = createRepository(["a", "b", "c"].map(work));
    const [shared, , after] = ids;
    addCommits(folder, ["a", "x"].map(work));
    const head = git(folder, ["rev-parse", "HEAD"]);

    expect(await surveyGitHistory({ folder, after })).toEqual({ state: "rewritten", head, mergeBase: shared });
    await expect(readAll({ folder, after })).rejects.toMatchObject({
      code: "INPUT_INVALID",
      facts: { reason: "rewritten", head, mergeBase: shared },
    });
    expect(goals(await readAll({ folder, after: shared }))).toEqual(["Work on x"]);
  });

  it("says that nothing is shared when the commit is gone, or of another history", async () => {
    const { folder, ids } = createRepository([work("a")]);
    addCommits(folder, [work("other")]);
    const head = git(folder, ["rev-parse", "HEAD"]);

    expect(await surveyGitHistory({ folder, after: ids[0] })).toEqual({ state: "rewritten", head });
    expect(await surveyGitHistory({ folder, after: "1".repeat(40) })).toEqual({ state: "rewritten", head });
  });
});

describeGit("a clone that is not whole", () => {
  it("is read as far as it goes when it is shallow: where it is cut off is no work", async () => {
    const { folder } = createRepository(["a", "b", "c", "d"].map(work));
    const clone = join(folder, "clone");
    git(folder, ["clone", "--quiet", "--depth=3", `file://${folder}`, clone]);

    expect(goals(await readAll({ folder: clone }))).toEqual(["Work on c", "Work on d"]);
    expect(await surveyGitHistory({ folder: clone })).toMatchObject({ isShallow: true, commits: 3 });
  });

  it("is read without its files' contents, and nothing is fetched (G2)", async () => {
    const text = "a line\n".repeat(50);
    const { folder } = createRepository([
      { message: "Start", files: { "a.ts": text, "b.ts": `b${text}` } },
      { message: "Move", renames: [["a.ts", "c.ts"]] },
      { message: "Move and change", renames: [["b.ts", "d.ts"]], files: { "d.ts": `b${text}more` } },
    ]);
    git(folder, ["config", "uploadpack.allowFilter", "true"]);
    const clone = join(folder, "clone");
    git(folder, ["clone", "--quiet", "--bare", "--filter=blob:none", `file://${folder}`, clone]);
    const treeless = join(folder, "treeless");
    git(folder, ["clone", "--quiet", "--bare", "--filter=tree:0", `file://${folder}`, treeless]);
    const count = () => git(clone, ["count-objects", "-v"]);
    const before = count();

    const episodes = await readAll({ folder: clone });

    expect(episodes.map(({ files }) => files)).toEqual([["a.ts", "b.ts"], ["c.ts"], ["b.ts", "d.ts"]]);
    expect(count()).toBe(before);
    await expect(readAll({ folder: treeless })).rejects.toMatchObject({
      code: "INPUT_INVALID",
      facts: { reason: "partial" },
    });
  });
});

describeGit("the files of a commit", () => {
  it("are listed by name, at most as many as asked for", async () => {
    const { folder, ids } = createRepository([work("a"), { message: "b", files: { "dir/new\nline": "1", ü: "1" } }]);

    expect(await listFilesAt({ folder, commit: "HEAD", filesMax: 10 })).toEqual({
      files: ["a.ts", "dir/new\nline", "ü"],
      isTruncated: false,
    });
    expect(await listFilesAt({ folder, commit: "HEAD", filesMax: 2 })).toMatchObject({ isTruncated: true });
    expect((await listFilesAt({ folder, commit: `${ids[1]}^`, filesMax: 10 })).files).toEqual(["a.ts"]);
  });

  it("are refused for what is no commit", async () => {
    const { folder } = createRepository([work("a")]);

    for (const commit of ["--output=x", "main", "1".repeat(40), "HEAD^^", ""]) {
      const listing = listFilesAt({ folder, commit, filesMax: 10 });
      await expect(listing, commit).rejects.toMatchObject({ code: "INPUT_INVALID" });
    }
  });
});
