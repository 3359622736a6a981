import { describe, expect, it } from "vitest";
import { limits } from "../../src/contracts/limits.ts";
import { createAdmission } from "../../src/runtime/admission.ts";
import { createSubjects, type IncomingRequest, type Reply } from "../../transport/index.ts";
import { FakeClock } from "../support/fake-clock.ts";

const subjects = createSubjects({ tenant: "test", project: "admission" });
const toBytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Calls are worked on in `workMs` each, and answered with their agent's name; commands wait as `commands` says. */
function setup({
  workMs = 0,
  largeFor,
  holdsAnswers = false,
  callBytes,
}: {
  workMs?: number;
  largeFor?: string;
  holdsAnswers?: boolean;
  callBytes?: number;
} = {}) {
  const clock = new FakeClock();
  const worked: string[] = [];
  const refused: number[] = [];
  const gone: (() => void)[] = [];
  const state = { commands: 0, mono: 0 };
  const admit = createAdmission({
    handle(request) {
      worked.push(`${request.subject.split(".")[5]} ${new TextDecoder().decode(request.payload.subarray(0, 20))}`);
      state.mono += workMs;
      return { payload: new Uint8Array(request.subject.includes(`.${largeFor}.`) ? 1_000_000 : 10) };
    },
    refuse(_request, retryAfterMs) {
      refused.push(retryAfterMs);
      return { payload: toBytes("refused") };
    },
    commandsWaiting: () => state.commands,
    callBytes,
    clock: { mono: () => clock.mono() + state.mono, defer: (run) => clock.defer(run) },
  });
  const ask = (
    agent: string,
    {
      text = "",
      operation = "tasks.get",
      ...rest
    }: Partial<IncomingRequest> & { text?: string; operation?: string } = {},
  ) =>
    Promise.resolve(
      admit({
        ...{ subject: subjects.rpc(agent, operation), payload: toBytes(text), headers: {}, timeoutMs: 5_000 },
        ...{ isWanted: () => true, ...rest },
      }),
    ).then((reply) => {
      if (reply.onGone !== undefined) gone.push(reply.onGone);
      if (!holdsAnswers) for (const tell of gone.splice(0)) tell();
      return reply;
    });
  return { clock, worked, refused, gone, state, ask };
}

const isRefused = (reply: Reply): boolean => new TextDecoder().decode(reply.payload) === "refused";

const isWaiting = (...replies: Promise<Reply>[]): Promise<boolean> =>
  Promise.race([...replies.map((reply) => reply.then(() => false)), Promise.resolve().then(() => true)]);

describe("admission", () => {
  it("answers a call at once while there is room", () => {
    const { worked, ask } = setup();

    void ask("a", { text: "1" });

    expect(worked).toEqual(["a 1"]);
  });

  it("takes up no more than commits can follow, and goes on when they have (A5)", async () => {
    const { clock, worked, state, ask } = setup();
    state.commands = 2 * limits.commandsPerTurn;
    const asked = [ask("a", { text: "1" }), ask("a", { text: "2" })];

    expect(worked).toEqual([]);
    state.commands = 0;
    await clock.settle();

    await Promise.all(asked);
    expect(worked).toEqual(["a 1", "a 2"]);
  });

  it("drops a call unparsed whose time is over, or whose caller has left, when its turn comes (A1)", async () => {
    const { worked, state, clock, ask } = setup();
    state.commands = 1_000;
    const asked = [
      ask("a", { text: "late", timeoutMs: 100 }),
      ask("a", { text: "left", isWanted: () => false }),
      ask("a", { text: "there" }),
    ].map((reply) =>
      reply.then(
        () => "answered",
        (error: { code: string }) => error.code,
      ),
    );
    state.mono += 100;

    state.commands = 0;
    await clock.settle();

    expect(await Promise.all(asked)).toEqual(["TRANSPORT_TIMEOUT", "TRANSPORT_TIMEOUT", "answered"]);
    expect(worked).toEqual(["a there"]);
  });

  it("serves a caller that asks in turn after at most a few calls of one that sent many (A2)", async () => {
    const { worked, state, clock, ask } = setup();
    state.commands = 1_000;
    for (let index = 0; index < 1_000; index += 1) void ask("greedy");
    const others = Array.from({ length: 5 }, (_, index) => ask(`other-${index}`));

    state.commands = 0;
    await clock.settle();

    await Promise.all(others);
    const turns = others.map((_, index) => worked.indexOf(`other-${index} `));
    expect(Math.max(...turns)).toBeLessThan(20);
    expect(worked.length).toBe(1_005);
  });

  it("lets one with large answers have one call of these, while others have all of their small ones (A2)", async () => {
    const { worked, state, clock, ask } = setup({ largeFor: "reader" });
    state.commands = 1_000;
    for (let index = 0; index < 50; index += 1) void ask("reader");
    for (let index = 0; index < 5; index += 1) void ask("other");

    state.commands = 0;
    await clock.settle();

    expect(worked.lastIndexOf("other ")).toBeLessThanOrEqual(6);
    expect(worked.length).toBe(55);
  });

  it("takes up no call of one that does not take its answers, until it does (A4)", async () => {
    const { clock, worked, gone, ask } = setup({ largeFor: "reader", holdsAnswers: true });
    const room = Math.ceil(limits.callerAnswerBytes / 1_000_000);

    for (let index = 0; index < room + 10; index += 1) void ask("reader");
    void ask("other");
    await clock.settle();
    const before = worked.filter((who) => who === "reader ").length;
    for (const tell of gone.splice(0)) tell();
    await clock.settle();

    expect(before).toBe(room);
    expect(worked).toContain("other ");
    expect(worked.filter((who) => who === "reader ").length).toBe(room + 10);
  });

  it("drops a call whose time is over, though its caller takes no answers, when others need its place (A1, A4)", async () => {
    const { state, clock, ask } = setup({ largeFor: "reader", holdsAnswers: true, callBytes: 40_000_000 });
    for (let index = 0; index < 30; index += 1) void ask("reader");
    await clock.settle();
    const late = ask("reader", { timeoutMs: 100 }).then(
      () => "answered",
      (error: { code: string }) => error.code,
    );
    state.mono += 1_000;

    const refused = await ask("other", { payload: new Uint8Array(41_000_000) });

    expect(isRefused(refused)).toBe(true);
    expect(await late).toBe("TRANSPORT_TIMEOUT");
  });

  it("keeps an agent's heartbeats apart from its other calls", async () => {
    const { worked, state, clock, ask } = setup();
    state.commands = 1_000;
    for (let index = 0; index < 1_000; index += 1) void ask("a", { text: "call" });
    void ask("a", { text: "beat", operation: "tasks.heartbeat" });

    state.commands = 0;
    await clock.settle();

    expect(worked.indexOf("a beat")).toBeLessThan(20);
  });

  it("refuses what does not fit, with a time to wait, and still has room for another caller (A3)", async () => {
    const { refused, state, ask } = setup();
    state.commands = 1_000;
    const asked = Array.from({ length: limits.callsQueued }, () => ask("greedy"));
    const other = ask("other");
    state.mono += 1;

    const replies = await Promise.all(asked.slice(limits.callsQueued / 2));

    expect(replies.every(isRefused)).toBe(true);
    expect(refused.length).toBe(limits.callsQueued / 2);
    expect(Math.min(...refused)).toBeGreaterThan(0);
    expect(await isWaiting(other)).toBe(true);
  });

  it("refuses by bytes what would be too much, though there are few calls (A3)", async () => {
    const { state, ask } = setup({ callBytes: 1_000 });
    state.commands = 1_000;
    void ask("a", { payload: new Uint8Array(400) });

    const second = await ask("a", { payload: new Uint8Array(400) });
    const other = ask("b", { payload: new Uint8Array(300) });

    expect(isRefused(second)).toBe(true);
    expect(await isWaiting(other)).toBe(true);
  });

  it("refuses a call that would wait for most of its time, and takes one that has more of it (A3)", async () => {
    const { clock, state, ask } = setup({ workMs: 10 });
    for (let index = 0; index < 500; index += 1) void ask("a");
    await clock.settle(); // so that it knows that each takes 10 ms
    state.commands = 1_000;
    for (let index = 0; index < 100; index += 1) void ask("a", { timeoutMs: 60_000 });

    const short = await ask("a", { timeoutMs: 1_000 });
    const long = ask("a", { timeoutMs: 60_000 });
    const other = ask("b", { timeoutMs: 1_000 });

    expect(isRefused(short)).toBe(true);
    expect(await isWaiting(long, other)).toBe(true);
  });
});
