import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createActor, createMachine } from "xstate";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { type Connection, type CreateRuntimeOptions, connect, createRuntime } from "../../src/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { startProgram } from "../support/programs.ts";
import { ask, toSocketUrl, view } from "./server-support.ts";

async function startRuntime(options: Partial<CreateRuntimeOptions> = {}) {
  const path = mkdtempSync(join(tmpdir(), "aionis-inspect-"));
  const runtime = await createRuntime({ path, scope: "acme/billing", durability: "process", inspect: {}, ...options });
  onTestFinished(async () => {
    await runtime.close();
    rmSync(path, { recursive: true, force: true });
  });
  return { runtime, url: runtime.inspectUrl ?? "", path };
}

/** An author hands over to a reviewer, who completes. Resolves when that is recorded. */
async function workTogether(runtime: Connection): Promise<string> {
  const authors = runtime.worker({ agent: "ann", roles: ["author"] }, async (_task, ctx) => {
    const brief = await ctx.step("draft", () => "We retry 3 times.");
    return ctx.handoff({ to: { role: "reviewer" }, brief, nextAction: "check the number" });
  });
  const reviewers = runtime.worker({ agent: "rob", roles: ["reviewer"] }, (_task, ctx) =>
    ctx.complete({ summary: "3 it is" }),
  );
  const { taskId } = await runtime.tasks.start({ brief: "Say how often we retry", to: { role: "author" } });
  await runtime.tasks.result(taskId);
  await Promise.all([authors.drain(), reviewers.drain()]);
  return taskId;
}

/** The real receiver, in a process of its own, which has connected. */
async function startReceiver(url: string, runtime: Connection) {
  const script = join(import.meta.dirname, "receiver-program.ts");
  const program = startProgram({ script, args: [toSocketUrl(url)], atEnd: onTestFinished });
  const messages = (): InspectionMessage[] =>
    program
      .stdout()
      .split("\n")
      .slice(0, -1) // the last one is still being written
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line) as InspectionMessage); // its format
  const first = await runtime.tasks.start({ brief: "somebody looks", claimableAt: 4_000_000_000_000 });
  await until(() => messages().some(({ sessionId }) => sessionId === `task:${first.taskId}`));
  return { messages };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 10)); // the test's own time bounds it
}

const isOf = (taskId: string) => (message: InspectionMessage) => message.sessionId === `task:${taskId}`;
const toLine = (message: InspectionMessage): string =>
  message.type === "@xstate.event"
    ? `${message.event.type} by ${message.sourceId}`
    : `${message.type} ${JSON.stringify(message.snapshot.value)}`;

describe("createWebSocketReceiver of @statelyai/inspect", () => {
  it("gets every message of two workers and a handoff between them, in order, in another process", async () => {
    const { runtime, url } = await startRuntime();
    const receiver = await startReceiver(url, runtime);

    const taskId = await workTogether(runtime);
    await until(() =>
      receiver
        .messages()
        .some((message) => isOf(taskId)(message) && /^@xstate\.snapshot .*succeeded/.test(toLine(message))),
    );

    const messages = receiver.messages();
    const lines = messages.filter(isOf(taskId)).map(toLine);
    const { events } = await runtime.events.read({ taskId: taskId as `task_${string}` });
    expect(lines[0]).toMatch(/^@xstate\.actor /);
    expect(lines.filter((line) => !line.startsWith("@"))).toEqual(
      events.map(({ type, by }) => `${type} by agent:${by}`),
    );
    const states = ["running", "handoff", "running", "succeeded"];
    const seen = lines.filter((line) => line.startsWith("@xstate.snapshot")).map((line) => line.slice(17));
    for (const state of states) {
      const at = seen.findIndex((line) => line.includes(state));
      expect(at, `${state} in ${lines.join("\n")}`).toBeGreaterThanOrEqual(0);
      seen.splice(0, at + 1);
    }
    const registered = new Set<string>();
    for (const { type, sessionId } of messages) {
      if (type === "@xstate.actor") registered.add(sessionId);
      expect(registered, sessionId).toContain(sessionId);
    }
    expect([...registered]).toEqual(expect.arrayContaining(["agent:ann", "agent:rob", "agent:embedded"]));
  });

  it("joins late and is told where every actor stands", async () => {
    const { runtime, url } = await startRuntime();
    const { taskId } = await runtime.tasks.start({ brief: "Count" });
    await runtime.tasks.claim({ taskId }, { agent: "ann" });

    const { messages } = await view(url);
    const light = createActor(
      createMachine({ id: "light", initial: "red", states: { red: { on: { next: "green" } }, green: {} } }),
      {
        inspect: runtime.inspect,
      },
    ).start();
    light.send({ type: "next" });
    await until(() => messages.some((message) => toLine(message) === '@xstate.snapshot "green"'));

    const [first] = messages.filter(isOf(taskId));
    expect(first).toMatchObject({
      type: "@xstate.actor",
      name: expect.stringContaining("Count"),
      snapshot: { value: { running: "working" } },
    });
  });
});

describeNats("the page of a runtime on NATS", (binary) => {
  it("shows live actors of other machines", async ({ onTestFinished: atEnd }) => {
    const { url: servers } = await startNatsServer({ binary, atEnd });
    const { url } = await startRuntime({ nats: { servers } });
    await using other = await connect({ servers, scope: "acme/billing", agent: "mia" });
    const { messages } = await view(url);

    createActor(createMachine({ id: "light", initial: "red", states: { red: {} } }), {
      inspect: other.inspect,
    }).start();

    await until(() => messages.some((message) => message.type === "@xstate.actor" && message.name === "light"));
    expect(messages.filter(({ sessionId }) => sessionId.startsWith("mia-"))).not.toEqual([]);
  });
});

describe("createRuntime({ inspect })", () => {
  it("closes its viewers and gives the port back with the runtime", async () => {
    const { runtime, url } = await startRuntime();
    const viewer = await view(url);

    await runtime.close();

    await expect(viewer.closed).resolves.toMatchObject({ code: 1001 });
    await expect(ask(url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("fails with TRANSPORT_IN_USE and leaves nothing open", async () => {
    const { url } = await startRuntime();
    const path = mkdtempSync(join(tmpdir(), "aionis-inspect-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    const port = Number(new URL(url).port);

    await expect(createRuntime({ path, scope: "acme/billing", inspect: { port } })).rejects.toMatchObject({
      code: "TRANSPORT_IN_USE",
    });

    await (await createRuntime({ path, scope: "acme/billing" })).close(); // nobody holds the store
  });

  it("has no address without it", async () => {
    const path = mkdtempSync(join(tmpdir(), "aionis-inspect-"));
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    await using runtime = await createRuntime({ path, scope: "acme/billing" });

    expect(runtime.inspectUrl).toBeUndefined();
  });
});
