import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { describeNats } from "../support/nats.ts";
import { fromSources } from "../support/programs.ts";

const root = join(import.meta.dirname, "../..");
/** Good, bad, or not to be tested; it lasts long enough for a tester to be killed in the middle. */
const command = ["sh", "-c", 'sleep 0.3; if [ -e broken-build ]; then exit 125; fi; test "$(cat sum)" = 4'];

/** A command that nobody else has running. */
const sleep = `sleep 9${process.pid}`;

const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-bisect-test-")));
const repository = join(folder, "repository");
const good = "HEAD~64";

/** 65 commits, of which the 42nd breaks the sum and the 20th to 23rd cannot be tested. */
beforeAll(() => {
  mkdirSync(repository);
  git("-c", "init.defaultBranch=main", "init", "--quiet", "--template=");
  for (let number = 0; number <= 64; number += 1) {
    writeFileSync(join(repository, "number"), `${number}\n`);
    writeFileSync(join(repository, "sum"), number < 42 ? "4\n" : "5\n");
    rmSync(join(repository, "broken-build"), { force: true });
    if (number >= 20 && number <= 23) writeFileSync(join(repository, "broken-build"), "");
    git("add", "--all");
    git("commit", "--quiet", "--message", `Commit ${number}`);
  }
  writeFileSync(join(repository, "number"), "what the user is working on\n");
  return () => rmSync(folder, { recursive: true, force: true });
});

describe("bisect", () => {
  it("finds the commit that `git bisect run` finds, although a tester is killed in the middle", async () => {
    await expectSearch([]);
  });

  it("says which commits it can be when they cannot be tested", async () => {
    const range = ["--good", "HEAD~45", "--bad", "HEAD~40"];
    const grows = "if [ -e broken-build ]; then exit 125; fi; test $(cat number) -le 21";

    const { exitCode, stdout } = await setup(["--json", ...range, "--", "sh", "-c", grows]).ended;

    const commits = git("rev-list", "--reverse", "HEAD~45..HEAD~40").trim().split("\n");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ found: "several", commits, skipped: 4 });
  });

  it.each([
    ["the command is not found", ["--", "no-such-command"], "The good commit is bad. Is the command right?"],
    ["a signal ends the command", ["--", "sh", "-c", "kill -9 $$"], "ended the search (exit code 137)"],
    ["a ref is no commit", ["--bad", "no-such-ref", "--", "true"], "no-such-ref names no commit."],
  ])("ends with 1 and says why when %s", async (_, flags, why) => {
    const search = setup(["--good", good, "--bad", "HEAD", ...flags]);

    const { exitCode, stderr } = await search.ended;

    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining(why) });
    expect(search.leftovers()).toEqual({ files: [], processes: [] });
  });

  it.each([
    ["no command", ["--good", good, "--bad", "HEAD"]],
    ["no good commit", ["--bad", "HEAD", "--", "true"]],
    ["an unknown flag", ["--god", good, "--", "true"]],
    ["no workers", ["--good", good, "--bad", "HEAD", "--workers", "0", "--", "true"]],
  ])("ends with 2 and the usage when there is %s", async (_, flags) => {
    const { exitCode, stderr } = await setup(flags).ended;

    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("Usage: npm run bisect") });
  });

  it("ends its testers and their commands when it is interrupted, or killed", async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const search = setup(["--good", good, "--bad", "HEAD", "--", "sh", "-c", sleep]);
      await search.printed(/tests .* the bad commit/);

      search.child.kill(signal);
      await search.ended;

      await expect.poll(() => search.leftovers().processes).toEqual([]);
      if (signal === "SIGINT") expect(search.leftovers().files).toEqual([]);
    }
  });
});

describeNats("bisect over NATS", ({ path }) => {
  it("finds the same", async () => {
    await expectSearch(["--nats", "managed"], { NATS_SERVER_BIN: path });
  });
});

/** A search with a death in it finds what git finds, leaves nothing behind, and leaves the user's repository alone. */
async function expectSearch(flags: string[], env: Record<string, string> = {}): Promise<void> {
  const before = look();
  const search = setup(["--json", "--good", good, "--bad", "HEAD", ...flags, "--", ...command], env);
  const [, tester] = await search.printed(/(tester-\d) tests \S+ Commit/);
  const [, pid] = await search.printed(new RegExp(`${tester} is process (\\d+)`));
  process.kill(Number(pid), "SIGKILL");

  const { exitCode, stdout, stderr } = await search.ended;

  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const report = JSON.parse(stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ found: "one", commits: [findWithGit()], lost: 1 });
  expect(report.summary).toContain("Commit 42");
  expect(search.leftovers()).toEqual({ files: [], processes: [] });
  expect(look()).toEqual(before);
}

/** What `git bisect run` says, in a clone. */
function findWithGit(): string {
  const clone = mkdtempSync(join(folder, "clone-"));
  git("clone", "--quiet", repository, clone);
  git("-C", clone, "bisect", "start", "HEAD", good);
  const printed = git("-C", clone, "bisect", "run", ...command);
  return /^([0-9a-f]{40}) is the first bad commit$/m.exec(printed)?.[1] ?? printed;
}

/** Everything of the repository that a search might touch. */
function look() {
  return {
    status: git("status", "--porcelain"),
    refs: git("for-each-ref") + git("rev-parse", "HEAD"),
    files: readdirSync(join(repository, ".git"), { recursive: true }).sort(),
  };
}

function git(...args: string[]): string {
  const identity = {
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b",
  };
  const env = { ...process.env, ...identity, GIT_CONFIG_GLOBAL: "/dev/null" };
  return execFileSync("git", args, { cwd: repository, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** The search as a process of its own, with a temporary folder of its own. */
function setup(flags: string[], env: Record<string, string> = {}) {
  const temporary = mkdtempSync(join(folder, "temporary-"));
  const argv = [...fromSources, join(root, "examples/bisect/main.ts"), "--repo", repository, ...flags];
  const child = spawn(process.execPath, argv, { cwd: root, env: { ...process.env, TMPDIR: temporary, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = endOf(child).then((exitCode) => ({ exitCode, stdout, stderr }));

  async function printed(pattern: RegExp): Promise<RegExpExecArray> {
    await expect.poll(() => stdout + stderr, { interval: 20 }).toMatch(pattern);
    return pattern.exec(stdout + stderr)!;
  }

  /** What it should have taken away: its folder, and its processes, which have it in their arguments or are the user's command. */
  function leftovers() {
    const processes = execFileSync("ps", ["-A", "-o", "args="], { encoding: "utf8" }).split("\n");
    return {
      files: readdirSync(temporary).filter((name) => name.startsWith("aionis")),
      processes: processes.filter((line) => line.includes(temporary) || line === sleep),
    };
  }
  return { child, ended, printed, leftovers };
}

async function endOf(child: ChildProcess): Promise<number | null> {
  const [exitCode] = (await once(child, "close")) as [number | null];
  return exitCode;
}
