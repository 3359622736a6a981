import { describe, expect, it } from "vitest";
import { Line, type Place } from "../../sdk/line.ts";
import { createSeededRandom } from "../../src/kernel/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

function setup({ sentMax = 8 } = {}) {
  const clock = new FakeClock();
  const line = new Line({ sentMax, clock, random: createSeededRandom(1) });
  const sent: { agent: string; place: Place; at: number }[] = [];
  const ends: string[] = [];
  const toTurn = (agent: string, timeoutMs: number, signal?: AbortSignal) => {
    return { agent, bytes: 100, endsAt: clock.mono() + timeoutMs, signal };
  };
  const follow = async (agent: string, entering: Place | Promise<Place>): Promise<void> => {
    try {
      sent.push({ agent, place: await entering, at: clock.mono() });
    } catch (error) {
      ends.push(`${agent} ${(error as { code?: string }).code ?? String(error)}`); // a signal's reason has no code
    }
  };
  const ask = (agent: string, timeoutMs = 60_000, signal?: AbortSignal): void => {
    void follow(agent, line.enter(toTurn(agent, timeoutMs, signal)));
  };
  const refuse = (index: number, retryAfterMs: number, timeoutMs = 60_000): void => {
    const { agent, place } = sent[index] as (typeof sent)[number]; // it was sent
    void follow(agent, line.again(place, toTurn(agent, timeoutMs), retryAfterMs));
  };
  const agents = (): string[] => sent.map(({ agent }) => agent);
  return { clock, line, sent, ends, ask, refuse, agents };
}

describe("a client's line", () => {
  it("sends a call at once while there is a place, and none of an agent's past its part of them (L4)", async () => {
    const { clock, ask, agents } = setup();

    for (let index = 0; index < 10; index += 1) ask("greedy");
    ask("other");
    await clock.settle();

    expect(agents()).toEqual([...Array.from({ length: 6 }, () => "greedy"), "other"]);
  });

  it("sends those that wait in the agents' turns, and asks nobody meanwhile (L2, L4)", async () => {
    const { clock, line, sent, ask, agents } = setup();
    for (let index = 0; index < 100; index += 1) ask("greedy");
    for (let index = 0; index < 2; index += 1) ask("second");
    ask("third");
    await clock.settle();
    const before = agents().length;

    for (const { place } of sent.slice(0, 7)) {
      line.leave(place, true);
      await clock.settle();
    }

    expect(before).toBe(8);
    expect(agents()).toHaveLength(before + 7);
    expect(agents().slice(before)).toContain("third");
  });

  it("pauses an agent that is refused for the time told and up to as long again, and no other (L3)", async () => {
    const { clock, sent, ask, refuse, agents } = setup();
    ask("refused");
    await clock.settle();

    refuse(0, 1_000);
    ask("refused");
    ask("other");
    await clock.advance(999);
    const before = agents();
    await clock.advance(1_001);

    expect(before).toEqual(["refused", "other"]);
    expect(agents()).toEqual(["refused", "other", "refused", "refused"]);
    expect(sent[2]?.at).toBeGreaterThanOrEqual(1_000);
  });

  it("halves how many calls of a refused agent are on their way, down to a few (L3)", async () => {
    const { clock, sent, ask, refuse } = setup({ sentMax: 1_024 });
    for (let index = 0; index < 1_000; index += 1) ask("greedy");
    await clock.settle();
    const first = sent.length;

    for (let index = 0; index < first; index += 1) refuse(index, 100);
    await clock.advance(200);
    const second = sent.length - first;
    for (let index = first; index < first + second; index += 1) refuse(index, 100);
    await clock.advance(200);

    expect(first).toBe(256);
    expect(second).toBe(128);
    expect(sent.length - first - second).toBe(64);
  });

  it("ends a call whose time is over before it was sent with OVERLOADED, and one that is given up with the signal's reason", async () => {
    const { clock, ends, ask } = setup();
    const giveUp = new AbortController();
    for (let index = 0; index < 6; index += 1) ask("a");
    ask("a", 500);
    ask("a", 60_000, giveUp.signal);
    await clock.settle();

    giveUp.abort("enough");
    await clock.advance(500);

    expect(ends).toEqual(["a enough", "a OVERLOADED"]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("refuses before it is encoded what would wait for most of its time (L1)", async () => {
    const { clock, line, sent, ask } = setup();
    for (let index = 0; index < 400; index += 1) ask("a");
    for (let index = 0; index < 200; index += 1) {
      await clock.advance(10);
      line.leave((sent[index] as (typeof sent)[number]).place, true);
    }
    await clock.settle();

    expect(line.whyRefused("a", 1_000)).toMatchObject({
      code: "OVERLOADED",
      facts: { retryAfterMs: expect.any(Number) },
    });
    expect(line.whyRefused("a", 60_000)).toBeUndefined();
    expect(line.whyRefused("b", 1_000)).toBeUndefined();
  });

  it("does not send what would be answered after its caller has left (L1)", async () => {
    const { clock, line, sent, ends, ask, agents } = setup();
    const answer = async (index: number): Promise<void> => {
      await clock.advance(10);
      line.leave((sent[index] as (typeof sent)[number]).place, true);
      await clock.settle();
    };
    for (let index = 0; index < 200; index += 1) ask(index % 2 === 0 ? "a" : "b");
    for (let index = 0; index < 100; index += 1) await answer(index); // 10 ms each, and eight on their way

    ask("brief", 50);
    ask("patient", 500);
    await answer(100);
    await answer(101);

    expect(ends).toEqual(["brief OVERLOADED"]);
    expect(agents()).toContain("patient");
    expect(agents()).not.toContain("brief");
  });

  it("is OVERLOADED over its bound for one agent, and has room for another (L1)", async () => {
    const { line, ask } = setup();
    let asked = 0;
    for (; line.whyRefused("greedy", 60_000) === undefined; asked += 1) ask("greedy");

    expect(asked).toBeGreaterThan(30_000);
    expect(line.whyRefused("other", 60_000)).toBeUndefined();
  });
});
