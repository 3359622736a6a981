// Sessions on a real store: what is read back is bounded, and every row is what the journal folds to.

import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { rebuildScope, verifyScope } from "../../actors/index.ts";
import { toSessionStatus, toTaskState } from "../../machines/index.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import { limits } from "../../src/contracts/limits.ts";
import { createTestRuntime } from "../../src/testing.ts";
import { createBench, outcomeOf, scopeName } from "../support/store.ts";

async function setup() {
  const test = await createTestRuntime();
  const client = test.connect("ada");
  onTestFinished(async () => {
    const { problems } = await client.store.verify();
    await test.close();
    expect(problems).toEqual([]);
  });
  const { sessionId } = await client.sessions.create({ title: "Night shift" });
  return { client, sessionId };
}

describe("a session with large texts", () => {
  const text = "x".repeat(limits.textChars);

  it("is read within a page's bytes, from the end and forward, without a gap", async () => {
    const { client, sessionId } = await setup();
    const seqs: number[] = [];
    for (let n = 0; n < 8; n += 1) seqs.push((await client.sessions.event({ sessionId, text })).seq);

    const last = await client.sessions.events({ sessionId, tail: 8 });
    const forward: number[] = [];
    let page = await client.sessions.events({ sessionId });
    for (;;) {
      expect(page.events.length).toBeLessThan(8);
      forward.push(...page.events.map(({ seq }) => seq));
      if (page.next === undefined) break;
      page = await client.sessions.events({ sessionId, after: page.next });
    }

    expect(last.events.length).toBeLessThan(8);
    expect(last.events.map(({ seq }) => seq)).toEqual(seqs.slice(-last.events.length));
    expect(forward).toEqual(seqs);
  });

  it("refuses an event that is larger than the journal keeps", async () => {
    const { client, sessionId } = await setup();

    const large = client.sessions.event({ sessionId, text, data: { more: "x".repeat(limits.bodyBytes) } });

    await expect(large).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    expect((await client.sessions.list()).sessions).toMatchObject([{ eventsRecorded: 0 }]);
  });
});

describe("a session with many events", () => {
  it("is counted, told to watchers and followed by a subscription", async () => {
    const { client, sessionId } = await setup();
    const watched = client.tasks.watch({ taskId: sessionId, afterRevision: 1, waitMs: 10_000 });
    const count = limits.eventsPerSnapshot * 2 + 1;

    for (let n = 0; n < count; n += 1) await client.sessions.event({ sessionId, text: String(n) });
    const followed = client.events.subscribe({ from: 1, task: sessionId, types: ["session.noted"] });
    const first = await followed.next();
    await followed.return();

    expect((await watched).task).toMatchObject({ kind: "session", state: "start" });
    expect(first.value).toMatchObject({ facts: { kind: "note" }, body: { text: "0" } });
    expect((await client.sessions.list()).sessions).toMatchObject([{ eventsRecorded: count }]);
    expect((await client.sessions.events({ sessionId, tail: 1 })).events).toMatchObject([{ text: String(count - 1) }]);
  });
});

describe("sessions in any order of commands", () => {
  const act = fc.record({ kind: fc.constantFrom("create", "note", "note", "note", "close", "cancel"), pick: fc.nat() });

  it("have rows that verify and can be rebuilt (I6)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 120 }), async (acts) => {
        const bench = createBench();
        const sessions: { taskId: TaskId; status: string; noted: number }[] = [];
        for (const { kind, pick } of acts) {
          const session = sessions[pick % sessions.length];
          if (kind === "create" || session === undefined) {
            const { header } = await bench.do("sessions.create", { title: "T" });
            sessions.push({ taskId: header.taskId, status: "open", noted: 0 });
            continue;
          }
          const { taskId } = session;
          if (kind === "note") {
            const outcome = await outcomeOf(bench.do("sessions.event", { taskId, text: "t" }));
            expect(outcome).toBe(session.status === "open" ? "ok" : "TASK_STATE_CONFLICT");
            if (outcome === "ok") session.noted += 1;
            continue;
          }
          await outcomeOf(bench.do(kind === "close" ? "sessions.close" : "tasks.cancel", { taskId }));
          if (session.status === "open") session.status = kind === "close" ? "closed" : "cancelled";
        }

        const scope = bench.store.scope(scopeName);
        expect(bench.problems()).toEqual([]);
        rebuildScope(bench.store, scopeName);
        expect(verifyScope(scope).problems).toEqual([]);
        for (const { taskId, status, noted } of sessions) {
          const snapshot = bench.persistence.snapshot(scopeName, taskId)!;
          expect([toSessionStatus(toTaskState(snapshot)), snapshot.context.records]).toEqual([status, noted]);
          const { task } = scope.task(taskId)!;
          expect(scope.rowsOf(task)).toMatchObject({ claimables: [], timers: [] });
          expect(scope.stepsWithin({ task, after: 0, count: 1_000 })).toEqual({ steps: [], next: undefined });
        }
      }),
      { numRuns: 30, endOnFailure: true },
    );
  });
});
