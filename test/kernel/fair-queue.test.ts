import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairQueue, Fifo, type Lot, quantum } from "../../src/kernel/fair-queue.ts";

const names = ["a", "b", "c", "d"] as const;

function setup({ itemsMax = 1_000, bytesMax = 64 * 1024 * 1024 } = {}) {
  const closed = new Set<string>();
  const queue = new FairQueue<number>({ itemsMax, bytesMax, mayGo: ({ name }) => !closed.has(name) });
  let last = 0;
  const add = (name: string, bytes = 300): Lot<number> => {
    last += 1;
    return queue.add(queue.party(name), last, bytes);
  };
  const takeAll = (): string[] => {
    const taken: string[] = [];
    for (let lot = queue.take(); lot !== undefined; lot = queue.take()) taken.push(lot.party.name);
    return taken;
  };
  return { queue, add, takeAll, closed };
}

const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("add"), name: fc.constantFrom(...names), bytes: fc.nat(30_000) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("take"), bytes: fc.nat(200_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("forget"), at: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("close", "open"), name: fc.constantFrom(...names) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("putBack") }) },
);
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

describe("a fair queue", () => {
  it("gives each item once, those of a party in order, and counts what it has (Q1, Q2, Q6)", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions: readonly Action[]) => {
        const { queue, add, closed } = setup();
        const lines = new Map<string, Lot<number>[]>(names.map((name) => [name, []]));
        let taken: Lot<number> | undefined;
        const waiting = (): Lot<number>[] => [...lines.values()].flat();

        for (const step of actions) {
          if (step.do === "add" && "name" in step && "bytes" in step)
            lines.get(step.name)?.push(add(step.name, step.bytes));
          if (step.do === "forget" && "at" in step) {
            const lot = waiting()[step.at];
            if (lot !== undefined) queue.forget(lot);
            if (lot !== undefined)
              lines.set(
                lot.party.name,
                (lines.get(lot.party.name) ?? []).filter((each) => each !== lot),
              );
          }
          if (step.do === "close" && "name" in step) closed.add(step.name);
          if (step.do === "open" && "name" in step) {
            closed.delete(step.name);
            queue.wake(queue.party(step.name));
          }
          if (step.do === "putBack" && taken !== undefined) {
            queue.putBack(taken);
            lines.get(taken.party.name)?.unshift(taken);
            taken = undefined;
          }
          if (step.do === "take" && "bytes" in step) {
            taken = queue.take();
            if (taken === undefined) expect(waiting().every(({ party }) => closed.has(party.name))).toBe(true);
            else expect(lines.get(taken.party.name)?.shift()).toBe(taken);
            if (taken !== undefined) expect(closed.has(taken.party.name)).toBe(false);
            if (taken !== undefined) queue.charge(taken.party, step.bytes);
          }
          expect(queue.items).toBe(waiting().length);
          expect(queue.bytes).toBe(waiting().reduce((sum, { bytes }) => sum + bytes, 0));
        }
      }),
    );
  });

  it("lets others take at most two turns and two items between two items of a party (Q4, Q5)", () => {
    const itemMost = 30_000;
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), (actions: readonly Action[]) => {
        const { queue, add } = setup();
        const since = new Map<string, Map<string, number>>(); // by party that waits: what each other took since its last item
        add("patient", 100);
        since.set("patient", new Map());

        for (const step of actions) {
          if (step.do === "add" && "name" in step && "bytes" in step) add(step.name, step.bytes);
          if (step.do !== "take") continue;
          const lot = queue.take();
          if (lot === undefined) continue;
          if (lot.party.name === "patient") {
            since.set("patient", new Map());
            add("patient", 100); // it always has one waiting
            continue;
          }
          const taken = since.get("patient") as Map<string, number>;
          taken.set(lot.party.name, (taken.get(lot.party.name) ?? 0) + 1_024 + lot.bytes);
          expect(taken.get(lot.party.name)).toBeLessThan(2 * (quantum + 1_024 + itemMost));
        }
      }),
    );
  });

  it("serves a party that asks in turn after at most one turn of a greedy one, however much that has waiting (Q5)", () => {
    const { queue, add } = setup();
    for (let index = 0; index < 500; index += 1) add("greedy");
    for (let index = 0; index < 100; index += 1) queue.take();

    const taken: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      add("other");
      let before = 0;
      while (queue.take()?.party.name === "greedy") before += 1;
      taken.push(before);
    }

    expect(Math.max(...taken)).toBeLessThanOrEqual(Math.ceil(quantum / 1_324));
  });

  it("makes a party pay for large answers: one with small answers has its items first", () => {
    const { queue, add } = setup();
    for (let index = 0; index < 50; index += 1) add("large");
    for (let index = 0; index < 50; index += 1) add("small");

    const taken: string[] = [];
    for (let lot = queue.take(); lot !== undefined; lot = queue.take()) {
      taken.push(lot.party.name);
      if (lot.party.name === "large") queue.charge(lot.party, 4 * 1024 * 1024);
    }

    const lastSmall = taken.lastIndexOf("small");
    expect(taken.slice(0, lastSmall).filter((name) => name === "large").length).toBeLessThanOrEqual(1);
    expect(taken.length).toBe(100);
  });

  it("shares turns by bytes where items differ", () => {
    const { queue, add } = setup();
    for (let index = 0; index < 200; index += 1) add("heavy", 100_000);
    for (let index = 0; index < 20_000; index += 1) add("light", 100);

    const bytes = { heavy: 0, light: 0 };
    for (let index = 0; index < 5_000; index += 1) {
      const lot = queue.take();
      if (lot !== undefined) bytes[lot.party.name as keyof typeof bytes] += lot.bytes + 1_024;
    }

    expect(bytes.heavy / bytes.light).toBeGreaterThan(0.9);
    expect(bytes.heavy / bytes.light).toBeLessThan(1.1);
  });

  it("gives one party half of the room, and another one still has some (Q3)", () => {
    const { queue, add } = setup({ itemsMax: 100, bytesMax: 100_000 });
    const fill = (name: string, bytes: number): number => {
      let count = 0;
      for (; queue.hasRoom(queue.party(name), bytes); count += 1) add(name, bytes);
      return count;
    };

    expect(fill("greedy", 10)).toBe(50);
    expect(fill("second", 10)).toBe(25);
    expect(queue.hasRoom(queue.party("third"), 10)).toBe(true);
    expect(queue.hasRoom(queue.party("third"), 99_900)).toBe(false);
  });

  it("lets go of what was forgotten or swept of a party that has no turn, and keeps the order of the rest (Q2, Q7)", () => {
    const { queue, add, closed } = setup({ itemsMax: 10_000 });
    const party = queue.party("a");
    closed.add("a");
    queue.hold(party, 0);
    const kept = [add("a"), add("a")];

    for (let round = 0; round < 50; round += 1) {
      for (let index = 0; index < 50; index += 1) queue.forget(add("a"));
      const left = add("a");
      queue.sweep((item) => item === left.item);
    }
    kept.push(add("a"));
    const standing = party.line.length;
    closed.delete("a");
    queue.wake(party);

    expect(standing).toBeLessThan(100);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual([...kept, undefined]);
  });

  it("counts bytes in hand until they are released, and knows no party that has nothing here", () => {
    const { queue, add } = setup({ bytesMax: 1_000 });
    const lot = add("a", 400);
    queue.take();
    queue.hold(lot.party, 400);

    expect(queue.hasBytes(queue.party("a"), 400)).toBe(false);
    expect(queue.hasBytes(queue.party("b"), 600)).toBe(true);

    queue.release(lot.party, 400);
    queue.take();
    queue.leave(queue.party("b"));
    expect(queue.bytes).toBe(0);
    expect(queue.parties).toBe(0);
  });
});

it("a line keeps its order however it is filled and emptied", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("push", "shift", "shift", "unshift", "push"), { maxLength: 500 }),
      (actions) => {
        const line = new Fifo<number>();
        const model: number[] = [];
        for (const [index, step] of actions.entries()) {
          if (step === "push") line.push(index);
          if (step === "push") model.push(index);
          if (step === "unshift") line.unshift(index);
          if (step === "unshift") model.unshift(index);
          if (step === "shift" && model.length > 0) line.shift();
          if (step === "shift") model.shift();
          expect(line.first).toBe(model[0]);
          expect([...line]).toEqual(model);
        }
      },
    ),
  );
});
