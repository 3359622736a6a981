import { describe, expect, it } from "vitest";
import { ended, forever, gate, journal, reached, type Setup, soon, start, within } from "./fabric.ts";

export function describeWorker(setup: Setup): void {
  describe("worker", () => {
    it("completes a task with what its handler returns", async () => {
      const { client, work } = await setup();
      work({}, (task) => ({ read: task.data }));

      const taskId = await start(client, { data: "this" });

      expect(await ended(client, taskId)).toMatchObject({
        task: { state: "succeeded", verified: false },
        outcome: { outcome: "completed", data: { read: "this" } },
      });
    });

    it("completes a task whose handler returns nothing", async () => {
      const { client, work } = await setup();
      work({}, () => {});

      const { task, outcome } = await ended(client, await start(client));

      expect(task.state).toBe("succeeded");
      expect(outcome).not.toHaveProperty("data");
    });

    it("completes a task with a summary, data and files of the handler's choice", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.complete({ summary: "Fixed", data: { n: 1 }, files: ["a.ts"], evidence: ["log"] }));

      const { outcome } = await ended(client, await start(client));

      expect(outcome).toMatchObject({ summary: "Fixed", data: { n: 1 }, files: ["a.ts"], evidence: ["log"] });
    });

    it("hears at once that its task was cancelled, long before its next heartbeat", async () => {
      const { client, work } = await setup();
      const began = gate();
      const stopped = gate();
      work({}, (_task, ctx) => {
        ctx.signal.addEventListener("abort", () => stopped.open());
        began.open();
        return forever();
      });
      const taskId = await start(client);
      await within(began.promise, "the handler");

      await client.tasks.cancel({ taskId });

      await within(stopped.promise, "the signal", 2_000);
    });

    it("tries a task whose handler threw again, after a backoff", async () => {
      const { client, work } = await setup();
      work({}, (task) => {
        if (task.attempt === 1) throw new Error("not yet");
        return task.attempt;
      });

      const taskId = await start(client, { retry: { attemptsMax: 2, backoffMs: 200, backoffMaxMs: 200 } });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: 2 });
      const [failed] = await journal(client, taskId, "task.failed");
      expect(failed).toMatchObject({ facts: { next: "start", attempt: 2, retryable: true } });
      expect(failed?.body?.error).toContain("not yet");
      expect(failed?.facts.claimableAt).toBeGreaterThan(failed?.at ?? 0);
    });

    it("gives a task up when its attempts are used up", async () => {
      const { client, work } = await setup();
      let runs = 0;
      work({}, () => {
        runs += 1;
        throw new Error(`no ${runs}`);
      });

      const { task, outcome } = await ended(client, await start(client, { retry: { ...soon, attemptsMax: 3 } }));

      expect(task).toMatchObject({ state: "failed", attempt: 3 });
      expect(outcome).toMatchObject({ error: expect.stringContaining("no 3") });
    });

    it("gives a task up at once for an error that is not retryable", async () => {
      const { client, work } = await setup();
      work({}, () => {
        throw Object.assign(new Error("never"), { retryable: false });
      });

      expect((await ended(client, await start(client))).task).toMatchObject({ state: "failed", attempt: 1 });
    });

    it("fails a try as its handler says", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.fail("The repository is gone", { retryable: false, data: { repo: "x" } }));

      const { task, outcome } = await ended(client, await start(client));

      expect(task.state).toBe("failed");
      expect(outcome).toMatchObject({ error: "The repository is gone", data: { repo: "x" } });
    });

    it.each([
      ["nothing", undefined],
      ["null", null],
      ["a text", "text"],
      ["an object without a prototype", Object.create(null) as unknown],
      ["an error without a text", new Error("")],
    ])("records the failure of a handler that throws %s", async (_what, thrown) => {
      const { client, work } = await setup();
      work({}, () => {
        throw thrown;
      });

      const { task, outcome } = await ended(client, await start(client, { retry: { ...soon, attemptsMax: 2 } }));

      expect(task).toMatchObject({ state: "failed", attempt: 2 });
      expect(outcome).toMatchObject({ error: expect.any(String) });
    });

    it("waits for corrected code where a handler returns no data, and goes on by itself with it", async () => {
      const { client, work } = await setup();
      const old = work({ agent: "old" }, () => new Map());
      const taskId = await start(client);
      await reached(client, taskId, "paused");
      const { content } = await client.tasks.get({ taskId });
      await old.drain();

      work({ agent: "corrected" }, () => "data");

      expect(content.pauses).toMatchObject([{ question: expect.stringContaining("return.data is a Map") }]);
      expect(await ended(client, taskId)).toMatchObject({
        task: { state: "succeeded", attempt: 1 },
        outcome: { data: "data" },
      });
    });

    it("works on as many tasks at once as it may, and no more", async () => {
      const { client, work } = await setup();
      let now = 0;
      let most = 0;
      const bothAreIn = gate();
      work({ concurrency: 2 }, async (_task, ctx) => {
        now += 1;
        most = Math.max(most, now);
        if (now === 2) bothAreIn.open();
        await bothAreIn.promise;
        await ctx.step("breathe", () => null);
        now -= 1;
      });

      const tasks = await Promise.all(Array.from({ length: 8 }, () => start(client)));
      for (const taskId of tasks) expect((await ended(client, taskId)).task.state).toBe("succeeded");

      expect(most).toBe(2);
    });

    it("refuses a concurrency that is no whole number of at least 1", async () => {
      const { client } = await setup();

      for (const concurrency of [0, -1, 1.5, Number.NaN]) {
        expect(() => client.worker({ agent: "w", concurrency }, () => {})).toThrow(
          expect.objectContaining({ code: "INPUT_INVALID" }),
        );
      }
    });

    it("refuses a handler that is no function, and options of a call that do not fit", async () => {
      const { client } = await setup();
      const refused = { code: "INPUT_INVALID" };

      expect(() => client.worker({ agent: "w" }, "handle" as never)).toThrow(expect.objectContaining(refused));
      for (const timeoutMs of [Number.NaN, 0, -1, "10s", null] as never[])
        await expect(client.tasks.list({}, { timeoutMs })).rejects.toMatchObject(refused);
      await expect(client.tasks.list({}, { agent: 5 as never })).rejects.toMatchObject(refused);
      await expect(client.tasks.list({}, { signal: {} as never })).rejects.toMatchObject(refused);
      await expect(client.tasks.list({}, null as never)).rejects.toMatchObject(refused);
    });

    it("takes only what is for it", async () => {
      const { client, work } = await setup();
      work({ agent: "doc-1", roles: ["docs"] }, () => "docs");
      const others = await start(client, { to: { role: "code" } });

      const taskId = await start(client, { to: { role: "docs" } });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "docs" });
      expect((await client.tasks.get({ taskId: others })).task.state).toBe("start");
    });

    it("says what it holds and how it is", async () => {
      const { client, work } = await setup();
      const inside = gate();
      const leave = gate();
      const worker = work({ agent: "teller" }, async () => {
        inside.open();
        await leave.promise;
      });

      const taskId = await start(client);
      await within(inside.promise, "the handler");
      const during = { state: worker.state(), tasks: worker.tasks(), agent: worker.agent };
      leave.open();
      await ended(client, taskId);
      await worker.drain();

      expect(during).toEqual({ state: "busy", tasks: [taskId], agent: "teller" });
      expect([worker.state(), worker.tasks()]).toEqual(["stopped", []]);
    });

    it("stops a run whose claim was lost: the signal fires, each later call rejects, nothing is recorded (R1, I4)", async () => {
      const { client, work } = await setup({ leaseMs: 300 });
      const inside = gate();
      const lost = gate<unknown>();
      const late = gate<PromiseSettledResult<unknown>[]>();
      work({ agent: "late" }, async (task, ctx) => {
        if (task.epoch > 1) return "second";
        ctx.signal.addEventListener("abort", () => lost.open(ctx.signal.reason));
        inside.open();
        await lost.promise;
        ctx.progress("late");
        late.open(
          await Promise.allSettled([
            ctx.step("late", () => "x"),
            ctx.run("late", [process.execPath, "--version"]),
            ctx.tool("late", "none", {}),
            ctx.history(),
            ctx.guidance(),
            ctx.pause(),
            ctx.handoff({ to: "any", brief: "b", nextAction: "n" }),
            ctx.delegate({ to: "any", brief: "b", nextAction: "n" }),
            ctx.delegations(),
            ctx.complete(),
            ctx.fail("late"),
          ]),
        );
        return "first";
      });
      const taskId = await start(client);
      await within(inside.promise, "the handler");

      await client.tasks.release({ taskId, epoch: 1 }, { agent: "late" });

      const reason = await within(lost.promise, "the signal");
      expect(reason).toMatchObject({ code: "RUN_ENDED", reason: "lost", cause: { code: "EPOCH_STALE" } });
      const settled = await within(late.promise, "the late calls");
      expect(settled).toHaveLength(11);
      for (const call of settled) expect(call).toMatchObject({ status: "rejected", reason });
      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "second" });
      expect((await journal(client, taskId)).map(({ type }) => type)).toEqual([
        "task.created",
        "task.claimed",
        "task.released",
        "task.claimed",
        "task.completed",
      ]);
    });

    it("stops a run whose task was cancelled, without a word", async () => {
      const { client, work, errors } = await setup();
      const inside = gate();
      const cancelled = gate();
      const later = gate<unknown>();
      work({}, async (_task, ctx) => {
        inside.open();
        await cancelled.promise;
        await ctx.step("late", () => forever()).catch((error: unknown) => later.open(error));
      });
      const taskId = await start(client);
      await within(inside.promise, "the handler");

      await client.tasks.cancel({ taskId });
      cancelled.open();

      expect(await within(later.promise, "the end of the step")).toMatchObject({
        reason: "cancelled",
        taskId,
        epoch: 1,
      });
      expect((await journal(client, taskId)).at(-1)?.type).toBe("task.cancelled");
      expect(errors).toEqual([]);
    });

    it("lets the call that ended a run settle, so that its handler can return", async () => {
      const { client, work } = await setup();
      const returned = gate<boolean>();
      work({}, async (_task, ctx) => {
        await ctx.complete();
        returned.open(ctx.signal.aborted);
      });

      await ended(client, await start(client));

      expect(await within(returned.promise, "the handler's return")).toBe(true);
    });

    it("drains: takes nothing new and lets what it holds end", async () => {
      const { client, work } = await setup();
      const inside = gate();
      const leave = gate();
      const worker = work({}, async (_task, ctx) => {
        inside.open();
        await leave.promise;
        await ctx.step("last", () => null);
      });
      const held = await start(client);
      await within(inside.promise, "the handler");

      const drained = worker.drain();
      const next = await start(client);
      leave.open();
      await within(drained, "the drain");

      expect((await ended(client, held)).task.state).toBe("succeeded");
      expect((await client.tasks.get({ taskId: next })).task).toMatchObject({ state: "start", epoch: 0 });
      expect(worker.state()).toBe("stopped");
    });

    it("gives back what does not end while it drains, so that another goes on at once", async () => {
      const { client, work } = await setup(); // its lease is longer than the test
      const inside = gate();
      const worker = work({ agent: "slow" }, async (_task, ctx) => {
        await ctx.step("first", () => "by slow");
        inside.open();
        await forever();
      });
      const taskId = await start(client);
      await within(inside.promise, "the handler");

      await worker.drain({ timeoutMs: 20 });
      work({ agent: "quick" }, async (_task, ctx) => await ctx.step("first", () => "by quick"));

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "by slow" });
      expect(await journal(client, taskId, "lease.expired")).toEqual([]);
    });

    it("gives back a task that came while it drained", async () => {
      const { client, work } = await setup();
      const other = gate();
      const worker = work({ agent: "leaving" }, () => "too late");
      await ended(client, await start(client));
      for (let round = 0; round < 5; round += 1) await client.runtime.status(); // by now it waits for more

      await worker.drain();
      const taskId = await start(client);
      work({ agent: "staying" }, () => {
        other.open();
        return "in time";
      });

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "in time" });
      expect(await journal(client, taskId, "lease.expired", "task.failed")).toEqual([]);
    });

    it("stops as if its process had died: the lease runs out and another goes on", async () => {
      const { client, work } = await setup({ leaseMs: 200 });
      const inside = gate();
      const worker = work({ agent: "dead" }, async (_task, ctx) => {
        await ctx.step("first", () => "by dead");
        inside.open();
        await forever();
      });
      const taskId = await start(client);
      await within(inside.promise, "the handler");

      void worker.stop();
      work({ agent: "heir" }, async (_task, ctx) => await ctx.step("first", () => "by heir"));

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: "by dead" });
      expect(await journal(client, taskId, "lease.expired")).toHaveLength(1);
    });

    it("keeps its claim for as long as its handler works", async () => {
      const { client, work } = await setup({ leaseMs: 300 });
      work({}, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_000)); // more than three leases: what is tested is time itself
      });

      const taskId = await start(client);
      await ended(client, taskId);

      expect(await journal(client, taskId, "task.claimed")).toHaveLength(1);
    });

    it("ends with its connection, quickly when it only waits", async () => {
      const { fabric, work } = await setup();
      const connection = await fabric.connect();
      const worker = work({}, () => {}, connection);
      const asked = performance.now();

      await connection.close();

      expect(performance.now() - asked).toBeLessThan(1_000);
      expect(worker.state()).toBe("stopped");
    });

    it("says that it knows nothing when nothing is known", async () => {
      const { client, work } = await setup();
      work({}, (_task, ctx) => ctx.guidance());

      const taskId = await start(client);

      expect((await ended(client, taskId)).outcome).toMatchObject({ data: { known: false } });
      expect((await client.tasks.steps({ taskId })).steps).toMatchObject([{ name: "guidance", status: "succeeded" }]);
    });

    it("reports a bug in a handler to nobody but the journal", async () => {
      const { client, work, errors } = await setup();
      const rejections: unknown[] = [];
      const note = (reason: unknown): void => void rejections.push(reason);
      process.on("unhandledRejection", note);
      work({}, async (_task, ctx) => {
        await ctx.step("breaks", () => Promise.reject(new Error("broken")));
      });

      await ended(client, await start(client));
      await new Promise(setImmediate);
      process.off("unhandledRejection", note);

      expect({ rejections, errors }).toEqual({ rejections: [], errors: [] });
    });
  });
}
