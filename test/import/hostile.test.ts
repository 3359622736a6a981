import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { toGitFailure } from "../../src/import/git-process.ts";
import { type GitRange, listFilesAt, readGitHistory, surveyGitHistory } from "../../src/import/index.ts";
import { type CommitSpec, createFolder, createRepository, describeGit, git, toArray } from "./repositories.ts";

const work = (name: string): CommitSpec => ({ message: `Work on ${name}`, files: { [`${name}.ts`]: name } });

const isRoot = process.getuid?.() === 0;

async function readAll(range: GitRange): Promise<number> {
  return (await toArray(readGitHistory(range))).length;
}

describeGit("a hostile repository", () => {
  it("runs nothing that its configuration, attributes and hooks name (G1)", async () => {
    const { folder, wasRun } = createTrap();

    expect(await surveyGitHistory({ folder })).toMatchObject({ commits: 2 });
    expect(await readAll({ folder })).toBe(2);
    expect(await listFilesAt({ folder, commit: "HEAD", filesMax: 10 })).toMatchObject({ isTruncated: false });
    expect(wasRun()).toBe("");
    runAsPeopleDo(folder);
    expect(wasRun()).toContain("evil.sh");
  });

  it("does not have what it lacks fetched by a program that it names (G2)", async () => {
    const { folder, ids, wasRun } = createTrap({ isIncomplete: true });

    await expect(readAll({ folder })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    await expect(listFilesAt({ folder, commit: ids[0]!, filesMax: 9 })).rejects.toMatchObject({
      code: "INPUT_INVALID",
    });
    await expect(readAll({ folder, after: "1".repeat(40) })).rejects.toMatchObject({ facts: { reason: "rewritten" } });
    expect(wasRun()).toBe("");
  });

  it("does not find its variables in git's environment, nor a git of its own", async () => {
    const { folder } = createRepository([work("a")]);
    const other = createRepository([work("b"), work("c")]);
    writeFileSync(join(folder, "git"), "#!/bin/sh\nexit 99\n", { mode: 0o755 });
    const env = { ...process.env, GIT_DIR: join(other.folder, ".git"), GIT_CONFIG_COUNT: "bad" };

    expect(await toArray(readGitHistory({ folder }, { program: "git", env }))).toHaveLength(1);
  });

  it("is not written to", async () => {
    const { folder, ids } = createRepository([work("a"), work("b")]);
    const listing = () => execFileSync("find", [folder, "-printf", "%p %s %T@\n"], { encoding: "utf8" });
    const before = listing();

    await surveyGitHistory({ folder, after: ids[0] });
    await readAll({ folder });

    expect(listing()).toBe(before);
  });

  it.skipIf(!isRoot)("is read also when it belongs to another user (only root can make one)", async () => {
    const { folder } = createRepository([work("a")]);
    for (const name of ["", ".git"]) chownSync(join(folder, name), 12_345, 12_345);

    expect(await readAll({ folder })).toBe(1);
  });
});

describeGit("a folder without a readable history", () => {
  it("is refused with what is wrong and what to do", async () => {
    const plain = createFolder();
    const file = join(plain, "file");
    writeFileSync(file, "");
    const { folder: empty } = createRepository([]);

    await expectReason({ folder: plain }, "notRepository", /Name a folder that is, or let/);
    await expectReason({ folder: join(plain, "none") }, "noFolder", /is not a folder/);
    await expectReason({ folder: file }, "noFolder", /is not a folder/);
    await expectReason({ folder: `${plain}\0` }, "noFolder", /NUL/);
    await expectReason({ folder: empty }, "noCommits", /Commit something/);
  });

  it("is refused when its objects are damaged, after what could be read", async () => {
    const { folder, ids } = createRepository([work("a"), work("b")]);
    removeTree(folder, ids[1]!);

    await expectReason({ folder }, "unreadable", /git fsck/);

    const commit = join(folder, ".git", "objects", ids[0]!.slice(0, 2), ids[0]!.slice(2));
    chmodSync(commit, 0o644);
    writeFileSync(commit, "garbage");
    await expectReason({ folder }, "unreadable", /git fsck/);
  });

  it("is refused when its configuration cannot be read", async () => {
    const { folder } = createRepository([work("a")]);
    writeFileSync(join(folder, ".git", "config"), "[core\nrubbish");

    await expectReason({ folder }, "unreadable", /bad config/);
  });

  it.skipIf(isRoot)("is refused when the user may not read it (root may read everything)", async () => {
    const { folder } = createRepository([work("a")]);
    chmodSync(join(folder, ".git"), 0);

    await expect(readAll({ folder })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    chmodSync(join(folder, ".git"), 0o755);
  });

  it("is refused with bounds that are none", async () => {
    const { folder } = createRepository([work("a")]);
    const ranges = [
      { max: -1 },
      { max: 1.5 },
      { since: Number.NaN },
      { after: "--all" },
      { after: "main" },
      { head: "-" },
    ];

    for (const range of ranges) {
      await expect(surveyGitHistory({ folder, ...range })).rejects.toMatchObject({ code: "INPUT_INVALID" });
      await expect(readAll({ folder, ...range })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    }
  });
});

describeGit("git itself", () => {
  it("is refused when it is missing or too old", async () => {
    const { folder } = createRepository([work("a")]);
    const old = join(folder, "old-git");
    writeFileSync(old, "#!/bin/sh\necho git version 2.17.1\n", { mode: 0o755 });

    for (const program of ["no-git-of-this-name", old]) {
      const reading = toArray(readGitHistory({ folder }, { program, env: process.env }));
      await expect(reading).rejects.toMatchObject({ code: "GIT_UNUSABLE" });
    }
  });
});

describeGit("a long history", () => {
  const commits = Array.from({ length: 10_000 }, (_, index): CommitSpec => {
    return { message: `Work ${index}`, files: { [`${index % 20}.ts`]: `${index}` } };
  });
  let folder: string;

  beforeAll(() => {
    const ends: (() => void)[] = [];
    ({ folder } = createRepository(commits, (end) => ends.push(end)));
    return () => {
      for (const end of ends) end();
    };
  });

  it("streams: the first episode comes long before the last, and the reader is never ahead of its caller (H1)", async () => {
    let read = 0;
    const history = readGitHistory({ folder, onCommit: () => void read++ });

    await history.next();
    expect(read).toBe(1);
    let count = 1;
    for await (const episode of history) count += episode.files.length;

    expect({ count, read }).toEqual({ count: 10_000, read: 10_000 });
  });

  it("ends at once with the signal's reason, and leaves no process behind (G3)", async () => {
    const abort = new AbortController();
    const history = readGitHistory({ folder, signal: abort.signal });
    await history.next();
    const running = gitsIn(folder);

    abort.abort(new Error("enough"));

    await expect(toArray(history)).rejects.toThrow("enough");
    expect(gitsIn(folder)).toEqual([]);
    if (process.platform === "linux") expect(running).not.toEqual([]);
    await expect(surveyGitHistory({ folder, signal: abort.signal })).rejects.toThrow("enough");
  });

  it("ends at once also while its caller waits for an episode (G3)", async () => {
    const abort = new AbortController();
    const first = readGitHistory({ folder, signal: abort.signal }).next();

    abort.abort(new Error("enough"));

    await expect(first).rejects.toThrow("enough");
    expect(gitsIn(folder)).toEqual([]);
  });

  it("ends when its caller leaves, and leaves no process behind (G3)", async () => {
    for await (const _ of readGitHistory({ folder })) break;

    expect(gitsIn(folder)).toEqual([]);
  });
});

describe("what git says", () => {
  const said = [
    ["fatal: not a git repository (or any of the parent directories): .git", "notRepository"],
    ["fatal: cannot change to '/x': No such file or directory", "noFolder"],
    ["fatal: cannot change to '/x': Permission denied", "permissionDenied"],
    ["error: unable to open /x/.git/objects/ab: Permission denied\nfatal: bad object", "permissionDenied"],
    ["fatal: detected dubious ownership in repository at '/x'", "foreignOwner"],
    ["fatal: unsafe repository ('/x' is owned by someone else)", "foreignOwner"],
    ["fatal: transport 'https' not allowed", "partial"],
    ["fatal: unknown repository extension found:\n\trefstorage", "newerFormat"],
    ["fatal: unable to read tree 1234", "unreadable"],
    ["", "unreadable"],
  ];

  it.each(said)("%j is told as %s", (stderr, reason) => {
    expect(toGitFailure("/x", { exitCode: 128, endedBy: null, stderr })).toMatchObject({
      code: "INPUT_INVALID",
      facts: { reason },
    });
  });

  it("is left out when a signal ended it: that is told instead", () => {
    expect(toGitFailure("/x", { exitCode: null, endedBy: "SIGKILL", stderr: "" }).detail).toContain("SIGKILL");
  });
});

async function expectReason(range: GitRange, reason: string, detail: RegExp): Promise<void> {
  const error: unknown = await readAll(range).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "INPUT_INVALID", facts: { reason }, detail: expect.stringMatching(detail) });
}

/** A repository that names a program wherever one can be named, and what that program was run for. */
function createTrap({ isIncomplete = false } = {}): { folder: string; ids: string[]; wasRun: () => string } {
  const { folder, ids } = createRepository([
    { message: "Start", files: { "a.ts": "1\n".repeat(50), ".gitattributes": "* diff=evil filter=evil\n" } },
    { message: "Rename", renames: [["a.ts", "b.ts"]], files: { "b.ts": `${"1\n".repeat(50)}2\n` } },
  ]);
  git(folder, ["checkout", "--quiet", "--force", "main"]);
  if (isIncomplete) removeTree(folder, ids[0]!);
  const marker = join(folder, "ran");
  const program = join(folder, "evil.sh");
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >>'${marker}'\n`, { mode: 0o755 });
  plantPrograms(folder, program);
  return { folder, ids, wasRun: () => (existsSync(marker) ? readFileSync(marker, "utf8") : "") };
}

/** Shows that the trap works. What it runs may make git fail. */
function runAsPeopleDo(folder: string): void {
  try {
    git(folder, ["status"]);
  } catch {
    // the program has run
  }
}

/** Everything in a repository that can name a program. */
function plantPrograms(folder: string, program: string): void {
  const settings = [
    "core.fsmonitor",
    "core.pager",
    "core.sshCommand",
    "core.editor",
    "core.alternateRefsCommand",
    "core.gitProxy",
    "pager.log",
    "pager.rev-list",
    "pager.diff-tree",
    "diff.external",
    "diff.evil.command",
    "diff.evil.textconv",
    "filter.evil.clean",
    "filter.evil.smudge",
    "filter.evil.process",
    "gpg.program",
    "gpg.ssh.program",
    "credential.helper",
    "remote.origin.uploadpack",
    "sequence.editor",
  ];
  for (const name of settings) git(folder, ["config", name, program]);
  git(folder, ["config", "alias.rev-list", `!${program}`]);
  git(folder, ["config", "alias.diff-tree", `!${program}`]);
  git(folder, ["config", "log.showSignature", "true"]);
  git(folder, ["config", "remote.origin.url", `ext::${program}`]);
  git(folder, ["config", "remote.origin.promisor", "true"]);
  git(folder, ["config", "protocol.ext.allow", "always"]);
  git(folder, ["config", "extensions.partialClone", "origin"]);
  const hooks = join(folder, ".git", "hooks");
  mkdirSync(hooks, { recursive: true });
  for (const hook of ["post-index-change", "reference-transaction", "fsmonitor-watchman", "pre-auto-gc"]) {
    writeFileSync(join(hooks, hook), readFileSync(program), { mode: 0o755 });
  }
}

function removeTree(folder: string, commit: string): void {
  explode(folder);
  const tree = git(folder, ["rev-parse", `${commit}^{tree}`]);
  rmSync(join(folder, ".git", "objects", tree.slice(0, 2), tree.slice(2)));
}

/** Takes the objects out of their pack, so that a test can damage one of them. */
function explode(folder: string): void {
  const packs = join(folder, ".git", "objects", "pack");
  for (const name of readdirSync(packs)) {
    if (!name.endsWith(".pack")) continue;
    const pack = readFileSync(join(packs, name));
    for (const part of readdirSync(packs)) rmSync(join(packs, part), { force: true });
    git(folder, ["unpack-objects", "-q"], pack);
  }
}

/** The ids of the processes of git that read `folder`. */
function gitsIn(folder: string): string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return argv[0] === "git" && argv.includes(folder);
    } catch {
      return false; // it has ended meanwhile
    }
  });
}
