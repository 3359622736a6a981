import { describe, expect, it } from "vitest";
import { AionisError } from "../../src/contracts/failures.ts";
import { createSlices, type SlicedWork } from "../../src/runtime/slices.ts";
import { createTurns } from "../../src/runtime/turns.ts";

/** A clock on which nothing but a part takes time, and slices whose turns a test takes one by one. */
function setup(bounds: { begunMax?: number; waitingMax?: number; waitMs?: number } = {}) {
  let now = 0;
  let deferred: (() => void)[] = [];
  const clock = { mono: () => now, defer: (run: () => void) => void deferred.push(run) };
  const slices = createSlices({ clock, ...bounds });
  const log: string[] = [];
  /** A work of `count` parts that take `ms` each. */
  function* parts(name: string, count: number, ms: number): Generator<number, string, void> {
    for (let part = 1; part <= count; part += 1) {
      now += ms;
      log.push(name);
      yield part;
    }
    return name;
  }
  const work = (party: string, more: Partial<SlicedWork<number>> = {}) => ({ party, isWanted: () => true, ...more });
  const take = (
    party: string,
    count: number,
    { ms = 1, ...more }: Partial<SlicedWork<number>> & { ms?: number } = {},
  ) => slices.take(parts(party, count, ms), work(party, more));
  /** One turn of the event loop; gives what was done in it. */
  const turn = async (): Promise<string> => {
    log.length = 0;
    const batch = deferred;
    deferred = [];
    for (const run of batch) run();
    const done = log.join("");
    await new Promise(setImmediate); // promises that are ready go on
    return done;
  };
  return { slices, take, turn, log, isIdle: () => deferred.length === 0 };
}

describe("slices of two scopes in one process", () => {
  it("are taken one after the other, however many agents one of them has (S1)", async () => {
    const turns = createSharedTurns();
    const [busy, other] = [setupOn(turns), setupOn(turns)];

    for (const agent of ["a", "b", "c"]) void busy.take(agent);
    void other.take("d");
    const done: string[] = [];
    for (let turn = 0; turn < 8; turn += 1) done.push(turns.next());

    expect(done.join(" ")).toBe("a d b d c d a d");
  });

  it("leave the turn to the next scope when one has nothing more to do", async () => {
    const turns = createSharedTurns();
    const [idle, other] = [setupOn(turns), setupOn(turns)];

    expect(idle.take("a", 1)).toBe("a"); // done at once, in the rest of the turn
    void other.take("b");

    expect([turns.next(), turns.next()]).toEqual(["b", "b"]);
  });
});

/** A clock of which a test takes the turns; each gives the part that was done in it. */
function createSharedTurns() {
  let now = 0;
  let deferred: (() => void)[] = [];
  let log: string[] = [];
  const clock = { mono: () => now, defer: (run: () => void) => void deferred.push(run) };
  return {
    clock,
    turns: createTurns(clock),
    did(name: string): void {
      now += 4;
      log.push(name);
    },
    next(): string {
      log = [];
      const batch = deferred;
      deferred = [];
      for (const run of batch) run();
      return log.join("+");
    },
  };
}

function setupOn({ clock, turns, did }: ReturnType<typeof createSharedTurns>) {
  const slices = createSlices({ clock, turns });
  function* parts(name: string, count: number): Generator<void, string, void> {
    for (let part = 1; part < count; part += 1) {
      did(name);
      yield;
    }
    return name;
  }
  return { take: (party: string, count = 10) => slices.take(parts(party, count), { party, isWanted: () => true }) };
}

describe("long work in slices", () => {
  it("is done at once when it needs no more than a slice", () => {
    const { take } = setup();

    expect(take("a", 3)).toBe("a");
  });

  it("takes no more than a slice and the part that was begun, turn by turn (S1)", async () => {
    const { take, turn, log, isIdle } = setup();

    const done = take("a", 10, { ms: 3 });

    expect(log.join("")).toBe("aa"); // 6 ms
    expect([await turn(), await turn(), await turn(), await turn()]).toEqual(["aa", "aa", "aa", "aa"]);
    await turn();
    expect(await done).toBe("a");
    await turn();
    expect(isIdle()).toBe(true);
  });

  it("leaves no more of a turn to the next one than the first has left (S1)", async () => {
    const { take, turn, log } = setup();

    const [first, second, third] = [take("a", 3), take("b", 10), take("c", 1)];

    expect(first).toBe("a");
    expect(log.join("")).toBe("aaab"); // 4 ms: the next turn goes on
    expect(await turn()).toBe("bbbb");
    expect(await turn()).toBe("c");
    await turn();
    await turn();
    expect(await Promise.all([second, third])).toEqual(["b", "c"]);
  });

  it("goes on with one party after the other, and does the work of each in order (S2)", async () => {
    const { take, turn } = setup();
    const ends: string[] = [];
    for (const [name, party] of [
      ["long", "a"],
      ["next", "a"],
      ["other", "b"],
    ] as const)
      void Promise.resolve(take(party, 8)).then(() => ends.push(name));

    const turns = [];
    for (let count = 0; count < 8; count += 1) turns.push(await turn());

    expect(turns.filter((done) => done !== "").map((done) => done[0])).toEqual(["a", "b", "b", "a", "a"]);
    expect(ends).toEqual(["long", "other", "next"]);
  });

  it("begins no more than so much at a time, and the next when one has ended (S3)", async () => {
    const { take, turn } = setup({ begunMax: 2 });
    const works = ["a", "b", "c"].map((party) => Promise.resolve(take(party, 6)));

    const turns = [];
    for (let count = 0; count < 12; count += 1) turns.push(await turn());

    expect(await Promise.all(works)).toEqual(["a", "b", "c"]);
    const order = turns.join("");
    expect(order.indexOf("c")).toBeGreaterThan(Math.min(order.lastIndexOf("a"), order.lastIndexOf("b")));
  });

  it("refuses what a party has no room for, with a time to wait, and takes another party's (S3)", async () => {
    const { take, turn } = setup({ waitingMax: 2, waitMs: 0 });
    const asked = ["a", "a", "a", "a", "b"].map((party) =>
      Promise.resolve(take(party, 6)).catch((error: unknown) => error),
    );
    for (let count = 0; count < 16; count += 1) await turn();

    const ends = await Promise.all(asked);

    expect(ends.filter((end) => typeof end === "string")).toEqual(["a", "a", "a", "b"]);
    expect(ends[3]).toMatchObject({ code: "OVERLOADED", facts: { retryAfterMs: 25 } });
  });

  it("takes many short works of one party, which have their turn soon", async () => {
    const { take, turn } = setup();

    const done = Promise.all(Array.from({ length: 60 }, () => Promise.resolve(take("a", 2))));
    for (let count = 0; count < 80; count += 1) await turn();

    expect(await done).toHaveLength(60);
  });

  it("keeps no room for waiting work that nobody wants any more (S4)", async () => {
    const { take, turn } = setup({ waitingMax: 1, waitMs: 0 });
    let isWanted = true;
    const first = Promise.resolve(take("a", 6));
    const left = Promise.resolve(take("a", 6, { isWanted: () => isWanted })).catch((error: unknown) => error);

    isWanted = false;
    const next = Promise.resolve(take("a", 6));
    for (let count = 0; count < 8; count += 1) await turn();

    expect(await left).toMatchObject({ code: "RUNTIME_CLOSED" });
    expect(await Promise.all([first, next])).toEqual(["a", "a"]);
  });

  it("is given up before its next slice when nobody waits for it (S4)", async () => {
    const { take, turn } = setup();
    let isWanted = true;
    const done = Promise.resolve(take("a", 100, { isWanted: () => isWanted })).catch((error: unknown) => error);
    expect(await turn()).toBe("aaaa");

    isWanted = false;

    expect(await turn()).toBe("");
    expect(await done).toMatchObject({ code: "RUNTIME_CLOSED" });
  });

  it("fails with what a part throws, at once or later, and makes way for the next", async () => {
    const { slices, take, turn } = setup();
    function* failing(after: number): Generator<undefined, string, void> {
      for (let part = 0; part < after; part += 1) yield;
      throw new AionisError("JOURNAL_DAMAGED", "It is damaged.");
    }
    const work = { party: "a", isWanted: () => true };

    expect(() => slices.take(failing(0), work)).toThrow("It is damaged.");
    await turn();
    const later = Promise.resolve(take("a", 5));
    const failed = Promise.resolve(slices.take(failing(2), work)).catch((error: unknown) => error);
    for (let count = 0; count < 4; count += 1) await turn();

    expect(await later).toBe("a");
    expect(await failed).toMatchObject({ code: "JOURNAL_DAMAGED" });
  });

  it("tells of each part that was not the last, and runs in turns of its own where it has them", async () => {
    const { take, turn } = setup();
    const steps: number[] = [];
    let turns = 0;
    const inTurn = async (slice: () => void): Promise<void> => {
      turns += 1;
      slice();
    };

    const done = take("a", 6, { inTurn, onStep: (step) => void steps.push(step) });
    for (let count = 0; count < 5; count += 1) await turn();

    expect(await done).toBe("a");
    expect([turns, steps]).toEqual([2, [1, 2, 3, 4, 5, 6]]);
  });
});
