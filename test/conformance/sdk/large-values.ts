import { describe, expect, it } from "vitest";
import { limits } from "../../../src/contracts/limits.ts";
import { ended, reached, type Setup, start } from "./fabric.ts";

const nested = (depth: number): unknown => (depth === 0 ? 0 : { in: nested(depth - 1) });
const wide = (values: number): number[] => new Array<number>(values).fill(1);
const throwing = {
  get total(): number {
    throw new Error("It is not loaded");
  },
};

/** What all pages hold, each from where the one before it says. */
async function readAll<Item>(
  read: (from: number | undefined) => Promise<{ items: Item[]; next: number | undefined }>,
): Promise<Item[]> {
  const all: Item[] = [];
  for (let from: number | undefined; ; ) {
    const { items, next } = await read(from);
    all.push(...items);
    if (next === undefined) return all;
    from = next;
  }
}

/** What a journal cannot take, and what the question says of it. */
const unstorable: [string, () => unknown, RegExp][] = [
  ["too long", () => "x".repeat(limits.bodyBytes + 1), /charge cannot be stored\. .* bytes/],
  ["too long for a message", () => "x".repeat(limits.messageBytes + 1), /charge cannot be stored\. .* bytes/],
  ["too deep", () => nested(limits.messageDepth), /charge cannot be stored\. .* levels/],
  ["too wide", () => wide(limits.messageValues), /charge cannot be stored\. .* values/],
  ["unreadable", () => throwing, /charge: total cannot be read: It is not loaded\./],
  ["sparse", () => Object.assign([], { length: 2 ** 32 - 1 }), /more than 200000 values/],
];

export function describeLargeValues(setup: Setup): void {
  describe("values over a limit", () => {
    it.each(unstorable)(
      "as a step's output are %s, and the step is not repeated: the task waits",
      async (_, give, says) => {
        const { client, work } = await setup();
        let charged = 0;
        work({}, async (_task, ctx) => {
          return await ctx.step("charge", () => {
            charged += 1;
            return give();
          });
        });
        const taskId = await start(client);
        await reached(client, taskId, "paused");
        const { content } = await client.tasks.get({ taskId });

        await client.tasks.answer({ taskId, pauseId: content.pauses[0]!.pauseId, answer: { output: "paid" } });

        expect(content.pauses[0]?.question).toMatch(says);
        expect(content.pauses[0]?.question).toMatch(/The step was done, and is not run again by itself/);
        expect((await ended(client, taskId)).outcome).toMatchObject({ data: "paid" });
        expect(charged).toBe(1);
      },
    );

    it.each<[string, object, string]>([
      ["an input that is too long", { input: "x".repeat(limits.bodyBytes) }, "MESSAGE_TOO_LARGE"],
      ["an input that is too deep", { input: nested(limits.messageDepth - 2) }, "MESSAGE_TOO_LARGE"],
      ["an input that is too wide", { input: wide(limits.messageValues) }, "MESSAGE_TOO_LARGE"],
      ["too many files", { files: new Array(limits.listItems + 1).fill("a") }, "INPUT_INVALID"],
      ["a file without a name", { files: [""] }, "INPUT_INVALID"],
    ])("keep a step from being run: %s", async (_, options, code) => {
      const { client, work } = await setup();
      let ran = 0;
      let refused: unknown;
      work({}, async (_task, ctx) => {
        await ctx
          .step("charge", options, () => ran++)
          .catch((error: unknown) => {
            refused = error;
          });
      });

      await ended(client, await start(client));

      expect(refused).toMatchObject({ code });
      expect(ran).toBe(0);
    });

    it("are none for what was recorded: the next run and every reader get it back", async () => {
      const { client, work } = await setup();
      const input = nested(limits.messageDepth - 3);
      let ran = 0;
      work({}, async (task, ctx) => {
        const sums: number[] = [];
        for (const part of [1, 2, 3]) {
          const rows = await ctx.step(`load ${part}`, { input }, () => {
            ran += 1;
            return wide(limits.messageValues * 0.9);
          });
          sums.push(rows.length);
        }
        if (task.attempt === 1) throw new Error("after the steps");
        return sums;
      });
      const data = nested(limits.messageDepth - 2);

      const { taskId } = await client.tasks.start({ brief: "Load", data, retry: { backoffMs: 1 } });

      const count = limits.messageValues * 0.9;
      expect(await ended(client, taskId)).toMatchObject({
        task: { state: "succeeded" },
        outcome: { data: [count, count, count] },
      });
      expect(ran).toBe(3);
      expect((await client.tasks.get({ taskId })).content.data).toEqual(data);
      expect(
        await readAll(async (after) => {
          const { steps, next } = await client.tasks.steps({ taskId, after });
          return { items: steps.map(({ name }) => name), next };
        }),
      ).toEqual(["load 1", "load 2", "load 3"]);
      const types = await readAll(async (from = 1) => {
        const { events, next, head } = await client.events.read({ taskId, from });
        return { items: events.map(({ type }) => type), next: next > head ? undefined : next };
      });
      expect(types.length).toBeGreaterThan(5);
    });
  });
}
