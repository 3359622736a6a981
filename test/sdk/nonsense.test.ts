import { describe, expect, it, onTestFinished } from "vitest";
import { defineTool, type RunContext, RunEnded } from "../../sdk/index.ts";
import { AionisError, isFailure } from "../../src/contracts/failures.ts";
import { toJsonSchemas } from "../../src/index.ts";
import { createTestRuntime } from "../../src/testing.ts";

type AnyCall = (...given: unknown[]) => unknown;

const nonsense: [string, unknown][] = [
  ["null", null],
  ["a number", 5],
  ["a text", "text"],
  ["a list", [5]],
  ["a function", () => 5],
  ["an unknown field", { unknown: 1 }],
];

/** Each call of a context, with what is given in one place of it. */
const calls: Record<string, (ctx: RunContext, value: unknown) => unknown> = {
  "ctx.delegate": (ctx, value) => (ctx.delegate as AnyCall)(value),
  "ctx.complete": (ctx, value) => (ctx.complete as AnyCall)(value),
  "ctx.handoff": (ctx, value) => (ctx.handoff as AnyCall)(value),
  "ctx.fail's options": (ctx, value) => (ctx.fail as AnyCall)("it broke", value),
  "ctx.guidance": (ctx, value) => (ctx.guidance as AnyCall)(value),
  "ctx.tool's tool": (ctx, value) => (ctx.tool as AnyCall)("use", value, {}),
  "ctx.tool's options": (ctx, value) => (ctx.tool as AnyCall)("use", "nothing", {}, value),
  "ctx.step's options": (ctx, value) => (ctx.step as AnyCall)("do", value, value),
  "ctx.run's options": (ctx, value) => (ctx.run as AnyCall)("do", ["true"], value),
  "ctx.pause": (ctx, value) => (ctx.pause as AnyCall)(value),
};

/** A value that a call takes as what it is. */
const isTaken = (name: string, value: unknown): boolean => name.startsWith("ctx.step") && typeof value === "function";

async function setup() {
  const runtime = await createTestRuntime();
  onTestFinished(() => runtime.close());
  return runtime.connect("tester");
}

describe("nonsense", () => {
  it.each(Object.entries(calls))(
    "given to %s is a failure of ours that can be told by its code",
    async (name, call) => {
      const connection = await setup();
      const said: [string, unknown][] = [];
      connection.worker({ agent: "worker" }, async (_task, ctx) => {
        for (const [what, value] of nonsense) {
          if (isTaken(name, value)) continue;
          await Promise.resolve(call(ctx, value)).then(
            () => said.push([what, "it was taken"]),
            (error: unknown) => said.push([what, error]),
          );
        }
      });

      const { taskId } = await connection.tasks.start({ brief: "Try" });
      await connection.tasks.result(taskId);

      expect(said.length).toBeGreaterThan(4);
      for (const [what, error] of said) {
        expect(error, `${name}: ${what}`).toBeInstanceOf(AionisError);
        expect(RunEnded.is(error), `${name}: ${what}`).toBe(false);
        expect(isFailure(error, "INPUT_INVALID", "TOOL_UNAVAILABLE", "VALUE_INVALID"), `${name}: ${what}`).toBe(true);
      }
    },
  );

  it.each<[string, (connection: Awaited<ReturnType<typeof setup>>, value: never) => unknown]>([
    ["events.subscribe", ({ events }, value) => events.subscribe(value).next()],
    ["events.subscribe's options", ({ events }, value) => events.subscribe({}, value).next()],
    ["delegationRecords.subscribe", ({ delegationRecords }, value) => delegationRecords.subscribe(value).next()],
    ["tasks.result", ({ tasks }, value) => tasks.result(value)],
    ["memory.importGit's options", ({ memory }, value) => memory.importGit("/nowhere", value)],
  ])("given to %s is a failure of ours, too", async (name, call) => {
    const connection = await setup();

    for (const [what, value] of nonsense) {
      const called = (async () => await call(connection, value as never))();
      await expect(called, `${name}: ${what}`).rejects.toBeInstanceOf(AionisError);
    }
  });

  it.each<[string, (value: never) => unknown]>([
    ["defineTool", (value) => defineTool(value)],
    ["toJsonSchemas", (value) => toJsonSchemas(value)],
  ])("given to %s is a failure of ours as well", (name, call) => {
    for (const [what, value] of [...nonsense, ["nothing", undefined] as const])
      expect(() => call(value as never), `${name}: ${what}`).toThrow(AionisError);
  });
});

describe("a signal", () => {
  it("ends what follows events and waits for results, with its reason", async () => {
    const connection = await setup();
    const { taskId } = await connection.tasks.start({ brief: "Wait" });
    const giving = new AbortController();
    const { signal } = giving;
    const waiting = [
      connection.events.subscribe({}, { signal }).next(),
      connection.delegationRecords.subscribe({}, { signal }).next(),
      connection.tasks.result(taskId, { signal }),
    ];

    giving.abort(new Error("no longer"));

    for (const each of await Promise.allSettled(waiting))
      expect(each).toMatchObject({ status: "rejected", reason: { message: "no longer" } });
  });
});
