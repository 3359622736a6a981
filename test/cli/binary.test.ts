import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Connection, createRuntime } from "../../src/index.ts";
import { makeFolder, runBinary, startBinary, startBinaryAfter, startPlainBinary } from "./support.ts";

async function firstTask(runtime: Connection): Promise<string> {
  const { tasks } = await runtime.tasks.list();
  return tasks[0]?.id ?? "";
}

describe("the binary", () => {
  it("does a task's work from process to process, the store being held by none in between", async () => {
    const folder = makeFolder();
    const aionis = (...args: string[]) => runBinary(folder, args);

    const started = await aionis("task", "start", "Fix it", "--json");
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    const claimed = await aionis("task", "claim", taskId, "--agent", "a", "--json");
    const paused = await aionis("task", "pause", taskId, "--epoch", "1", "--question", "Go?", "--agent", "a");
    const explained = await aionis("task", "explain", taskId);
    const answered = await aionis("task", "answer", taskId, "yes");
    const cancelled = await aionis("task", "cancel", taskId);
    const verified = await aionis("verify");

    expect(JSON.parse(claimed.stdout)).toMatchObject({ assignment: { taskId, epoch: 1 } });
    expect(explained.stdout).toContain("It waits for an answer by anyone.");
    const codes = [started, claimed, paused, explained, answered, cancelled, verified].map(({ code }) => code);
    expect(codes).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect(verified.stdout).toBe("ok: 5 events, 1 tasks\n");
  });

  it("runs a worker in TypeScript, started as in a checkout", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "worker.ts"), "export default (task: { brief: string }) => 'did: ' + task.brief;\n");
    const serve = startBinary(folder, ["serve"]);
    await serve.saw("Serving");

    const started = await startPlainBinary(folder, ["task", "start", "Fix it", "--json"]).ended;
    const worker = startPlainBinary(folder, ["worker", "worker.ts"]);
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    const watched = await runBinary(folder, ["task", "watch", taskId, "--until-ended", "--json"]);
    worker.interrupt();

    expect(JSON.parse(watched.stdout)).toMatchObject({ content: { outcome: { data: "did: Fix it" } } });
    expect((await worker.ended).code).toBe(0);
  });

  it.skipIf(!existsSync("/dev/full"))("ends with a failure when its answer could not be written", async () => {
    const folder = makeFolder();
    await runBinary(folder, ["task", "start", "Fix it"]);

    for (const args of [
      ["events", "read", "--json"],
      ["task", "ls"],
      ["--help"],
      ["--version"],
      ["task", "start", "Another"],
      ["events", "tail", "--from", "1"],
      ["inspect"],
    ]) {
      const { code, stderr } = await startBinaryAfter("exec >/dev/full", folder, args).ended;

      expect({ args, code }).toEqual({ args, code: 1 });
      expect(stderr).toMatch(/OUTPUT_FAILED.*The answer could not be written: ENOSPC/);
    }
  });

  it("reaches the process that holds the store over its socket", async () => {
    const folder = makeFolder();
    const runtime = await createRuntime({ path: join(folder, ".aionis"), scope: "acme/billing" });
    onTestFinished(() => runtime.close());

    const { code, stdout } = await runBinary(folder, [
      "task",
      "start",
      "from outside",
      "--scope",
      "acme/billing",
      "--json",
    ]);

    expect(code).toBe(0);
    const { taskId } = JSON.parse(stdout) as { taskId: `task_${string}` };
    expect((await runtime.tasks.get({ taskId })).content.brief).toBe("from outside");
  });

  it("takes turns when several start at once in a folder that nobody serves", async () => {
    const folder = makeFolder();

    const results = await Promise.all(
      ["a", "b", "c", "d"].map((brief) => runBinary(folder, ["task", "start", brief, "--timeout", "20s"])),
    );

    expect(results.map(({ code, stderr }) => ({ code, stderr }))).toEqual(results.map(() => ({ code: 0, stderr: "" })));
    const { stdout } = await runBinary(folder, ["status", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ head: 4 });
  });

  it("follows the journal until Ctrl-C, which ends it with 0", async () => {
    const folder = makeFolder();
    await runBinary(folder, ["task", "start", "one"]);
    const tail = startBinary(folder, ["events", "tail", "--from", "1"]);
    await tail.saw("task.created");

    const { code } = await runBinary(folder, ["task", "start", "two", "--kind", "second"]);
    await tail.saw("kind=second");
    tail.interrupt();

    expect(code).toBe(0);
    expect(await tail.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("ends with the exit code that a failure's status gives", async () => {
    const folder = makeFolder();

    const [version, usage, notFound, unreachable] = await Promise.all([
      runBinary(folder, ["--version"]),
      runBinary(folder, ["task", "nonsense"]),
      runBinary(folder, ["task", "ls"]),
      runBinary(folder, ["task", "get", "task_00000000000000000000", "--json"]),
    ]);

    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(usage.code).toBe(2);
    expect(notFound.code).toBe(3);
    expect(JSON.parse(unreachable.stderr)).toMatchObject({ code: "STORE_NOT_FOUND", status: 404 });
  });

  it("ends a waiting claim within moments of Ctrl-C, with 130", async () => {
    const folder = makeFolder();
    const runtime = await createRuntime({ path: join(folder, ".aionis"), scope: "acme/billing" });
    onTestFinished(() => runtime.close());
    await runtime.tasks.start({ brief: "not yet", claimableAt: 4_000_000_000_000 });
    const claim = startBinary(folder, ["task", "claim", "--wait-ms", "30s", "--scope", "acme/billing"]);
    const tail = startBinary(folder, ["task", "watch", await firstTask(runtime), "--scope", "acme/billing"]);
    await tail.saw("start");

    claim.interrupt();
    tail.interrupt();

    expect(await tail.ended).toMatchObject({ code: 130, stderr: "" });
    const { code } = await claim.ended;
    expect([130, null]).toContain(code); // null: the signal came before the program had loaded
  });

  it("is not disturbed by a reader that goes away", async () => {
    const folder = makeFolder();
    await runBinary(folder, ["task", "start", "-"], "x".repeat(1_000_000));
    const read = startBinary(folder, ["events", "read", "--json"]);

    read.hangUp();

    expect(await read.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("reads a brief from stdin", async () => {
    const folder = makeFolder();

    const { code } = await runBinary(folder, ["task", "start", "-"], "from a pipe");
    const { stdout } = await runBinary(folder, ["task", "ls", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tasks: [{ title: "from a pipe" }] });
  });
});
