import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createActor, createMachine } from "xstate";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { createRuntime } from "../../src/index.ts";
import { view } from "../inspect/server-support.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { patienceMs } from "../support/patience.ts";
import { makeFolder, runBinary, setupCli, setupServed, startBinary, startCli, startTask } from "./support.ts";

const never = 4_000_000_000_000;

/** Starts `aionis inspect` in this process. */
async function startInspect(folder: string, args: readonly string[] = []) {
  const cli = startCli(folder, ["inspect", "--json", ...args]);
  const printed = await Promise.race([cli.lines.next(), cli.code.then((code) => ({ value: cli.stderr.text + code }))]);
  const { url, scope } = JSON.parse(String(printed.value)) as { url: string; scope: string };
  return { ...cli, url, scope };
}

const served = ["--scope", "local/served"];

const toWord = (message: InspectionMessage): string =>
  message.type === "@xstate.event" ? message.event.type : message.type;
const wordsOf = (messages: readonly InspectionMessage[], taskId: string): string[] =>
  messages.filter(({ sessionId }) => sessionId === `task:${taskId}`).map(toWord);

describe("inspect", () => {
  it("shows open tasks and what becomes of them until Ctrl-C, which ends its viewers and it with 0", async () => {
    const { runtime, folder } = await setupServed();
    const { taskId } = await runtime.tasks.start({ brief: "Look at this" });
    const cli = await startInspect(folder, served);
    const viewer = await view(cli.url);
    await viewer.came(1);

    await runtime.tasks.cancel({ taskId });
    await vi.waitFor(() => expect(wordsOf(viewer.messages, taskId)).toContain("@xstate.snapshot"), {
      timeout: patienceMs,
    });
    cli.interrupt();

    await expect(cli.code).resolves.toBe(0);
    await expect(viewer.closed).resolves.toMatchObject({ code: 1001 });
    expect(wordsOf(viewer.messages, taskId)).toEqual(["@xstate.actor", "task.cancelled", "@xstate.snapshot"]);
    expect(cli.scope).toBe("local/served");
    expect(cli.stderr.text).toBe("");
  });

  it("shows the live actors of other processes", async () => {
    const { runtime, folder } = await setupServed();
    const light = createMachine({ id: "light", initial: "red", states: { red: { on: { next: "green" } }, green: {} } });
    const actor = createActor(light, { inspect: runtime.inspect }).start();
    const cli = await startInspect(folder, served);
    const { messages } = await view(cli.url);
    await vi.waitFor(() => expect(messages).toContainEqual(expect.objectContaining({ name: "light" })), {
      timeout: patienceMs,
    });

    actor.send({ type: "next" });

    await vi.waitFor(() => expect(messages.map(toWord)).toContain("next"), { timeout: patienceMs });
    cli.interrupt();
    await expect(cli.code).resolves.toBe(0);
  });

  it("replays a task that has ended and says that this is all; one that is open is followed", async () => {
    const { runtime, folder } = await setupServed();
    const ended = await startTask(runtime);
    await runtime.tasks.cancel({ taskId: ended as `task_${string}` });
    const { taskId: open } = await runtime.tasks.start({ brief: "open" });
    const past = await view((await startInspect(folder, [...served, "--task", ended, "--speed", "1000"])).url);
    const { url } = await startInspect(folder, [...served, "--task", open]);
    const present = await view(url);
    await vi.waitFor(() => expect(wordsOf(present.messages, open)).toContain("task.created"));

    await runtime.tasks.cancel({ taskId: open });

    await expect(past.closed).resolves.toEqual({ code: 1000, reason: "This is all that was recorded." });
    expect(wordsOf(past.messages, ended)).toEqual([
      "@xstate.actor",
      "task.created",
      "@xstate.snapshot",
      "task.cancelled",
      "@xstate.snapshot",
    ]);
    expect(past.messages.filter(({ sessionId }) => sessionId === `task:${open}`)).toEqual([]);
    await vi.waitFor(() => expect(wordsOf(present.messages, open)).toContain("task.cancelled"), {
      timeout: patienceMs,
    });
  });

  it("replays from a sequence on and ends there with --no-follow", async () => {
    const { runtime, folder } = await setupServed();
    const first = await startTask(runtime);
    const second = await startTask(runtime);
    const cli = await startInspect(folder, [...served, "--from", "2", "--no-follow"]);

    const { closed, messages } = await view(cli.url);

    expect((await closed).code).toBe(1000);
    expect(wordsOf(messages, first)).toEqual([]);
    expect(wordsOf(messages, second)).toContain("task.created");
  });

  it("sends a viewer away for good whose sequence is past the journal", async () => {
    const { folder } = await setupServed();
    const cli = await startInspect(folder, [...served, "--from", "7"]);

    const { closed } = await view(cli.url);

    expect((await closed).code).toBe(4000);
  });

  it("holds no store while it waits, and shows what others record in the meantime", async () => {
    const folder = makeFolder();
    const { run } = setupCli(folder);
    await run(["task", "start", "one"]);
    const cli = await startInspect(folder);
    const viewer = await view(cli.url);
    await viewer.came(1);

    const { code } = await run(["task", "start", "two"]);
    await vi.waitFor(() => expect(viewer.messages.map(toWord)).toContain("task.created"), { timeout: patienceMs });
    cli.interrupt();

    expect(code).toBe(0);
    await expect(cli.code).resolves.toBe(0);
  });

  it("goes on when the runtime is started anew", async () => {
    const { runtime, folder } = await setupServed();
    await runtime.tasks.start({ brief: "before", claimableAt: never });
    const cli = await startInspect(folder, served);
    const viewer = await view(cli.url);
    await viewer.came(1);

    await runtime.close();
    await using again = await createRuntime({ path: join(folder, ".aionis"), scope: "local/served" });
    const after = await startTask(again);

    await vi.waitFor(() => expect(wordsOf(viewer.messages, after)).toContain("task.created"), { timeout: patienceMs });
    cli.interrupt();
    await expect(cli.code).resolves.toBe(0);
  });

  it("ends at Ctrl-C as a program, too", async () => {
    const folder = makeFolder();
    await runBinary(folder, ["task", "start", "one"]);
    const inspect = startBinary(folder, ["inspect"]);
    const [url = ""] = /http:\S+/.exec(await inspect.saw("token=")) ?? [];
    const viewer = await view(url);
    await viewer.came(1);

    inspect.interrupt();

    expect(await inspect.ended).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Inspecting local\/\S+ at http:\S+\n$/),
      stderr: "",
    });
  });

  it.each([
    { args: ["--task", "x"], says: '--task is "x", which is no task\'s id' },
    { args: ["--from", "0"], says: "--from is a whole number from 1 on" },
    { args: ["--from", "x"], says: "It is not a number" },
    { args: ["--from", "1", "--speed", "0"], says: "--speed is a number over 0" },
    { args: ["--speed", "2"], says: "add --from or --task" },
    { args: ["--port", "65536"], says: "which is no port" },
    { args: ["--stately-url", "http://stately.ai/inspect"], says: "must be https, or http on this machine" },
  ])("refuses $args", async ({ args, says }) => {
    const { run } = await setupServed();

    const { code, stdout, stderr } = await run(["inspect", ...args]);

    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(says);
  });

  it("fails with 3 where there is no store or task, and makes none; with 5 on a port that is used", async () => {
    const { run, folder } = setupCli();
    const there = await setupServed();
    const { url } = await startInspect(there.folder, served);

    const noStore = await run(["inspect"]);
    const noTask = await there.run(["inspect", "--task", "task_00000000000000000000"]);
    const noPort = await there.run(["inspect", "--port", new URL(url).port]);

    expect([noStore.code, noTask.code, noPort.code]).toEqual([3, 3, 5]);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
    expect(noPort.stderr).toMatch(
      /^TRANSPORT_IN_USE: Port \d+ of 127\.0\.0\.1 is used by another program: give another port/,
    );
  });
});

describeNats("inspect over NATS", (binary) => {
  it("shows tasks, and live actors of other machines", async ({ onTestFinished }) => {
    const nats = await startNatsServer({ binary, atEnd: onTestFinished });
    const { runtime } = await setupServed({ nats: { servers: nats.url } });
    const taskId = await startTask(runtime);
    const cli = await startInspect(makeFolder(), [...served, "--nats", nats.url]);

    const { messages } = await view(cli.url);

    await vi.waitFor(() => expect(messages).toContainEqual(expect.objectContaining({ name: "persistence" })), {
      timeout: patienceMs,
    });
    await vi.waitFor(() => expect(wordsOf(messages, taskId)).toEqual(["@xstate.actor"]));
    cli.interrupt();
    await expect(cli.code).resolves.toBe(0);
  });
});
