import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeNats } from "../support/nats.ts";
import { fromSources } from "../support/programs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("the demo", () => describeDemo([], { isByNpm: true }));

describeNats("the demo over NATS", ({ path }) => {
  describeDemo(["--nats"], { env: { NATS_SERVER_BIN: path } });

  it("leaves no process behind when it is killed itself", async () => {
    const demo = setup({ NATS_SERVER_BIN: path });
    const running = demo.spawn("--nats");
    await demo.untilKill(running);

    running.kill("SIGKILL");

    await expect.poll(async () => (await demo.leftovers()).processes).toEqual([]);
  });

  it("says what is missing when no server can be had", async () => {
    const demo = setup({ NATS_SERVER_BIN: "/nowhere/nats-server" });

    const { exitCode, stderr } = await demo.run("--nats");

    expect(exitCode).toBe(5);
    expect(stderr).toContain("No nats-server could be had.\nNATS_SERVER_BIN: spawn /nowhere/nats-server ENOENT");
    expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
  });
});

/** What holds wherever its processes meet. The first of two rounds is started by npm, which takes several times as long, or as the second. */
function describeDemo(
  flags: string[],
  { isByNpm = false, env = {} }: { isByNpm?: boolean; env?: Record<string, string> },
): void {
  it("does twice in a row what it claims, and leaves nothing behind", async () => {
    const demo = setup(env);

    for (const round of [1, 2]) {
      const { exitCode, stdout, stderr } = await (isByNpm && round === 1 ? demo.runByNpm : demo.run)(
        "--json",
        ...flags,
      );

      expect({ round, exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(stdout.trimEnd()).not.toContain("\n");
      expect(JSON.parse(stdout)).toEqual({
        ok: true,
        tasks: 2,
        handoffs: 2,
        delegations: 1,
        stepsRecorded: 13,
        stepsRepeated: 0,
        resumedAfterCrash: true,
        testsBefore: { passed: 4, failed: 1 },
        testsAfter: { passed: 6, failed: 0 },
        events: expect.any(Number),
        ms: expect.any(Number),
        replayed: true,
        promoted: true,
        secondStart: {
          file: "src/retry.js",
          playbook: "A test of retry-kit fails; find out why, fix it, ship it.",
          confidence: expect.any(Number),
        },
      });
      expect(stderr).not.toContain("\u001b["); // colours and spinners are for terminals
      expect(stderr).toMatch(/fixer-2 takes it \(epoch \d+\) and goes on after 2 recorded steps/);
      expect(stderr).toMatch(/\d+ steps? under way at a death began again, under the same key: .*edit its test/);
      expect(stderr).toMatch(
        /And the next time\n {2}replayed: edit-the-code, edit-its-test, tests, commit, tests-2, tag\n/,
      );
      expect(stderr).toMatch(
        /6 steps on a fresh copy in .*, 0 agent calls\n {2}the task: succeeded → replayed → promoted/,
      );
      expect(stderr).toMatch(/asked: .*\n {2}offered: .*"A test of retry-kit .*\(active\)/);
      expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
    }
  });

  it("ends its workers and removes its folder when it is interrupted", async () => {
    const demo = setup(env);
    const running = demo.spawn(...flags);
    const exit = once(running, "exit");
    await demo.untilKill(running);

    running.kill("SIGINT");
    const [exitCode] = (await exit) as [number | null];

    expect(exitCode).toBe(130);
    expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
  });

  it("leaves nothing behind when nobody reads what it says any more", async () => {
    const demo = setup(env);
    const running = demo.spawn(...flags);
    const exit = once(running, "exit");

    running.stdout.once("data", () => running.stdout.destroy()); // as `npm run demo | head -1` does
    const [exitCode] = (await exit) as [number | null];

    expect(exitCode).toBe(130);
    expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
  });
}

describe("the command line of the demo", () => {
  it("refuses a flag that it does not know", async () => {
    const demo = setup();

    const { exitCode, stdout, stderr } = await demo.run("--jsonn");

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("--jsonn");
    expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
  });

  it("says what is missing when there is no git", async () => {
    const demo = setup({ PATH: "/nowhere" });

    const { exitCode, stderr } = await demo.run();

    expect(exitCode).toBe(5);
    expect(stderr).toContain("needs `git`");
    expect(await demo.leftovers()).toEqual({ files: [], processes: [] });
  });
});

/** The demo as a process of its own, with a temporary folder of its own. */
function setup(env: Record<string, string> = {}) {
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), "aionis-demo-test-")));
  onTestFinished(() => rmSync(temporary, { recursive: true, force: true }));
  const options = { cwd: root, env: { ...process.env, TMPDIR: temporary, ...env } };
  const argv = (flags: string[]): string[] => [...fromSources, join(root, "examples/demo/main.ts"), ...flags];

  const run = (...flags: string[]) => runWith(process.execPath, argv(flags));

  /** As the README says. */
  const runByNpm = (...flags: string[]) => runWith("npm", ["run", "--silent", "demo", "--", ...flags]);

  async function runWith(program: string, args: string[]) {
    const child = spawn(program, args, options);
    const [stdout, stderr, [exitCode]] = await Promise.all([
      child.stdout.setEncoding("utf8").toArray(),
      child.stderr.setEncoding("utf8").toArray(),
      once(child, "exit"),
    ]);
    return { exitCode: exitCode as number | null, stdout: stdout.join(""), stderr: stderr.join("") };
  }

  /** What the demo should have taken away: its folder, and workers, which have it in their arguments. */
  async function leftovers() {
    const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "args="]);
    return {
      files: readdirSync(temporary).filter((name) => name.startsWith("aionis")),
      processes: stdout.split("\n").filter((line) => line.includes(temporary)),
    };
  }

  /** Until the first fixer is dead. */
  function untilKill({ stdout }: ChildProcessByStdio<null | Writable, Readable, Readable>): Promise<void> {
    return new Promise((resolve) => {
      stdout.setEncoding("utf8").on("data", (text: string) => text.includes("kill -9") && resolve());
    });
  }
  return {
    run,
    runByNpm,
    spawn: (...flags: string[]) => spawn(process.execPath, argv(flags), options),
    untilKill,
    leftovers,
  };
}
