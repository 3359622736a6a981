import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { openStore, verifyScope } from "../../../actors/index.ts";
import { openDatabase } from "../../../actors/store/database.ts";
import { createStore } from "../../../actors/store/open.ts";
import { scopeStride } from "../../../actors/store/schema.ts";
import { isFailure } from "../../../src/contracts/failures.ts";
import type { Store } from "../../../src/kernel/store.ts";
import { createBench, createPorts, findDamage, scopeName } from "../../support/store.ts";
import { packet } from "../../support/tasks.ts";

const events = 7;
const columns = ["scope", "task", "task_id", "id", "type", "epoch", "at", "actor", "command", "content", "caused_by"];
const rest = ["facts", "body_hash", "chain"];

/** A store whose bytes can be taken. */
function openInMemory() {
  const ports = createPorts();
  const database = openDatabase(":memory:", { ...ports, durability: "process" });
  const store = createStore(database, ":memory:", ports.random);
  return { database, store, bench: createBench({ store, ports }) };
}

type Change = (other: Database.Database) => void;

/** Lets somebody else change the bytes, and opens what comes of it. */
function openChanged<Result>(image: Uint8Array, change: Change, see: (store: Store) => Result): Result {
  const other = new Database(Buffer.from(image));
  change(other);
  const changed = other.serialize();
  other.close();
  const opened = openStore(":memory:", { ...createPorts(2), durability: "process", image: changed });
  try {
    return see(opened);
  } finally {
    opened.close();
  }
}

/** The bytes of a store with a few tasks in two scopes, as its file would hold them. */
async function setup() {
  const { database, store, bench } = openInMemory();
  const taskId = await bench.start({ checks: [{ name: "tests" }] }, { commandId: "c-1" });
  await bench.do("tasks.claim", { taskId }, { commandId: "c-2" });
  const step = { name: "s", ordinal: 0, outcome: { kind: "succeeded" as const, output: "z".repeat(70_000) } };
  await bench.do("tasks.step", { taskId, epoch: 1, step });
  await bench.do("tasks.delegate", { taskId, epoch: 1, to: "any", packet }, { commandId: "c-3" });
  await bench.do("handoff.offer", { taskId, epoch: 1, to: "any", packet });
  await bench.start();
  await bench.start({}, { scope: "acme/other" });
  expect(store.scope(scopeName).head().seq).toBe(events);
  expect(bench.problems()).toEqual([]);
  const image = database.serialize();
  store.close();

  const tamper = <Result>(change: Change, see: (store: Store) => Result): Result => openChanged(image, change, see);
  const damage = (change: Change) => tamper(change, (opened) => findDamage(opened.scope(scopeName)));
  const read = <Row>(sql: string): Row[] => {
    const other = new Database(Buffer.from(image));
    const found = other.prepare<[], Row>(sql).all();
    other.close();
    return found;
  };
  return { tamper, damage, read };
}

/** The value with one bit of one of its bytes turned, at its beginning, its middle and its end. */
function flips(value: unknown): unknown[] {
  if (value === null) return ["x", Buffer.from("x")];
  if (typeof value === "number") return [value + 1, value + 2 ** 20];
  const bytes = typeof value === "string" ? Buffer.from(value) : Buffer.from(value as Uint8Array);
  return [0, bytes.length >> 1, bytes.length - 1].map((index) => {
    const flipped = Buffer.from(bytes);
    flipped[index] = flipped[index]! ^ 1;
    return typeof value === "string" ? flipped.toString("latin1") : flipped;
  });
}

/** Writes a value whatever the column's type; what a STRICT table refuses was not changed. */
function put(other: Database.Database, table: string, column: string, pos: number, value: unknown): boolean {
  try {
    other.prepare(`UPDATE ${table} SET ${column} = ? WHERE pos = ?`).run(value, pos);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith("SQLITE_CONSTRAINT") === true) return false;
    throw error;
  }
}

describe("the check of a journal (I7)", () => {
  it("finds nothing in a journal that nobody touched", async () => {
    const { damage } = await setup();

    expect(damage(() => {})).toEqual([]);
  });

  for (const column of [...columns, ...rest]) {
    it(`names the event whose column ${column} was changed`, async () => {
      const { damage, read } = await setup();
      const rows = read<Record<string, unknown> & { pos: number }>(
        `SELECT * FROM events WHERE pos < ${2 * scopeStride} ORDER BY pos`,
      );
      expect(rows).toHaveLength(events);
      let tried = 0;

      for (const row of rows) {
        for (const value of flips(row[column])) {
          const seq = row.pos % scopeStride;
          let isPut = true;
          const found = damage((other) => {
            isPut = put(other, "events", column, row.pos, value);
          });
          if (!isPut) continue;
          tried += 1;
          expect(
            found.map((problem) => problem.seq),
            `${column} of ${seq}`,
          ).toContain(seq);
          expect(found[0]?.seq, `${column} of ${seq}`).toBe(seq);
        }
      }

      expect(tried).toBeGreaterThanOrEqual(events);
    });
  }

  it("names the event whose body, salt or payload was changed", async () => {
    const { damage, read } = await setup();
    const rows = read<{ pos: number; salt: Buffer; body: string | null; payload: Buffer | null }>(
      `SELECT * FROM bodies WHERE pos < ${2 * scopeStride} ORDER BY pos`,
    );

    for (const { pos, ...row } of rows) {
      for (const column of ["salt", "body", "payload"] as const) {
        for (const value of row[column] === null ? [] : flips(row[column])) {
          const found = damage((other) => void put(other, "bodies", column, pos, value));
          expect(found, column).toMatchObject([{ seq: pos % scopeStride, what: expect.stringContaining("body") }]);
        }
      }
    }
    const payload = read<{ bytes: Buffer }>("SELECT bytes FROM payloads")[0]!.bytes;
    for (const value of flips(payload)) {
      expect(damage((other) => other.prepare("UPDATE payloads SET bytes = ?").run(value))).toMatchObject([{ seq: 3 }]);
    }
    expect(damage((other) => other.exec("DELETE FROM payloads"))).toMatchObject([{ seq: 3 }]);
  });

  it("names a body that is gone, because nothing says that it was erased", async () => {
    const { damage } = await setup();
    const gone = `WHERE pos = ${scopeStride + 2}`;

    for (const sql of [`DELETE FROM bodies ${gone}`, `UPDATE bodies SET body = NULL ${gone}`]) {
      expect(
        damage((other) => other.exec(sql)),
        sql,
      ).toMatchObject([{ seq: 2, what: expect.stringContaining("gone") }]);
    }
  });

  it("finds a deleted event, wherever it stood", async () => {
    const { damage } = await setup();

    for (let seq = 1; seq < events; seq += 1) {
      const found = damage((other) => other.exec(`DELETE FROM events WHERE pos % ${scopeStride} = ${seq}`));
      expect(found[0], `event ${seq}`).toMatchObject({ seq, what: expect.stringContaining("missing") });
    }
  });

  it("finds two events that changed places, and one that moved away", async () => {
    const { damage } = await setup();
    const base = scopeStride;
    const move = (from: number, to: number) => `UPDATE events SET pos = ${base + to} WHERE pos = ${base + from};`;

    const swapped = damage((other) => other.exec(move(2, 99) + move(3, 2) + move(99, 3)));
    const moved = damage((other) => other.exec(move(6, 50)));

    expect(swapped.map(({ seq }) => seq)).toEqual(expect.arrayContaining([2, 3]));
    expect(moved[0]).toMatchObject({ seq: 6 });
  });

  it("reports one changed header once, and each of several", async () => {
    const { tamper, damage } = await setup();

    expect(damage((other) => other.exec(`UPDATE events SET epoch = 9 WHERE pos = ${scopeStride + 3}`))).toHaveLength(1);
    const all = (other: Database.Database) => other.exec("UPDATE events SET at = at + 1");
    expect(tamper(all, (store) => verifyScope(store.scope(scopeName)).problems.slice(0, 2))).toHaveLength(2);
  });

  it("of one scope is none of another's (I11)", async () => {
    const { tamper } = await setup();
    const change = (other: Database.Database) =>
      other.exec(`UPDATE events SET epoch = 9 WHERE pos < ${2 * scopeStride}`);

    expect(tamper(change, (store) => findDamage(store.scope("acme/other")))).toEqual([]);
  });
});

describe("verifyScope of a damaged journal", () => {
  it("names what is wrong and never throws, whatever column was changed", async () => {
    const { tamper, read } = await setup();
    const rows = read<Record<string, unknown> & { pos: number }>(`SELECT * FROM events WHERE pos < ${2 * scopeStride}`);

    for (const column of [...columns, ...rest]) {
      for (const row of rows) {
        for (const value of flips(row[column])) {
          const verified = tamper(
            (other) => put(other, "events", column, row.pos, value) || other.exec("UPDATE events SET epoch = 77"),
            (store) => verifyScope(store.scope(scopeName)),
          );
          expect(verified.ok, `${column} of ${row.pos % scopeStride}`).toBe(false);
        }
      }
    }
  }, 60_000);

  it("names the body that was changed and the task that needs it", async () => {
    const { tamper } = await setup();

    const verified = tamper(
      (other) => other.exec(`UPDATE bodies SET body = '{' WHERE pos = ${scopeStride + 1}`),
      (store) => verifyScope(store.scope(scopeName)),
    );

    expect(verified.problems).toMatchObject([{ seq: 1 }, { taskId: expect.stringMatching(/^task_/) }]);
  });
});

describe("a damaged event that is read", () => {
  const failure = (seq: number) =>
    expect.objectContaining({ code: "JOURNAL_DAMAGED", facts: expect.objectContaining({ scope: scopeName, seq }) });

  it("is JOURNAL_DAMAGED with its scope, sequence and type, whichever byte of its body was turned", async () => {
    const { tamper, read } = await setup();
    const bodies = read<{ pos: number; body: string }>(
      `SELECT pos, body FROM bodies WHERE body IS NOT NULL AND pos < ${2 * scopeStride}`,
    );
    const types = new Map(
      read<{ pos: number; type: string }>("SELECT pos, type FROM events").map(({ pos, type }) => [pos, type]),
    );
    let turned = 0;

    for (const { pos, body } of bodies) {
      for (let index = pos % 7; index < body.length; index += 7) {
        const flipped = Buffer.from(body);
        flipped[index] = flipped[index]! ^ (1 << (index % 7));
        const seq = pos % scopeStride;
        tamper(
          (other) => put(other, "bodies", "body", pos, flipped.toString("latin1")),
          (store) => {
            const event = store.scope(scopeName).event(seq);
            expect(() => event?.body).toThrow(failure(seq));
            expect(() => event?.body).toThrow(types.get(pos));
            for (const other of bodies.filter((each) => each.pos !== pos && each.pos < 2 * scopeStride))
              expect(store.scope(scopeName).event(other.pos % scopeStride)?.body).toBe(other.body);
          },
        );
        turned += 1;
      }
    }

    expect(turned).toBeGreaterThan(40);
  }, 60_000);

  it("is JOURNAL_DAMAGED when a column of its header was changed, and a page ends before it", async () => {
    const { tamper, read } = await setup();
    const rows = read<Record<string, unknown> & { pos: number }>(`SELECT * FROM events WHERE pos < ${2 * scopeStride}`);

    for (const column of [...columns.filter((name) => name !== "task_id"), ...rest]) {
      for (const row of rows) {
        const seq = row.pos % scopeStride;
        for (const value of flips(row[column])) {
          tamper(
            (other) => put(other, "events", column, row.pos, value) || other.exec("DELETE FROM events"),
            (store) => {
              const scope = store.scope(scopeName);
              if (scope.head().seq === 0) return; // a STRICT table refused the value
              expect(() => scope.event(seq), `${column} of ${seq}`).toThrow(failure(seq));
              expect(() => scope.events({ after: seq - 1, count: 10 })).toThrow(failure(seq));
              const before = Array.from({ length: seq - 1 }, (_, index) => index + 1);
              if (seq > 1) expect(scope.events({ after: 0, count: 10 }).map((event) => event.seq)).toEqual(before);
            },
          );
        }
      }
    }
  }, 60_000);

  it("is one that follows a missing event, because nothing tells any more that it was not changed", async () => {
    const { tamper } = await setup();

    tamper(
      (other) => other.exec(`DELETE FROM events WHERE pos = ${scopeStride + 3}`),
      (store) => {
        expect(() => store.scope(scopeName).event(4)).toThrow(failure(4));
        expect(store.scope(scopeName).event(5)?.seq).toBe(5);
      },
    );
  });
});

describe.each([
  ["in the index", true],
  ["in the tail", false],
])("the list of a task's steps, %s", (_, isIndexed) => {
  const names = ["s0", "s1", "s2"];

  /** A task whose first step failed once, so that one of its events is passed over. */
  async function setupSteps() {
    const { database, store, bench } = openInMemory();
    const taskId = await bench.start();
    await bench.do("tasks.claim", { taskId });
    const failed = { kind: "failed", error: "not yet", retryable: true } as const;
    await bench.do("tasks.step", { taskId, epoch: 1, step: { name: "s0", ordinal: 0, outcome: failed } });
    for (const name of names)
      await bench.do("tasks.step", { taskId, epoch: 1, step: { name, ordinal: 0, outcome: { kind: "succeeded" } } });
    if (isIndexed) await bench.do("tasks.complete", { taskId, epoch: 1 });
    const image = database.serialize();
    store.close();

    const read = (opened: Store): string[] => {
      const scope = opened.scope(scopeName);
      const task = scope.task(taskId)?.task ?? 0;
      const found: string[] = [];
      for (let after = 0; ; ) {
        const { steps, next } = scope.stepsWithin({ task, after, count: 100 }); // a part may end before a damaged event
        found.push(...steps.map(({ facts }) => String(JSON.parse(facts).name)));
        if (next === undefined) return found;
        after = next;
      }
    };
    const list = (change: Change): unknown => {
      try {
        return openChanged(image, change, read);
      } catch (error) {
        return isFailure(error) ? error.code : error;
      }
    };
    const rows = new Database(Buffer.from(image));
    const steps = rows.prepare<[], { pos: number; type: string; facts: string }>(
      "SELECT pos, type, facts FROM events WHERE type LIKE 'step.%'",
    );
    return { list, events: steps.all() };
  }

  it("has them all when nobody touched the store", async () => {
    const { list } = await setupSteps();

    expect(list(() => {})).toEqual(names);
  });

  it.each(["type", "facts"] as const)("lacks none without a word, whichever byte of %s was turned", async (column) => {
    const { list, events } = await setupSteps();

    const seen = events.flatMap((event) => {
      const bytes = Buffer.from(event[column]);
      return [...bytes.keys()].map((index) => {
        const flipped = Buffer.from(bytes);
        flipped[index] = flipped[index]! ^ 1;
        return list((other) => {
          other.prepare(`UPDATE events SET ${column} = ? WHERE pos = ?`).run(flipped.toString("latin1"), event.pos);
        });
      });
    });

    expect(new Set(seen)).toEqual(new Set(["JOURNAL_DAMAGED"]));
  });

  it("lacks none without a word when its row is gone or stale", async () => {
    const { list } = await setupSteps();

    for (const change of ["DELETE FROM steps WHERE name = 's1'", "UPDATE steps SET seq = seq - 1 WHERE name = 's2'"])
      expect(list((other) => void other.exec(change))).toEqual(isIndexed ? "JOURNAL_DAMAGED" : names);
  });
});
