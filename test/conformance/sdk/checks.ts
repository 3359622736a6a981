import { describe, expect, it } from "vitest";
import { isFailure } from "../../../src/index.ts";
import { ended, journal, type Setup, start } from "./fabric.ts";

const passing = [process.execPath, "-e", "console.log('all green')"];
const failing = [process.execPath, "-e", "console.error('1 failed'); process.exit(1)"];

export function describeChecks(setup: Setup): void {
  describe("checks", () => {
    it("that are commands run before the task is done, and their output is evidence", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.complete({ summary: "Done", checks: [{ name: "tests", command: passing }] }));

      const taskId = await start(client, { checks: [{ name: "style", command: passing }] });

      expect((await ended(client, taskId)).task).toMatchObject({ state: "succeeded", verified: true });
      expect(await journal(client, taskId, "checks.passed")).toMatchObject([
        {
          body: {
            results: [
              { name: "style", passed: true, exitCode: 0, isolation: "none" },
              {
                ...{ name: "tests", passed: true, command: passing, cwd: process.cwd(), ended: "exit" },
                ...{ output: "all green\n", outputHash: expect.stringMatching(/^[0-9a-f]{64}$/) },
              },
            ],
          },
        },
      ]);
    });

    it("that fail leave the run on with CHECKS_FAILED, and may pass the next time", async () => {
      const { client, work } = await setup();
      let isFixed = false;
      const checks = { sound: () => Promise.resolve({ passed: isFixed, output: isFixed ? "sound" : "hollow" }) };
      const caught: unknown[] = [];
      work({ checks }, async (_task, ctx) => {
        try {
          await ctx.complete();
        } catch (error) {
          if (!isFailure(error, "CHECKS_FAILED")) throw error;
          caught.push(error.facts.results, error.detail);
        }
        await ctx.step("fix", () => {
          isFixed = true;
        });
        await ctx.complete({ summary: "Now" });
      });

      const taskId = await start(client, { checks: [{ name: "sound" }] });

      expect((await ended(client, taskId)).outcome).toMatchObject({ summary: "Now" });
      expect(caught).toMatchObject([
        [{ name: "sound", passed: false, output: "hollow" }],
        expect.stringMatching(/sound/),
      ]);
      expect((await journal(client, taskId)).map(({ type }) => type)).toEqual([
        "task.created",
        "task.claimed",
        "task.completed",
        "checks.failed",
        "step.succeeded",
        "task.completed",
        "checks.passed",
      ]);
    });

    it("that are optional may fail, and are not blamed", async () => {
      const { client, work } = await setup();
      const optional = { name: "style", command: failing, required: false };
      let detail = "";
      work({}, async (task, ctx) => {
        const tests = task.attempt === 1 ? failing : passing;
        await ctx.complete({ checks: [optional, { name: "tests", command: tests }] }).catch((error: unknown) => {
          detail = isFailure(error) ? error.detail : "";
          throw error;
        });
      });

      const taskId = await start(client);

      expect((await ended(client, taskId)).task).toMatchObject({ state: "succeeded", verified: true, attempt: 2 });
      expect(detail).toContain("tests");
      expect(detail).not.toContain("style");
      const [passed] = await journal(client, taskId, "checks.passed");
      expect(passed?.body?.results).toMatchObject([{ name: "style", passed: false }, { passed: true }]);
    });

    it.each([
      ["is missing", undefined, "no function of that name"],
      ["throws", () => Promise.reject(new Error("cannot tell")), "cannot tell"],
    ])("whose function %s fail and say so", async (_what, check, text) => {
      const { client, work } = await setup();
      work({ checks: check === undefined ? {} : { sound: check } }, () => "done");

      const taskId = await start(client, { checks: [{ name: "sound" }], retry: { attemptsMax: 1 } });

      expect((await ended(client, taskId)).task.state).toBe("failed");
      const [failed] = await journal(client, taskId, "checks.failed");
      expect(failed).toMatchObject({ facts: { failed: ["sound"] }, body: { results: [{ passed: false }] } });
      expect(JSON.stringify(failed?.body)).toContain(text);
    });

    it("that a handler does not catch make it try again", async () => {
      const { client, work } = await setup();
      let runs = 0;
      work({ checks: { sound: () => Promise.resolve({ passed: runs > 1 }) } }, () => {
        runs += 1;
      });

      const { task } = await ended(client, await start(client, { checks: [{ name: "sound" }] }));

      expect(task).toMatchObject({ state: "succeeded", attempt: 2, verified: true });
    });

    it("see the task they check and the end of the run", async () => {
      const { client, work } = await setup();
      let seen: unknown;
      const sound = ({ task, signal }: { task: { taskId: string }; signal: AbortSignal }) => {
        seen = [task.taskId, signal.aborted];
        return Promise.resolve({ passed: true });
      };
      work({ checks: { sound } }, () => {});

      const taskId = await start(client, { checks: [{ name: "sound" }] });
      await ended(client, taskId);

      expect(seen).toEqual([taskId, false]);
    });
  });
}
