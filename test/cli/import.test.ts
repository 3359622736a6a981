import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { type CommitSpec, createFolder, createRepository, describeGit, git } from "../import/repositories.ts";
import { patienceMs } from "../support/patience.ts";
import { makeFolder, runBinary, setupCli, setupServed, startBinary, startCli } from "./support.ts";

const work = (name: string): CommitSpec => ({ message: `Work on ${name}`, files: { [`${name}.ts`]: name } });
const many = (count: number): CommitSpec[] => Array.from({ length: count }, (_, index) => work(`n${index}`));
const evil = "\u001b]0;owned\u0007 \u202eexe.txt\u2028";

describeGit("import git", () => {
  it("takes over the repository of the current folder, and the very next start knows it", async () => {
    const { folder } = createRepository([
      ...many(20),
      { message: "v1.2.3", files: { "package.json": "1" } },
      { message: "Repair the retry queue", files: { "src/retry-queue.ts": "1" } },
    ]);

    const imported = await runBinary(folder, ["import", "git"]);
    const started = await runBinary(folder, ["start", "Repair the retry queue", "--json"]);
    const again = await runBinary(folder, ["import", "git"]);

    const head = git(folder, ["rev-parse", "HEAD"]).slice(0, 12);
    expect(imported).toEqual({
      code: 0,
      stdout: `Took over 21 of 22 commits of ${folder} at ${head}; left out: releases (1).\n`,
      stderr: "",
    });
    const { files } = JSON.parse(started.stdout) as { files: { path: string }[] };
    expect(files[0]?.path).toBe("src/retry-queue.ts");
    expect(again).toEqual({ code: 0, stdout: `Nothing new in ${folder} at ${head}.\n`, stderr: "" });
  });

  it("takes another folder, a date and a number, and answers in JSON", async () => {
    const { run } = await setupServed();
    const { folder, ids } = createRepository(many(5));

    const { code, stdout } = await run(["import", "git", folder, "--since", "2023-11-01", "--max", "2", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      folder,
      source: `git:${ids[0]?.slice(0, 16)}`,
      episodes: 2,
      leftOut: {},
      commits: 2,
      head: ids[4],
      isShallow: false,
      upToDate: false,
      seq: expect.any(Number),
      isLearned: true,
    });
  });

  it("says when a clone is cut off", async () => {
    const { folder } = createRepository(many(5));
    const clone = join(createFolder(), "clone");
    git(folder, ["clone", "--quiet", "--depth=2", `file://${folder}`, clone]);
    const { run } = setupCli();

    const { code, stderr } = await run(["import", "git", clone]);

    expect(code).toBe(0);
    expect(stderr).toBe("The clone's history is cut off: `git fetch --unshallow` brings the rest.\n");
  });

  it("shows a bar on a terminal, and takes it away", async () => {
    const { folder } = createRepository(many(300));
    const { run } = setupCli();

    const { stdout, stderr } = await run(["import", "git", folder], { errorColumns: 60 });

    const lines = stderr.split("\r").filter((line) => line !== "");
    expect(lines[0]).toMatch(/^[█░]{24} \d+ of 300 commits, \d+ taken over/u);
    expect(lines.some((line) => line.includes("300 of 300 commits, 300 taken over"))).toBe(true);
    expect(lines.at(-1)).toBe("\u001b[K");
    expect(Math.max(...lines.map((line) => line.replace("\u001b[K", "").length))).toBeLessThan(60);
    expect(stdout).toMatch(/^Took over 300 of 300 commits/);
  });

  it("ends with 130 at Ctrl-C, keeps what it took over, and goes on from there", async () => {
    const { folder } = createRepository(many(3_000));
    const { runtime, run, folder: served } = await setupServed();
    const cli = startCli(served, ["--scope", "local/served", "import", "git", folder]);
    await cli.listening;
    const taken = async (): Promise<number> =>
      (await runtime.events.read({ types: ["episodes.imported"] })).events.length;
    await vi.waitFor(async () => expect(await taken()).toBeGreaterThan(0), { timeout: patienceMs, interval: 5 });

    cli.interrupt();

    expect(await cli.code).toBe(130);
    expect(cli.stderr.text).toMatch(/^Interrupted: \d+ episodes were taken over, and stay\./);
    const kept = await taken();
    expect(kept).toBeLessThan(15);
    const rest = await run(["import", "git", folder, "--json"]);
    expect(JSON.parse(rest.stdout)).toMatchObject({ episodes: 3_000 - 200 * kept });
  });

  it("goes on when the holder of the store ends meanwhile (M1)", async () => {
    const { folder } = createRepository(many(2_000));
    const place = makeFolder();
    const holder = startBinary(place, ["serve"]);
    await holder.saw("Serving");
    const importing = startBinary(place, ["import", "git", folder]);
    await vi.waitFor(async () => {
      const { stdout } = await runBinary(place, ["status", "--json"]);
      expect((JSON.parse(stdout) as { head: number }).head).toBeGreaterThan(1);
    }, 20_000);

    holder.kill("SIGTERM");

    expect((await importing.ended).code).toBe(0);
    const { stdout } = await runBinary(place, ["events", "read", "--type", "episodes.imported", "--json"]);
    const { events } = JSON.parse(stdout) as { events: { facts: { count: number } }[] };
    expect(events.reduce((sum, { facts }) => sum + facts.count, 0)).toBe(2_000);
  });

  it.each([
    { args: ["--max", "many"], says: "It is not a whole number" },
    { args: ["--max", "-1"], says: "It is not a whole number" },
    { args: ["--since", "spring"], says: '--since is "spring", which is not a date' },
    { args: ["a", "b"], says: "Too many arguments" },
    { args: ["nowhere"], says: "nowhere is not a folder" },
    { args: ["."], says: "is not in a git repository" },
    { args: [`x${evil}`], says: "\\u001b]0;owned\\u0007 \\u202eexe.txt\\u2028 is not a folder" },
  ])("refuses $args", async ({ args, says }) => {
    const { run } = setupCli();

    const { code, stdout, stderr } = await run(["import", "git", ...args]);

    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^INPUT_INVALID: /);
    expect(stderr).toContain(says);
    expect(stderr).not.toMatch(/[^\P{C}\n]|\u2028/u);
  });

  it("refuses a word that is no kind of history, with the help of what there is", async () => {
    const { run } = setupCli();

    const none = await run(["import"]);
    const other = await run(["import", "svn"]);

    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("git [options] [folder]") });
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining("Unknown command 'svn'") });
  });
});
