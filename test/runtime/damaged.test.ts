import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { scopeStride } from "../../actors/store/schema.ts";
import { createRuntime, type EmbeddedRuntime } from "../../src/embedded.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";

async function open(path: string): Promise<EmbeddedRuntime> {
  const runtime = await createRuntime({ path, scope, durability: "process", agent: "ann", leaseMs: 60_000 });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** Two tasks with two steps each; `reopen` lets somebody else change the file of the first one's store in between. */
async function setup() {
  const path = tempFolder();
  const runtime = await open(path);
  const work = async (brief: string) => {
    const { taskId } = await runtime.tasks.start({ brief, data: { brief } });
    await runtime.tasks.claim({ taskId });
    const seqs: number[] = [];
    for (const name of ["look", "mend"]) {
      const outcome = { kind: "succeeded", output: `${name} of ${brief}` } as const;
      seqs.push((await runtime.tasks.step({ taskId, epoch: 1, step: { name, ordinal: 0, outcome } })).receipt.seq);
    }
    return { taskId, created: seqs[0]! - 2, steps: seqs as [number, number] };
  };
  const damaged = await work("first");
  const sound = await work("second");
  const reopen = async (sql: string): Promise<EmbeddedRuntime> => {
    await runtime.close();
    const database = new Database(join(path, "aionis.db"));
    expect(database.prepare(sql).run().changes).toBe(1);
    database.close();
    return open(path);
  };
  const turnBody = (seq: number) =>
    `UPDATE bodies SET body = replace(body, 'first', 'worst') WHERE pos = ${scopeStride + seq}`;
  return { damaged, sound, reopen, turnBody };
}

const failure = (seq: number, type: string) => ({
  code: "JOURNAL_DAMAGED",
  detail: expect.stringContaining(`Event ${seq} (${type}) of ${scope}`),
  facts: { scope, seq, type },
});

describe("a body that was changed behind the runtime's back", () => {
  it("is never shown: what needs it fails and names the event, the rest goes on", async () => {
    const { damaged, sound, reopen, turnBody } = await setup();

    const runtime = await reopen(turnBody(damaged.created));

    const broken = failure(damaged.created, "task.created");
    const { taskId } = damaged;
    await expect(runtime.tasks.get({ taskId })).rejects.toMatchObject(broken);
    await expect(runtime.handoff.recover({ taskId })).rejects.toMatchObject(broken);
    await expect(runtime.events.read({ from: damaged.created })).rejects.toMatchObject(broken);
    expect((await runtime.tasks.get({ taskId: sound.taskId })).content.brief).toBe("second");
    expect((await runtime.tasks.list()).tasks).toHaveLength(2);
    expect((await runtime.tasks.steps({ taskId })).steps).toHaveLength(2);
    expect((await runtime.tasks.complete({ taskId: sound.taskId, epoch: 1 })).state).toBe("succeeded");
    expect(await runtime.runtime.status()).toMatchObject({ state: "ready" });
  });

  it("ends a page before it, and is met by the one that begins with it", async () => {
    const { damaged, reopen, turnBody } = await setup();
    const [look, mend] = damaged.steps;

    const runtime = await reopen(turnBody(mend));

    const { taskId } = damaged;
    const broken = failure(mend, "step.succeeded");
    const page = await runtime.events.read({ from: 1 });
    expect([page.events.at(-1)?.seq, page.next]).toEqual([look, mend]);
    await expect(runtime.events.read({ from: mend })).rejects.toMatchObject(broken);
    expect((await runtime.events.read({ from: mend + 1 })).events[0]?.seq).toBe(mend + 1);
    const steps = await runtime.tasks.steps({ taskId });
    expect([steps.steps.map(({ name }) => name), steps.next]).toEqual([["look"], look]);
    await expect(runtime.tasks.steps({ taskId, after: steps.next })).rejects.toMatchObject(broken);
  });

  it("refuses the step that would be answered from it, and no other command of that task", async () => {
    const { damaged, reopen, turnBody } = await setup();
    const runtime = await reopen(turnBody(damaged.steps[0]));
    const { taskId } = damaged;
    const outcome = { kind: "succeeded", output: 1 } as const;

    const again = runtime.tasks.step({ taskId, epoch: 1, step: { name: "look", ordinal: 0, outcome } });

    await expect(again).rejects.toMatchObject(failure(damaged.steps[0], "step.succeeded"));
    await runtime.tasks.step({ taskId, epoch: 1, step: { name: "next", ordinal: 0, outcome } });
    expect(await runtime.runtime.status()).toMatchObject({ state: "ready" });
  });
});

describe("a header that was changed behind the runtime's back", () => {
  it("parks its own task and no other", async () => {
    const { damaged, sound, reopen } = await setup();
    const [look] = damaged.steps;

    const runtime = await reopen(`UPDATE events SET actor = 'eve' WHERE pos = ${scopeStride + look}`);

    const broken = failure(look, "step.succeeded");
    const { taskId } = damaged;
    await expect(runtime.tasks.get({ taskId })).rejects.toMatchObject(broken);
    await expect(runtime.tasks.complete({ taskId, epoch: 1 })).rejects.toMatchObject(broken);
    const page = await runtime.tasks.list();
    expect([page.tasks.map(({ id }) => id), page.cursor]).toEqual([[sound.taskId], sound.taskId]);
    await expect(runtime.tasks.list({ cursor: page.cursor })).rejects.toMatchObject(broken);
    expect((await runtime.tasks.complete({ taskId: sound.taskId, epoch: 1 })).state).toBe("succeeded");
    expect(await runtime.runtime.status()).toMatchObject({ state: "ready" });
  });
});

describe("a claim of a task whose first body was changed", () => {
  /** Two tasks that wait for a claim, of which the older one is damaged. */
  async function waiting() {
    const path = tempFolder();
    const first = await open(path);
    const [damaged, sound] = [
      await first.tasks.start({ brief: "first" }),
      await first.tasks.start({ brief: "second" }),
    ];
    await first.close();
    const database = new Database(join(path, "aionis.db"));
    database.exec(`UPDATE bodies SET body = replace(body, 'first', 'worst') WHERE pos = ${scopeStride + damaged.seq}`);
    database.close();
    return { runtime: await open(path), damaged, sound };
  }

  it("is refused before it is recorded: no lease runs for an answer that nobody got", async () => {
    const { runtime, damaged, sound } = await waiting();

    const claim = runtime.tasks.claim({ taskId: damaged.taskId });

    await expect(claim).rejects.toMatchObject(failure(damaged.seq, "task.created"));
    expect((await runtime.runtime.status()).head).toBe(sound.seq);
    expect((await runtime.tasks.list({ states: ["running"] })).tasks).toEqual([]);
  });

  it("is one of the next task, for a worker that takes any", async () => {
    const { runtime, damaged, sound } = await waiting();

    const { assignment } = await runtime.tasks.claim({});

    expect(assignment).toMatchObject({ taskId: sound.taskId, brief: "second" });
    expect((await runtime.tasks.claim({})).assignment).toBeNull();
    expect((await runtime.events.read({ taskId: damaged.taskId, types: ["task.claimed"] })).events).toEqual([]);
  });
});
