import { getEventListeners } from "node:events";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { type Command, type CommandResult, createProcessExec } from "../../src/kernel/exec.ts";

const exec = createProcessExec(systemClock);
const node = process.execPath;

const run = (argv: readonly string[], options: Partial<Command> = {}): Promise<CommandResult> =>
  exec.run({ argv, timeoutMs: 20_000, outputBytes: 16_384, ...options });
const runScript = (script: string, options: Partial<Command> = {}): Promise<CommandResult> =>
  run([node, "-e", script], options);

/** Whether the process `pid` still runs; one that has ended and was not collected counts as gone. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !isZombie(pid);
}

function isZombie(pid: number): boolean {
  if (process.platform !== "linux") return false;
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

const hang = "setInterval(() => {}, 1000);";
const hangingChild = `
  const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(hang)}], { stdio: "inherit" });
  console.log(child.pid);`;

describe("exec", () => {
  it("says that it isolates nothing", () => {
    expect(exec.isolation).toBe("none");
  });

  it("hands words over as they are: no shell reads them", async () => {
    const words = ["a b", "$HOME", "`id`", "$(id)", "; exit 7", "*", "'\"\\", "", "ü🧵\n", "|", ">out"];

    const { stdout, exitCode } = await run([
      node,
      "-e",
      "console.log(JSON.stringify(process.argv.slice(1)))",
      ...words,
    ]);

    expect(JSON.parse(stdout)).toEqual(words);
    expect(exitCode).toBe(0);
  });

  it("gives back the exit code and both outputs", async () => {
    const result = await runScript("console.log('out'); console.error('err'); process.exitCode = 9");

    expect(result).toMatchObject({ exitCode: 9, stdout: "out\n", stderr: "err\n", truncated: false, ended: "exit" });
    expect(result.durationMs).toBeGreaterThan(0);
  });

  it("has no exit code for a program that a signal ended", async () => {
    expect(await runScript("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)")).toMatchObject({
      exitCode: null,
      ended: "exit",
    });
  });

  it.each([
    ["a missing program", ["/no/such/program"]],
    ["a folder", ["/"]],
    ["no program", []],
    ["an empty name", [""]],
    ["a NUL in an argument", [node, "a\u0000b"]],
    ["more arguments than the system takes", [node, "x".repeat(4_000_000)]],
  ])("says why it could not start %s, and does not reject", async (_what, argv) => {
    const result = await run(argv);

    expect(result).toMatchObject({ exitCode: null, ended: "unstartable", stdout: "" });
    expect(result.stderr).not.toBe("");
  });

  it("says why it could not start in a missing folder", async () => {
    expect(await run([node, "--version"], { cwd: "/no/such/folder" })).toMatchObject({ ended: "unstartable" });
  });

  it("ends a command that takes too long, with what it has started", async () => {
    const result = await runScript(hangingChild + hang, { timeoutMs: 1_000 });

    expect(result).toMatchObject({ exitCode: null, ended: "timeout" });
    const grandchild = Number(result.stdout);
    expect(grandchild).toBeGreaterThan(0);
    await gone(grandchild);
  });

  it("ends a command whose signal fires, with what it has started", async () => {
    const controller = new AbortController();
    const folder = makeFolder();
    const running = run([node, "-e", `${hangingChild} require("node:fs").writeFileSync("up", ""); ${hang}`], {
      cwd: folder,
      signal: controller.signal,
    });
    await appears(join(folder, "up"));

    controller.abort();
    const result = await running;

    expect(result).toMatchObject({ exitCode: null, ended: "aborted" });
    await gone(Number(result.stdout));
  });

  it("starts nothing when the signal has fired already", async () => {
    const folder = makeFolder();

    const result = await runScript("require('node:fs').writeFileSync('ran', '')", {
      cwd: folder,
      signal: AbortSignal.abort(),
    });

    expect(result).toMatchObject({ exitCode: null, ended: "aborted" });
    expect(existsSync(join(folder, "ran"))).toBe(false);
  });

  it("lets go of the signal when the command has ended", async () => {
    const { signal } = new AbortController();

    await runScript("0", { signal });

    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("keeps the last bytes of a long output and says that there was more", async () => {
    const result = await runScript(
      "for (let line = 0; line < 50000; line += 1) console.log('line ' + line); console.error('short')",
      { outputBytes: 100 },
    );

    expect(result).toMatchObject({ truncated: true, stderr: "short\n" });
    expect(result.stdout).toHaveLength(100);
    expect(result.stdout.endsWith("line 49998\nline 49999\n")).toBe(true);
  });

  it("keeps an output of just the limit whole", async () => {
    expect(await runScript("process.stdout.write('x'.repeat(100))", { outputBytes: 100 })).toMatchObject({
      stdout: "x".repeat(100),
      truncated: false,
    });
  });

  it("does not hold more than twice the limit in memory, however much is printed", async () => {
    const before = process.memoryUsage().rss;

    const result = await runScript(
      "const block = Buffer.alloc(1 << 20, 'x'); for (let i = 0; i < 200; i += 1) require('node:fs').writeSync(1, block)",
      { outputBytes: 1_000 },
    );

    expect(result.truncated).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024); // 200 MiB were printed
  });

  it("runs in the folder it is given", async () => {
    const folder = makeFolder();

    expect((await runScript("console.log(process.cwd())", { cwd: folder })).stdout.trim()).toBe(realpathSync(folder));
  });

  it("gives the child just the environment it is given", async () => {
    const script = "console.log(process.env.COLOUR, process.env.HOME)";

    expect((await runScript(script, { env: { COLOUR: "red; blue" } })).stdout).toBe("red; blue undefined\n");
    expect((await runScript("console.log(process.env.PATH)")).stdout.trim()).toBe(process.env.PATH);
  });

  it("gives the child no input", async () => {
    const { stdout } = await runScript("process.stdin.on('data', () => {}).on('end', () => console.log('end'))");

    expect(stdout).toBe("end\n");
  });

  it("makes text of output that is none", async () => {
    const { stdout, exitCode } = await runScript("process.stdout.write(Buffer.from([0x61, 0xff, 0x00, 0xc3, 0x28]))");

    expect(exitCode).toBe(0);
    expect(stdout).toBe("a\ufffd\u0000\ufffd(");
  });

  it("does not wait for what the command left behind with its output open", async () => {
    const result = await runScript(`${hangingChild} process.exit(0)`);

    expect(result).toMatchObject({ exitCode: 0, ended: "exit" });
    expect(result.durationMs).toBeLessThan(10_000);
    await gone(Number(result.stdout));
  });

  it("does not wait for what has left the command's group either", async () => {
    const script = `
      const child = require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(hang)}], { stdio: "inherit", detached: true });
      console.log(child.pid);
      process.exit(0);`;

    const result = await runScript(script);
    const escaped = Number(result.stdout);
    onTestFinished(() => void process.kill(escaped, "SIGKILL"));

    expect(result).toMatchObject({ exitCode: 0, ended: "exit" });
    expect(isAlive(escaped)).toBe(true); // nothing but isolation could end it
  });

  it("runs many commands at once", async () => {
    const results = await Promise.all(Array.from({ length: 10 }, (_, index) => runScript(`console.log(${index})`)));

    expect(results.map(({ stdout }) => Number(stdout))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-exec-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A killed process is gone as soon as the system says so; there is no event to wait for. */
async function gone(pid: number): Promise<void> {
  const endsAt = performance.now() + 5_000;
  while (isAlive(pid)) {
    if (performance.now() > endsAt) throw new Error(`process ${pid} still runs`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function appears(file: string): Promise<void> {
  const endsAt = performance.now() + 10_000;
  while (!existsSync(file)) {
    if (performance.now() > endsAt) throw new Error(`${file} did not appear`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
