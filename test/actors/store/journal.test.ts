import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBody } from "../../../actors/index.ts";
import { limits } from "../../../src/contracts/limits.ts";
import type { EventRecord, ScopeStore, Store, TailEntry } from "../../../src/kernel/store.ts";
import { createBench, createPorts, findDamage, openTestStore, scopeName, tempFolder } from "../../support/store.ts";
import { eventId, taskId } from "../../support/tasks.ts";

function setup(file?: string) {
  const ports = createPorts();
  const store = openTestStore(file, ports);
  const scope = store.scope(scopeName);
  return { ports, store, scope };
}

function record(scope: ScopeStore, changes: Partial<EventRecord> = {}): EventRecord {
  const seq = scope.head().seq + 1;
  return {
    seq,
    id: eventId(seq),
    type: "task.created",
    taskId: taskId(seq),
    epoch: 0,
    at: 1_000,
    by: "worker-1",
    commandId: null,
    content: null,
    causedBy: null,
    facts: "{}",
    ...changes,
  };
}

function append(store: Store, scope: ScopeStore, changes: Partial<EventRecord> = {}, body = "{}"): number {
  store.begin();
  const task = scope.append(record(scope, changes), body);
  store.commit();
  return task;
}

describe("an event", () => {
  it("comes back as it was written", () => {
    const { store, scope } = setup();
    const written = record(scope, {
      epoch: 3,
      at: Number.MAX_SAFE_INTEGER,
      by: "ä/😀 b\u0000c",
      commandId: "cmd 1",
      content: Uint8Array.from([0, 255, 7]),
      causedBy: eventId(9),
      facts: '{"a":"\\ud800"}',
    });

    append(store, scope, written, '{"b":1}');

    const stored = scope.event(1);
    expect({ ...stored, body: stored?.body, content: [...(stored?.content ?? [])] }).toMatchObject({
      ...written,
      content: [0, 255, 7],
      body: '{"b":1}',
    });
    expect(scope.eventByCommand("cmd 1")?.seq).toBe(1);
    expect(scope.eventByCommand("cmd 2")).toBeUndefined();
    expect(scope.event(2)).toBeUndefined();
  });

  it("keeps its body to the byte, inline or as a payload, over the border of 64 KiB and at 1 MB", () => {
    const { store, scope } = setup();
    const border = limits.payloadInlineBytes;
    const bodies = [border - 1, border, border + 1, 1_000_000].flatMap((bytes) => [
      JSON.stringify("x".repeat(bytes - 2)),
      JSON.stringify("ü".repeat(Math.ceil(bytes / 2))),
      JSON.stringify(`\ufeff\u0000\ud83d😀${"\\\n".repeat(Math.ceil(bytes / 4))}`),
    ]);

    for (const body of bodies) append(store, scope, {}, body);

    expect(bodies.map((_, index) => scope.event(index + 1)?.body === bodies[index])).toEqual(bodies.map(() => true));
    expect(findDamage(scope)).toEqual([]);
  });

  it("stores the same payload once, however often it is said, and not for another scope", () => {
    const { store, scope } = setup();
    const body = JSON.stringify("y".repeat(100_000));
    const other = store.scope("acme/other");

    for (let count = 0; count < 3; count += 1) append(store, scope, {}, body);
    append(store, other, {}, body);

    expect([1, 2, 3].every((seq) => scope.event(seq)?.body === body)).toBe(true);
    expect(other.event(1)?.body).toBe(body);
    expect([...findDamage(scope), ...findDamage(other)]).toEqual([]);
  });

  it("keeps any text that a schema takes, character for character, half surrogate pairs among them", async () => {
    const bench = createBench();
    const text = fc.string({
      unit: fc.oneof(fc.constantFrom("\ud800", "\udc00", "\u0000", "\ufeff", "😀"), fc.string()),
    });

    await fc.assert(
      fc.asyncProperty(text, async (brief) => {
        const id = await bench.start({ brief: `${brief}.`, data: { [brief]: brief } });
        const row = bench.store.scope(scopeName).task(id);
        const created = decodeBody(bench.store.scope(scopeName).event(row?.snapshotSeq ?? 0), "task.created");
        expect(created).toMatchObject({ brief: `${brief}.`, data: { [brief]: brief } });
      }),
      { numRuns: 100 },
    );
    expect(bench.problems()).toEqual([]);
  });
});

describe("the journal", () => {
  it("gives numbers without a gap, and a task the number of its first event", () => {
    const { store, scope } = setup();

    const task = append(store, scope);
    expect(append(store, scope, { task, taskId: taskId(1), type: "task.claimed" })).toBe(task);
    expect(append(store, scope)).not.toBe(task);

    expect(scope.head().seq).toBe(3);
    expect(scope.event(2)).toMatchObject({ task, taskId: taskId(1) });
  });

  it("is read in pages without a gap or a repeat, whole, by task and by type", () => {
    const { store, scope } = setup();
    const tasks = [1, 2, 3].map((n) => append(store, scope, { taskId: taskId(n) }));
    const tails = new Map<number, TailEntry[]>(tasks.map((task, index) => [task, [{ seq: index + 1 }]]));
    for (let count = 0; count < 97; count += 1) {
      const task = tasks[count % 3]!;
      append(store, scope, {
        task,
        taskId: taskId(1 + (count % 3)),
        type: count % 2 === 0 ? "step.begun" : "task.claimed",
      });
      const tail = [...tails.get(task)!, { seq: scope.head().seq }];
      const isFull = tail.length === 10;
      if (isFull) scope.enterTail(task, tail);
      else scope.putTail(task, tail);
      tails.set(task, isFull ? [] : tail);
    }
    const all = Array.from({ length: 100 }, (_, index) => index + 1);

    const readAll = (options: { task?: number; types?: string[] }, count: number): number[] => {
      const seen: number[] = [];
      for (let after = 0; ; ) {
        const page = scope.events({ after, count, ...options });
        if (page.length === 0) return seen;
        seen.push(...page.map(({ seq }) => seq));
        after = page.at(-1)!.seq;
      }
    };

    for (const size of [1, 7, 100, 500]) {
      expect(readAll({}, size)).toEqual(all);
      const byTask = tasks.flatMap((task) => readAll({ task }, size));
      expect(byTask.sort((a, b) => a - b)).toEqual(all);
      const types = [["task.created"], ["step.begun"], ["task.claimed"]];
      expect(types.flatMap((list) => readAll({ types: list }, size)).sort((a, b) => a - b)).toEqual(all);
      const both = tasks.flatMap((task) => types.flatMap((list) => readAll({ task, types: list }, size)));
      expect(both.sort((a, b) => a - b)).toEqual(all);
    }
    for (const task of tasks) {
      const ofTask = readAll({ task }, 100);
      const wanted = { task, count: 30 };
      expect(scope.lastEvents(wanted).map(({ seq }) => seq)).toEqual(ofTask.slice(-30));
      expect(scope.lastEvents({ ...wanted, types: ["task.created"] }).map(({ seq }) => seq)).toEqual(
        ofTask.slice(0, 1),
      );
      expect(readAll({ task }, 500).filter((seq) => seq > 5)).toEqual(ofTask.filter((seq) => seq > 5));
    }
  });

  it("has one head and one chain, that a later opening goes on from", () => {
    const file = join(tempFolder(), "aionis.db");
    const { ports, store, scope } = setup(file);
    append(store, scope);
    const head = scope.head();
    store.close();

    const again = openTestStore(file, ports);
    append(again, again.scope(scopeName));

    expect(again.scope(scopeName).chainAt(1)).toEqual(Buffer.from(head.chain));
    expect(again.scope(scopeName).head().seq).toBe(2);
    expect(findDamage(again.scope(scopeName))).toEqual([]);
  });

  it("is as it was after a rollback, heads and commands included", () => {
    const { store, scope } = setup();
    append(store, scope, { commandId: "a", content: new Uint8Array(16) });
    const before = { head: scope.head(), heads: store.heads() };

    store.begin();
    scope.append(record(scope, { commandId: "b" }), "{}");
    scope.append(record(scope), "{}");
    expect(scope.head().seq).toBe(3);
    expect(store.heads()).toEqual(before.heads); // as committed
    store.rollback();

    expect(scope.head()).toEqual(before.head);
    expect(scope.eventByCommand("b")).toBeUndefined();
    expect(append(store, scope, { commandId: "b" })).toBeGreaterThan(0);
    expect(scope.head().seq).toBe(2);
    expect(findDamage(scope)).toEqual([]);
    store.rollback(); // safe when nothing was begun
  });

  it("does not open a new scope within a transaction that may be taken back", () => {
    const { store } = setup();

    store.begin();
    expect(() => store.scope("acme/new")).toThrow();
    store.rollback();

    expect(store.scopeNames()).toEqual([scopeName]);
  });
});

describe("hashing", () => {
  it("gives equal bodies different hashes, so that an erased one cannot be guessed (J2)", () => {
    const { store, scope } = setup();
    append(store, scope, { id: eventId(1) });
    append(store, scope, { id: eventId(1) });

    expect(scope.chainAt(1)).not.toEqual(scope.chainAt(2));
  });
});
