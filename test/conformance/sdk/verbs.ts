import { describe, expect, it } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import { ended, journal, reached, type Setup, start } from "./fabric.ts";

const asWorker = { agent: "w" };
const unknownId = "task_00000000000000000000";

export function describeVerbs(setup: Setup): void {
  describe("verbs", () => {
    it("starts a task and reads it back with its texts", async () => {
      const { client } = await setup();
      const brief = "Réparer «the retry» 🛠️\n\tline two\r\n\u0000end";

      const ack = await client.tasks.start({ brief, data: { list: [1, null, "x"] }, kind: "code.fix", priority: 4 });
      const { task, content } = await client.tasks.get({ taskId: ack.taskId });

      expect(ack).toMatchObject({ state: "start", seq: 1, epoch: 0 });
      expect(task).toMatchObject({ id: ack.taskId, state: "start", kind: "code.fix", priority: 4, to: "any" });
      expect(content).toMatchObject({ brief, data: { list: [1, null, "x"] } });
    });

    it("lists tasks newest first, a page at a time, each once", async () => {
      const { client } = await setup();
      const started: string[] = [];
      for (let index = 0; index < 7; index += 1) started.push(await start(client));

      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await client.tasks.list({ pageSize: 3, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.tasks.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);

      expect(seen).toEqual(started.toReversed());
    });

    it("lists by state and kind", async () => {
      const { client } = await setup();
      const fix = await start(client, { kind: "fix" });
      const review = await start(client, { kind: "review" });
      await client.tasks.cancel({ taskId: review });

      const byKind = await client.tasks.list({ kind: "fix" });
      const byState = await client.tasks.list({ states: ["cancelled", "failed"] });

      expect(byKind.tasks.map(({ id }) => id)).toEqual([fix]);
      expect(byState.tasks.map(({ id }) => id)).toEqual([review]);
    });

    it("answers a watcher as soon as the task has changed", async () => {
      const { client } = await setup();
      const taskId = await start(client);

      const watched = client.tasks.watch({ taskId, afterRevision: 1, waitMs: 30_000 });
      await client.tasks.claim({ taskId }, asWorker);

      expect(await watched).toMatchObject({ hasEnded: false, task: { state: "running", revision: 2 } });
    });

    it("answers a watcher whose time is over with the task as it is", async () => {
      const { client } = await setup();
      const taskId = await start(client);

      const watched = await client.tasks.watch({ taskId, afterRevision: 1, waitMs: 20 });

      expect(watched).toMatchObject({ hasEnded: false, task: { state: "start", revision: 1 } });
    });

    it("tells a watcher of the end with what came of it", async () => {
      const { client } = await setup();
      const taskId = await start(client);

      const watched = client.tasks.watch({ taskId, untilEnded: true, waitMs: 30_000 });
      await client.tasks.claim({ taskId }, asWorker);
      await client.tasks.complete({ taskId, epoch: 1, return: { summary: "Done so" } }, asWorker);

      expect(await watched).toMatchObject({
        hasEnded: true,
        task: { state: "succeeded", verified: false },
        content: { outcome: { outcome: "completed", summary: "Done so" } },
      });
    });

    it("explains what each task waits for", async () => {
      const { client } = await setup();
      const waiting = await start(client, { to: { role: "docs" } });
      const claimed = await start(client);
      await client.tasks.claim({ taskId: claimed }, asWorker);
      const paused = await start(client);
      await client.tasks.claim({ taskId: paused }, asWorker);
      await client.tasks.pause({ taskId: paused, epoch: 1, question: "Go?", approver: "ann" }, asWorker);

      expect(await client.tasks.explain({ taskId: waiting })).toMatchObject({
        state: "start",
        because: expect.stringContaining("role:docs"),
        allowed: expect.arrayContaining(["tasks.claim"]),
      });
      expect(await client.tasks.explain({ taskId: claimed })).toMatchObject({ moves: ["w", "the end of its lease"] });
      expect(await client.tasks.explain({ taskId: paused })).toMatchObject({
        because: expect.stringContaining("ann"),
        moves: [expect.stringMatching(/tasks\.answer.*of pause_\w+ \("Go\?"\) by ann/)],
      });
    });

    it("takes a task through claim, heartbeat, step and completion", async () => {
      const { client } = await setup();
      const taskId = await start(client, { data: { n: 1 } });

      const { assignment } = await client.tasks.claim({}, asWorker);
      const beat = await client.tasks.heartbeat({ taskId, epoch: 1 }, asWorker);
      const step = { name: "read", ordinal: 0, outcome: { kind: "succeeded" as const, output: { lines: 3 } } };
      const { receipt } = await client.tasks.step({ taskId, epoch: 1, step }, asWorker);
      const again = await client.tasks.step({ taskId, epoch: 1, step }, asWorker);
      await client.tasks.complete({ taskId, epoch: 1 }, asWorker);

      expect(assignment).toMatchObject({ taskId, epoch: 1, attempt: 1, stage: 1, data: { n: 1 }, pauses: [] });
      expect(beat.leaseMs).toBe(assignment?.leaseMs);
      expect(receipt).toMatchObject({ name: "read", status: "succeeded", output: { lines: 3 }, agent: "w" });
      expect(again.receipt.seq).toBe(receipt.seq);
      expect((await journal(client, taskId)).map(({ type }) => type)).toEqual([
        "task.created",
        "task.claimed",
        "step.succeeded",
        "task.completed",
      ]);
    });

    it("gives a released task to the next claim under a new epoch, and takes nothing under the old one", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await client.tasks.claim({}, asWorker);
      await client.tasks.release({ taskId, epoch: 1, reason: "Going home" }, asWorker);

      const { assignment } = await client.tasks.claim({}, { agent: "next" });
      const late = client.tasks.complete({ taskId, epoch: 1 }, asWorker);

      expect(assignment).toMatchObject({ taskId, epoch: 2, attempt: 1 });
      await expect(late).rejects.toMatchObject({ code: "EPOCH_STALE", facts: { epoch: 2, owner: { agent: "next" } } });
      await expect(client.tasks.heartbeat({ taskId, epoch: 1 }, asWorker)).rejects.toMatchObject({
        code: "EPOCH_STALE",
      });
    });

    it("tells the loser of a claim who won", async () => {
      const { client } = await setup();
      const taskId = await start(client);

      const claims = await Promise.allSettled([
        client.tasks.claim({ taskId }, { agent: "a" }),
        client.tasks.claim({ taskId }, { agent: "b" }),
      ]);

      expect(claims[0]).toMatchObject({ status: "fulfilled", value: { assignment: { epoch: 1 } } });
      expect(claims[1]).toMatchObject({ reason: { code: "CLAIM_LOST", facts: { owner: { agent: "a" }, epoch: 1 } } });
    });

    it("pauses with a question, takes a fitting answer once, and refuses others", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await client.tasks.claim({}, asWorker);
      const answerSchema = { type: "boolean" };
      await client.tasks.pause({ taskId, epoch: 1, question: "Deploy?", answerSchema, approver: "ann" }, asWorker);

      await expect(client.tasks.answer({ taskId, answer: true })).rejects.toMatchObject({ code: "NOT_ADDRESSED" });
      const ann = { agent: "ann" };
      await expect(client.tasks.answer({ taskId, answer: "yes" }, ann)).rejects.toMatchObject({
        code: "ANSWER_INVALID",
      });
      const first = await client.tasks.answer({ taskId, answer: true }, ann);
      const late = client.tasks.answer({ taskId, answer: true }, ann);

      await expect(late).rejects.toMatchObject({ code: "QUESTION_OVER", facts: { endedSeq: first.seq, open: [] } });
      const { assignment } = await client.tasks.claim({}, asWorker);
      expect(assignment?.pauses).toMatchObject([{ end: "answered", answer: true }]);
    });

    it("resumes a paused task, and only a paused one", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      await expect(client.tasks.resume({ taskId })).rejects.toMatchObject({
        code: "TASK_STATE_CONFLICT",
        facts: { state: "start" },
      });
      await client.tasks.claim({}, asWorker);
      await client.tasks.pause({ taskId, epoch: 1 }, asWorker);

      const resumed = await client.tasks.resume({ taskId });

      expect(resumed).toMatchObject({ state: "start" });
    });

    it("verifies a completed task's checks by name", async () => {
      const { client } = await setup();
      const taskId = await start(client, { checks: [{ name: "tests" }, { name: "style", required: false }] });
      await client.tasks.claim({}, asWorker);
      const owned = { taskId, epoch: 1 };
      const results = (passed: boolean) => [
        { name: "tests", passed },
        { name: "style", passed: false },
      ];

      const completed = await client.tasks.complete(owned, asWorker);
      const other = client.tasks.verify({ ...owned, results: [{ name: "lint", passed: true }] }, asWorker);
      await expect(other).rejects.toMatchObject({ code: "CHECKS_UNKNOWN", facts: { expected: ["style", "tests"] } });
      const failed = await client.tasks.verify({ ...owned, results: results(false) }, asWorker);
      await client.tasks.complete(owned, asWorker);
      const passed = await client.tasks.verify({ ...owned, results: results(true) }, asWorker);

      expect([completed.state, failed.state, passed.state]).toEqual(["verifying", "running", "succeeded"]);
      expect((await ended(client, taskId)).task).toMatchObject({ verified: true });
    });

    it("tries a failed task again until its attempts are used up", async () => {
      const { client } = await setup();
      const taskId = await start(client, { retry: { attemptsMax: 2, backoffMs: 0 } });
      await client.tasks.claim({}, asWorker);
      const first = await client.tasks.fail({ taskId, epoch: 1, error: "no" }, asWorker);

      const { assignment } = await client.tasks.claim({}, asWorker);
      const second = await client.tasks.fail({ taskId, epoch: 2, error: "again no" }, asWorker);

      expect([first.state, assignment?.attempt, second.state]).toEqual(["start", 2, "failed"]);
      expect((await ended(client, taskId)).outcome).toMatchObject({ error: "again no" });
    });

    it("cancels once, says the same the second time, and cancels nothing that has ended", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      const done = await start(client);
      await client.tasks.claim({ taskId: done }, asWorker);
      await client.tasks.complete({ taskId: done, epoch: 1 }, asWorker);

      const first = await client.tasks.cancel({ taskId, reason: "Not needed" });
      const second = await client.tasks.cancel({ taskId, reason: "Really not" });

      expect(second).toEqual(first);
      await expect(client.tasks.cancel({ taskId: done })).rejects.toMatchObject({ code: "TASK_STATE_CONFLICT" });
    });

    it("fails with a typed failure that says what is wrong and where", async () => {
      const { client } = await setup();

      const failures = await Promise.allSettled([
        client.tasks.get({ taskId: unknownId }),
        client.tasks.start({ brief: "" }),
        client.tasks.start({ brief: "x", colour: "red" } as { brief: string }),
        client.tasks.list({ cursor: "somewhere" }),
        client.tasks.start({ brief: "x", deadlineAt: 1 }),
        client.tasks.start({ brief: "x", data: { when: new Map() } }),
      ]);

      const reasons = failures.map((settled) =>
        settled.status === "rejected" ? (settled.reason as AionisError) : null,
      );
      for (const reason of reasons) expect(reason).toBeInstanceOf(AionisError);
      expect(reasons.map((reason) => reason?.code)).toEqual([
        "TASK_NOT_FOUND",
        "INPUT_INVALID",
        "INPUT_INVALID",
        "CURSOR_INVALID",
        "INPUT_INVALID",
        "VALUE_INVALID",
      ]);
      expect(reasons[0]?.detail).toContain(unknownId);
      expect(reasons[1]?.facts).toMatchObject({ issues: [{ path: "brief" }] });
      expect(reasons[2]?.detail).toContain("colour");
    });

    it("answers a command id twice with the same event, and refuses it for another content", async () => {
      const { client } = await setup();

      const first = await client.tasks.start({ commandId: "once", brief: "A" });
      const same = await client.tasks.start({ commandId: "once", brief: "A" });
      const other = client.tasks.start({ commandId: "once", brief: "B" });

      expect(same).toEqual(first);
      await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
      expect((await client.tasks.list({})).tasks).toHaveLength(1);
    });

    it("takes a command with the keys of its data in another order for the same command", async () => {
      const { client } = await setup();
      const order = { id: 17, lines: [{ sku: "a", price: { value: 5, currency: "EUR" } }] };
      const again = { lines: [{ price: { currency: "EUR", value: 5 }, sku: "a" }], id: 17 };

      const first = await client.tasks.start({ commandId: "order", brief: "A", data: order });
      const same = await client.tasks.start({ commandId: "order", brief: "A", data: again });

      expect(same).toEqual(first);
    });

    it.each<[string, unknown, string]>([
      ["a BigInt", { ids: [1n] }, "tasks.start: data.ids.0 is a BigInt"],
      ["a promise", { later: Promise.resolve() }, "data.later is a promise. Await it."],
      ["half a surrogate pair", { text: "\ud800" }, "data.text holds half of a surrogate pair"],
    ])("refuses %s in any input before anything is sent, with its path", async (_, data, says) => {
      const { client } = await setup();

      const refused = client.tasks.start({ brief: "A", data });

      await expect(refused).rejects.toMatchObject({ code: "VALUE_INVALID", detail: expect.stringContaining(says) });
      expect((await client.tasks.list({})).tasks).toEqual([]);
    });

    it("knows a command id after a restart, and long after the task has moved on", async () => {
      const { client, fabric } = await setup();
      const first = await client.tasks.start({ commandId: "once", brief: "A" });
      await client.tasks.claim({ commandId: "claim once" }, asWorker);
      await client.tasks.complete({ commandId: "done once", taskId: first.taskId, epoch: 1 }, asWorker);

      await fabric.restart();
      const later = await fabric.connect();
      const same = await later.tasks.start({ commandId: "once", brief: "A" });
      const claim = await later.tasks.claim({ commandId: "claim once" }, asWorker);
      const done = await later.tasks.complete({ commandId: "done once", taskId: first.taskId, epoch: 1 }, asWorker);

      expect(same).toEqual(first);
      expect(claim.assignment).toMatchObject({ taskId: first.taskId, epoch: 1 });
      expect(done).toMatchObject({ state: "succeeded" });
    });

    it("keeps everything over a restart", async () => {
      const { client, fabric } = await setup();
      const started = await start(client, { brief: "Survive" });
      const running = await start(client);
      await client.tasks.claim({ taskId: running }, asWorker);

      await fabric.restart();
      const later = await fabric.connect();

      expect(await later.tasks.get({ taskId: started })).toMatchObject({ content: { brief: "Survive" } });
      expect(await reached(later, running, "running")).toMatchObject({ owner: { agent: "w" }, epoch: 1 });
      expect(await later.tasks.heartbeat({ taskId: running, epoch: 1 }, asWorker)).toHaveProperty("leaseMs");
      expect(await later.store.verify({})).toMatchObject({ ok: true, problems: [] });
    });
  });
}
