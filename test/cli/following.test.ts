import { describe, expect, it } from "vitest";
import { makeFolder, setupCli, setupServed, startCli, startTask } from "./support.ts";

describe("following", () => {
  it("prints past and coming events, and ends with 0 at Ctrl-C", async () => {
    const { runtime, folder } = await setupServed();
    const first = await startTask(runtime);

    const tail = startCli(folder, ["events", "tail", "--from", "1", "--scope", "local/served", "--json"]);
    const past = await tail.lines.next();
    await runtime.tasks.cancel({ taskId: first as `task_${string}` });
    const coming = await tail.lines.next();
    tail.interrupt();

    expect(JSON.parse(String(past.value))).toMatchObject({ type: "task.created", taskId: first });
    expect(JSON.parse(String(coming.value))).toMatchObject({ type: "task.cancelled" });
    await expect(tail.code).resolves.toBe(0);
  });

  it("holds no store while it waits, and sees what others record in the meantime", async () => {
    const folder = makeFolder();
    const { run } = setupCli(folder);
    await run(["task", "start", "one"]);
    const tail = startCli(folder, ["events", "tail", "--from", "1", "--json"]);
    await tail.lines.next();

    const { code } = await run(["task", "start", "two"]);
    const coming = await tail.lines.next();
    tail.interrupt();

    expect(code).toBe(0);
    expect(JSON.parse(String(coming.value))).toMatchObject({ seq: 2, body: { brief: "two" } });
    await expect(tail.code).resolves.toBe(0);
  });

  it("ends when nobody reads any more", async () => {
    const { runtime, folder } = await setupServed();
    await startTask(runtime);
    const tail = startCli(folder, ["events", "tail", "--from", "1", "--scope", "local/served"]);
    await tail.lines.next();

    tail.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));

    await expect(tail.code).resolves.toBe(0);
    expect(tail.stderr.text).toBe("");
  });

  it("watches a task until it has ended; one that was cancelled is 1", async () => {
    const { runtime, folder } = await setupServed();
    const taskId = (await startTask(runtime)) as `task_${string}`;
    const watch = startCli(folder, ["task", "watch", taskId, "--scope", "local/served", "--json"]);

    const now = await watch.lines.next();
    await runtime.tasks.cancel({ taskId });
    const end = await watch.lines.next();

    expect(JSON.parse(String(now.value))).toMatchObject({ hasEnded: false, task: { state: "start" } });
    expect(JSON.parse(String(end.value))).toMatchObject({ hasEnded: true, task: { state: "cancelled" } });
    await expect(watch.code).resolves.toBe(1);
  });

  it("ends a watch with 130 at Ctrl-C, for its result was awaited", async () => {
    const { runtime, folder } = await setupServed();
    const taskId = await startTask(runtime);
    const watch = startCli(folder, ["task", "watch", taskId, "--scope", "local/served"]);
    await watch.lines.next();

    watch.interrupt();

    await expect(watch.code).resolves.toBe(130);
  });

  it("ends a waiting claim with 130 at Ctrl-C, and says how to repeat it", async () => {
    const { folder } = await setupServed();
    const claim = startCli(folder, [
      "task",
      "claim",
      "--wait-ms",
      "30s",
      "--scope",
      "local/served",
      "--command-id",
      "c1",
    ]);

    await claim.listening;
    claim.interrupt();

    await expect(claim.code).resolves.toBe(130);
    expect(claim.stderr.text).toContain("--command-id c1");
  });
});
