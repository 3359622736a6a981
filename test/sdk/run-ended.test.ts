import { execFile } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { RunEnded } from "../../sdk/index.ts";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";

const run = { taskId: "task_1", epoch: 2 };

describe("RunEnded", () => {
  it("says which run ended and how, and is a failure with a code", () => {
    const cause = new AionisError("EPOCH_STALE", "Epoch 2 is over.");

    const error = new RunEnded(run, { reason: "lost", why: "another claim has it", cause });

    expect(error).toMatchObject({
      ...run,
      name: "RunEnded",
      code: "RUN_ENDED",
      reason: "lost",
      retryable: false,
      cause,
    });
    expect(error.message).toBe("RUN_ENDED: The run of task_1 at epoch 2 has ended: another claim has it.");
    expect(isFailure(error, "RUN_ENDED")).toBe(true);
  });

  it("is known by a test of another copy of the package, and nothing else is", async () => {
    const copy = `${pathToFileURL(join(import.meta.dirname, "../../sdk/run-ended.ts")).href}?copy`;
    const { RunEnded: Other } = (await import(copy)) as { RunEnded: typeof RunEnded };
    const error = new Other(run, { reason: "stopped", why: "the worker was stopped" });

    expect(Other).not.toBe(RunEnded);
    expect([error instanceof RunEnded, RunEnded.is(error)]).toEqual([true, true]);
    for (const thing of [undefined, null, "RUN_ENDED", new Error("x"), { code: "RUN_ENDED" }])
      expect([(thing as unknown) instanceof RunEnded, RunEnded.is(thing)]).toEqual([false, false]);
  });
});

const sdk = pathToFileURL(join(import.meta.dirname, "../../sdk")).href;

/** Runs a program that has workers, and says how its process ended. */
async function runProgram(body: string, flags: readonly string[] = []): Promise<{ code: number; stderr: string }> {
  const program = `
    const { tolerateRunEnded } = await import("${sdk}/late-rejections.ts");
    const { RunEnded } = await import("${sdk}/run-ended.ts");
    const ended = new RunEnded({ taskId: "task_1", epoch: 1 }, { reason: "paused", why: "it is paused" });
    tolerateRunEnded();
    tolerateRunEnded();
    ${body}`;
  const argv = [...flags, "--input-type=module", "--eval", program];
  const ran = promisify(execFile)(process.execPath, argv, { timeout: 30_000 });
  return await ran.then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );
}

describe("a rejection that nothing handles", () => {
  it("neither ends the process nor warns when a run's end is its reason, also when it is handled late", async () => {
    const ended = await runProgram(`
      const branch = Promise.reject(ended);
      await new Promise(setImmediate);
      await branch.catch(() => {});
      Promise.reject(ended);
      await new Promise(setImmediate);`);

    expect(ended).toEqual({ code: 0, stderr: "" });
  });

  it("neither ends the process nor warns when its reason was made from the end of a run", async () => {
    const ended = await runProgram(`
      Promise.reject(new Error("It could not be read", { cause: ended }));
      void Promise.any([Promise.reject(ended), Promise.reject(ended)]);
      Promise.reject(new SuppressedError(new Error("The lock is gone"), ended));
      await new Promise(setImmediate);`);

    expect(ended).toEqual({ code: 0, stderr: "" });
  });

  it("ends the process as ever for any other reason", async () => {
    const [error, text] = await Promise.all([
      runProgram('Promise.reject(new TypeError("a bug")); setTimeout(() => {}, 60_000);'),
      runProgram('Promise.reject("a text"); setTimeout(() => {}, 60_000);'),
    ]);

    expect(error).toMatchObject({ code: 1, stderr: expect.stringContaining("TypeError: a bug") });
    expect(text).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_UNHANDLED_REJECTION") });
  });

  it("is left to the program where it has a listener or a mode of its own", async () => {
    const [listener, mode] = await Promise.all([
      runProgram(`
        process.on("unhandledRejection", (reason) => console.error("own " + reason.message));
        Promise.reject(new Error("a bug"));`),
      runProgram('Promise.reject(new Error("a bug"));', ["--unhandled-rejections=none"]),
    ]);

    expect(listener).toEqual({ code: 0, stderr: "own a bug\n" });
    expect(mode).toEqual({ code: 0, stderr: "" });
  });
});
