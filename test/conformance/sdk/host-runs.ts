import { describe, expect, it } from "vitest";
import type { Setup } from "./fabric.ts";

export function describeHostRuns(setup: Setup): void {
  describe("a run that a host reports", () => {
    const steps = [
      { id: "read", tool: "file.read", input: { path: "version.txt" }, output: { text: "1.0.0\n", bytes: 6 } },
      {
        id: "bump",
        tool: "file.patch",
        input: { path: "version.txt", edits: [{ find: "1.0.0", replace: "1.1.0" }] },
        output: { edits: 1 },
        files: ["version.txt"],
      },
    ];

    it("is one task, step by step or at once, and a playbook can be made of it", async () => {
      const { client } = await setup();
      const runId = "nightly 7 / é";

      await client.replay.run.start({ runId, brief: "Set the version to 1.1.0" });
      for (const step of steps) {
        const { id, tool, input } = step;
        await client.replay.step.before({ runId, step: { id, tool, input } });
        await client.replay.step.after({ runId, step });
      }
      const { taskId } = await client.replay.run.end({ runId, outcome: "succeeded" });
      const atOnce = {
        runId: "at once",
        brief: "Set the version to 1.2.0",
        steps,
        end: { outcome: "succeeded" },
      } as const;
      const whole = await client.replay.run.start(atOnce);

      const run = await client.replay.run.get({ runId });
      expect(run).toMatchObject({ taskId, state: "succeeded", outcome: "succeeded", verified: false });
      expect(run.steps).toMatchObject([
        { name: "read", tool: "file.read" },
        { name: "bump", files: ["version.txt"] },
      ]);
      expect((await client.replay.run.get({ taskId: whole.taskId })).steps).toHaveLength(2);
      expect(await client.playbooks.compile({ runs: [taskId, whole.taskId] })).toMatchObject({ state: "draft" });
    });

    it("is the same however often it is said, and refuses to be another", async () => {
      const { client } = await setup();
      const run = { runId: "r", brief: "Set it", steps, end: { outcome: "succeeded" } } as const;

      const first = await client.replay.run.start(run);

      expect(await client.replay.run.start(run)).toEqual(first);
      await expect(client.replay.run.start({ ...run, brief: "Other" })).rejects.toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
      });
      await expect(client.replay.step({ runId: "none", step: { id: "a" } })).rejects.toMatchObject({
        code: "TASK_NOT_FOUND",
      });
      await expect(client.replay.run.get({ runId: "none" })).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
      await expect(client.replay.step({ runId: "r", step: { id: "late" } })).rejects.toMatchObject({
        code: "TASK_STATE_CONFLICT",
      });
    });

    it("that failed makes a playbook that is never active", async () => {
      const { client } = await setup();
      const { taskId } = await client.replay.run.start({
        runId: "r",
        brief: "Set it",
        steps,
        end: { outcome: "failed", summary: "No" },
      });

      const { id } = await client.playbooks.compile({ runs: [taskId] });

      await expect(client.playbooks.approve({ id, approver: "ada", reason: "r" })).rejects.toMatchObject({
        code: "EVIDENCE_MISSING",
        facts: { missing: expect.arrayContaining([expect.stringMatching(/did not succeed/)]) },
      });
    });
  });
}
