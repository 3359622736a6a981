// What a worker's verifier makes of checks. How the runtime takes the results is in `test/conformance/sdk/checks.ts`.

import { hash } from "node:crypto";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { CheckFunction, RunParts } from "../../sdk/parts.ts";
import { runChecks } from "../../sdk/verifier.ts";
import { CheckResult } from "../../src/contracts/values.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { type CommandResult, createProcessExec, type Exec } from "../../src/kernel/exec.ts";
import { FakeClock } from "../support/fake-clock.ts";

interface Given {
  exec?: Exec;
  checks?: Record<string, CheckFunction>;
  cwd?: string;
  clock?: RunParts["clock"];
  signal?: AbortSignal;
}

const task = { taskId: "task_1" } as unknown as RunParts["task"]; // the verifier hands it on

function setup({ exec, checks, cwd, clock = systemClock, signal = new AbortController().signal }: Given = {}) {
  const options = { agent: "ada", ...(checks === undefined ? {} : { checks }), ...(cwd === undefined ? {} : { cwd }) };
  const parts = { clock, exec: exec ?? createProcessExec(clock), options, task };
  const run = async (check: { command?: string[] }, at?: string) => {
    const [result] = await runChecks(parts, [{ name: "sound", ...check }], { cwd: at, signal });
    return CheckResult.parse(result); // as the runtime takes it
  };
  return { parts, run };
}

function makeFolder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "aionis-verifier-")));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const node = (program: string) => [process.execPath, "-e", program];
const toHash = (text: string) => hash("sha256", text);
const ended = (result: Partial<CommandResult>): Exec => ({
  isolation: "none",
  run: () =>
    Promise.resolve({
      exitCode: null,
      stdout: "",
      stderr: "",
      truncated: false,
      ended: "exit",
      durationMs: 5,
      ...result,
    }),
});

describe("a check that is a command", () => {
  it("leaves as evidence what ran, where, how long, how it ended and what it printed", async () => {
    const cwd = makeFolder();
    const command = node("console.log(process.cwd()); console.error('1 warning')");

    expect(await setup({ cwd }).run({ command })).toEqual({
      name: "sound",
      passed: true,
      command,
      cwd,
      ended: "exit",
      exitCode: 0,
      durationMs: expect.any(Number),
      output: `${cwd}\n1 warning\n`,
      outputHash: toHash(`${cwd}\n1 warning\n`),
      isolation: "none",
    });
  });

  it("runs in the folder of the completion, else of the worker, else of the process", async () => {
    const [cwd, other] = [makeFolder(), makeFolder()];
    const command = node("process.stdout.write(process.cwd())");

    expect(await setup({ cwd }).run({ command }, other)).toMatchObject({ cwd: other, output: other });
    expect(await setup({ cwd }).run({ command })).toMatchObject({ cwd, output: cwd });
    expect(await setup().run({ command }, "test")).toMatchObject({ cwd: join(process.cwd(), "test") });
    expect(await setup().run({ command })).toMatchObject({ cwd: process.cwd() });
  });

  it("fails with its exit code", async () => {
    const command = node("console.error('1 failed'); process.exit(3)");

    expect(await setup().run({ command })).toMatchObject({
      passed: false,
      ended: "exit",
      exitCode: 3,
      output: "1 failed\n",
    });
  });

  it("fails when it is ended by a signal or cannot be started, and says so (V1)", async () => {
    const killed = await setup().run({ command: node("console.log('begun'); process.kill(process.pid, 'SIGKILL')") });
    const missing = await setup().run({ command: ["no-such-program"] });
    const nowhere = await setup().run({ command: node("") }, "/no/such/folder");

    expect(killed).toMatchObject({ passed: false, ended: "signal", outputHash: toHash("begun\n") });
    expect(killed.output).toBe("begun\n\nThe check was ended by a signal.");
    expect(killed).not.toHaveProperty("exitCode");
    for (const result of [missing, nowhere]) {
      expect(result).toMatchObject({ passed: false, ended: "unstartable" });
      expect(result.output).toMatch(/ENOENT.*\nThe command of the check could not be started\.$/);
    }
    expect(nowhere.output).toContain("its folder /no/such/folder does not exist");
  });

  it("fails when its time is over, also one that then says 0 (V1)", async () => {
    const asked: unknown[] = [];
    const slow: Exec = {
      isolation: "none",
      run: (command) => {
        asked.push(command);
        return ended({ ended: "timeout", stdout: "12 of 13\n" }).run(command);
      },
    };

    const result = await setup({ exec: slow }).run({ command: ["npm", "test"] });
    const graceful = await setup({ exec: ended({ ended: "timeout", exitCode: 0 }) }).run({ command: ["npm", "test"] });

    expect(asked).toMatchObject([{ timeoutMs: 600_000, outputBytes: 16_384 }]);
    expect(result).toMatchObject({ passed: false, ended: "timeout" });
    expect(result.output).toBe("12 of 13\n\nThe check was ended after 10 minutes.");
    expect(graceful).toMatchObject({ passed: false, ended: "timeout", exitCode: 0 });
  });

  it("that prints without end is ended with its end kept, and the rest is not (V1)", async () => {
    const command = node("for (;;) require('node:fs').writeSync(1, 'flood '.repeat(10_000))");
    const exec = createProcessExec(systemClock);
    const brief: Exec = { ...exec, run: (given) => exec.run({ ...given, timeoutMs: 500 }) };

    const result = await setup({ exec: brief }).run({ command });

    expect(result).toMatchObject({
      passed: false,
      ended: "timeout",
      outputHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(result.output).toMatch(/flood .*\nThe check was ended after/s);
    expect(result.output).toHaveLength(8_000);
  });

  it("that prints much and fails keeps the end, where the failure is", async () => {
    const command = node("process.stdout.write('💥'.repeat(1e5) + 'x 13 failed'); process.exitCode = 1");

    const { output, ...result } = await setup().run({ command });

    expect(result).toMatchObject({ passed: false, exitCode: 1 });
    expect(output).toMatch(/13 failed$/);
    expect(output?.length).toBeLessThanOrEqual(8_000);
    expect(output?.isWellFormed()).toBe(true);
  });

  it("is ended with the run", async () => {
    const controller = new AbortController();
    const { run } = setup({ signal: controller.signal });

    const result = run({ command: node("setInterval(() => {}, 1000)") });
    controller.abort();

    expect(await result).toMatchObject({ passed: false, ended: "aborted" });
  });

  it("records how it was kept apart, as the one who ran it says", async () => {
    const exec: Exec = { ...ended({ exitCode: 0 }), isolation: "bubblewrap" };

    expect(await setup({ exec }).run({ command: ["true"] })).toMatchObject({ passed: true, isolation: "bubblewrap" });
  });

  it("that is long is cut in the evidence, so that all fit into one event (V2)", async () => {
    const command = Array(150).fill("x".repeat(1_000));

    const result = await setup({ exec: ended({ exitCode: 0 }) }).run({ command });

    expect(result.command).toEqual(Array(4).fill("x".repeat(1_000)));
  });
});

describe("a check that is a function", () => {
  it("is handed the task and the folder; what it says is evidence", async () => {
    const cwd = makeFolder();
    const seen: unknown[] = [];
    const sound: CheckFunction = (at) => {
      seen.push(at);
      return Promise.resolve({ passed: true, output: "all is well" });
    };

    const result = await setup({ checks: { sound }, cwd }).run({});

    expect(seen).toEqual([{ task, workspace: cwd, signal: expect.any(AbortSignal) }]);
    expect(result).toEqual({
      name: "sound",
      passed: true,
      durationMs: expect.any(Number),
      output: "all is well",
      outputHash: toHash("all is well"),
      isolation: "none",
    });
  });

  const thrower = (): never => {
    throw new TypeError("x is undefined");
  };
  it.each<[string, Record<string, unknown>, RegExp]>([
    ["throws", { sound: () => Promise.reject(new Error("no network")) }, /^no network$/],
    ["throws at once", { sound: thrower }, /^x is undefined$/],
    ["throws what is no text", { sound: () => Promise.reject(Object.create(null)) }, /cannot be written as text$/],
    ["says nothing", { sound: () => Promise.resolve(undefined) }, /undefined/],
    ["is not there", {}, /this worker no function of that name\.$/],
  ])("fails when it %s, and says so (V1)", async (_what, checks, output) => {
    const result = await setup({ checks: checks as Record<string, CheckFunction> }).run({});

    expect(result).toMatchObject({ passed: false, output: expect.stringMatching(output) });
  });

  it("does not pass by a name that every object inherits, or by anything but true", async () => {
    const { parts } = setup({ checks: {} });
    const yes = (() => Promise.resolve({ passed: "yes" })) as unknown as CheckFunction;

    const at = { cwd: undefined, signal: new AbortController().signal };
    expect(await runChecks(parts, [{ name: "toString" }], at)).toMatchObject([{ passed: false }]);
    expect(await setup({ checks: { sound: yes } }).run({})).toMatchObject({ passed: false });
  });

  it("fails when its time is over, also when it does not listen (V1)", async () => {
    const clock = new FakeClock();
    let signal: AbortSignal | undefined;
    const sound: CheckFunction = (at) => {
      signal = at.signal;
      return new Promise(() => {});
    };

    const running = setup({ checks: { sound }, clock }).run({});
    await clock.advance(600_000);

    expect(await running).toMatchObject({
      passed: false,
      output: "The check was ended after 10 minutes.",
      durationMs: 600_000,
    });
    expect(signal?.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("checks", () => {
  it("run one after the other, and each has its result", async () => {
    const order: string[] = [];
    const check = (name: string, passed: boolean): [string, CheckFunction] => [
      name,
      async () => {
        order.push(`${name} begins`);
        await new Promise(setImmediate);
        order.push(`${name} ends`);
        return { passed };
      },
    ];
    const { parts } = setup({ checks: Object.fromEntries([check("a", false), check("b", true)]) });

    const site = { cwd: undefined, signal: new AbortController().signal };
    const results = await runChecks(parts, [{ name: "a" }, { name: "b" }], site);

    expect(results).toMatchObject([
      { name: "a", passed: false },
      { name: "b", passed: true },
    ]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  it("of earlier journals, which say less, can be read", () => {
    const earlier = { name: "tests", passed: true, output: "ok", exitCode: 0, durationMs: 5, isolation: "none" };

    expect(CheckResult.parse(earlier)).toEqual(earlier);
    expect(CheckResult.parse({ name: "tests", passed: false })).toEqual({
      name: "tests",
      passed: false,
      isolation: "none",
    });
  });
});
