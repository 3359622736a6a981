// Random handlers that ask in sequence and side by side, beside steps that fail and workers that die, and answers that come in any order,
// late, doubled and without a name. Some ask and do not wait: a step's function that goes on with its work, and a branch that goes on with
// what came first. Time is the test's own.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodeHeader, openStore } from "../../actors/index.ts";
import { type Connection, createConnection, type RunContext, type Worker } from "../../sdk/index.ts";
import type { PauseId, TaskId } from "../../src/contracts/ids.ts";
import { isFailure } from "../../src/index.ts";
import { createIds, createSeededRandom, noFaults, silentLogger } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { checkQuestions, toAnswer } from "../simulation/question-checker.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** A part of a handler. Its place in the program gives its question or step a name of its own. */
type Part =
  | { kind: "ask"; isNamed: boolean; expiresInMs: number | undefined }
  | { kind: "step"; ms: number; isFlaky: boolean }
  | { kind: "asking step"; ms: number }
  | { kind: "race"; ms: number; outsideMs: number }
  | { kind: "sequence" | "branches"; parts: Part[] };

/** What somebody outside does next. */
type Act = { kind: "pass" | "named" | "unnamed" | "late" | "doubled" | "die" | "look"; ms: number; pick: number };

const graceMs = 200;

const { part } = fc.letrec<{ part: Part }>((tie) => ({
  part: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      kind: fc.constant("ask" as const),
      isNamed: fc.boolean(),
      expiresInMs: fc.option(fc.integer({ min: 50, max: 2_000 }), { nil: undefined, freq: 4 }),
    }),
    fc.record({ kind: fc.constant("step" as const), ms: fc.integer({ min: 0, max: 400 }), isFlaky: fc.boolean() }),
    fc.record({ kind: fc.constant("asking step" as const), ms: fc.integer({ min: 0, max: 400 }) }),
    fc.record({
      kind: fc.constant("race" as const),
      ms: fc.integer({ min: 0, max: 400 }),
      outsideMs: fc.integer({ min: 0, max: graceMs - 50 }),
    }),
    fc.record({
      kind: fc.constantFrom("sequence" as const, "branches" as const),
      parts: fc.array(tie("part"), { minLength: 1, maxLength: 4 }),
    }),
  ),
}));
const program = fc.array(part, { minLength: 1, maxLength: 4 });
const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom("pass", "named", "named", "unnamed", "late", "doubled", "die", "look"),
  ms: fc.integer({ min: 0, max: 700 }),
  pick: fc.nat(),
});

const leaseMs = 1_000;
const tickMs = 10;

/** Waits of a client are no whole milliseconds; the time of day is. */
class WholeClock extends FakeClock {
  override now(): number {
    return Math.floor(super.now());
  }
}

/** A run of the handler. */
interface HandlerRun {
  ctx: RunContext;
  flaky: boolean;
  /** How many deaths and failures there had been when it began. */
  mishaps: number;
}

/** A runtime with a worker that runs `parts`, and a person who answers. */
class World {
  readonly clock = new WholeClock();
  readonly misled: string[] = [];
  /** Work that was begun again, or whose run ended, though nothing had died or failed. */
  readonly cut: string[] = [];
  readonly #begun = new Map<string, number>();
  #mishaps = 0;
  readonly #random = createSeededRandom(7);
  readonly #bus = createMemoryBus({ clock: this.clock });
  readonly store = openStore(":memory:", {
    durability: "process",
    ids: createIds(this.clock, this.#random),
    random: this.#random,
  });
  readonly #parts: Part[];
  #workers: Connection[] = [];
  #worker: Worker | undefined;
  #runtime: Awaited<ReturnType<typeof startRuntime>> | undefined;
  person: Connection;
  taskId: TaskId = "task_00000000000000000000";

  constructor(parts: Part[]) {
    this.#parts = parts;
    this.person = this.#connect("person");
  }

  #connect(agent: string): Connection {
    const shared = { scope: "test/asks", clock: this.clock, random: this.#random, logger: silentLogger };
    const beforeDrain = (): void => this.#runtime?.endWaits();
    return createConnection({ ...shared, transport: this.#bus.connect(), agent, beforeDrain });
  }

  async start(): Promise<void> {
    const { clock } = this;
    const ids = createIds(clock, this.#random);
    const ports = { clock, ids, random: this.#random, faults: noFaults, logger: silentLogger };
    this.#runtime = await startRuntime({
      ...ports,
      scope: "test/asks",
      store: this.store,
      transport: this.#bus.connect(),
      leaseMs,
    });
    this.launch();
    const retry = { attemptsMax: 1_000, lossesMax: 1_000, backoffMs: 10, backoffMaxMs: 10 };
    ({ taskId: this.taskId } = await this.answered(this.person.tasks.start({ brief: "Ask", retry })));
  }

  /** The answer of a call, for which as much time passes as it needs. */
  async answered<Answer>(call: Promise<Answer>): Promise<Answer> {
    let isSettled = false;
    const settled = call.finally(() => {
      isSettled = true;
    });
    settled.catch(() => {}); // it is awaited below
    await this.clock.settle();
    while (!isSettled) await this.clock.advance(tickMs);
    return await settled;
  }

  launch(): void {
    const connection = this.#connect(`worker-${this.#workers.length}`);
    this.#workers.push(connection);
    this.#worker = connection.worker({ agent: `worker-${this.#workers.length}`, graceMs }, async (task, ctx) => {
      const flaky = `${task.attempt}` === "1";
      const run = { ctx, flaky, mishaps: this.#mishaps };
      for (const [index, next] of this.#parts.entries()) await this.#run(next, `${index}`, run);
    });
  }

  die(): void {
    this.#mishaps += 1;
    void this.#worker?.stop();
    this.launch();
  }

  async #run(next: Part, place: string, run: HandlerRun): Promise<void> {
    const { ctx, flaky } = run;
    switch (next.kind) {
      case "ask":
        return await this.#ask(ctx, place, next);
      case "step":
        return await ctx.step(`step ${place}`, async () => {
          await this.#pass(next.ms);
          if (!next.isFlaky || !flaky) return;
          this.#mishaps += 1;
          throw new Error("no luck");
        });
      case "asking step":
        return await ctx.step(`step ${place}`, async () => {
          this.#begin(place, run);
          this.#ask(ctx, place, notNamed).catch(() => {}); // nothing waits for it
          await this.#pass(next.ms);
        });
      case "race":
        return await this.#race(run, place, next);
      case "sequence":
        for (const [index, inner] of next.parts.entries()) await this.#run(inner, `${place}.${index}`, run);
        return;
      case "branches":
        await Promise.all(next.parts.map((inner, index) => this.#run(inner, `${place}.${index}`, run)));
    }
  }

  /** What a step has done is done once. */
  #begin(place: string, { mishaps }: HandlerRun): void {
    if (this.#begun.get(place) === this.#mishaps) this.cut.push(`step ${place} began again`);
    this.#begun.set(place, mishaps);
  }

  /** Leaves its question alone when the step is done first, and works outside of the context then. */
  async #race({ ctx, mishaps }: HandlerRun, place: string, next: Extract<Part, { kind: "race" }>): Promise<void> {
    const step = ctx.step(`step ${place}`, () => this.#pass(next.ms).then(() => "step"));
    const asked = this.#ask(ctx, place, notNamed);
    asked.catch(() => {}); // it may end with the run
    const first = await Promise.race([asked, step]);
    await this.#pass(next.outsideMs);
    if (first === "step" && ctx.signal.aborted && mishaps === this.#mishaps) this.cut.push(`race ${place} was cut`);
    await step;
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(ms, resolve));
  }

  async #ask(ctx: RunContext, place: string, { isNamed, expiresInMs }: Extract<Part, { kind: "ask" }>): Promise<void> {
    const question = `Question ${place}?`;
    const named = isNamed ? { about: `question ${place}` } : {};
    const expiry = expiresInMs === undefined ? {} : { expiresIn: expiresInMs };
    try {
      const answer = z.object({ to: z.string() });
      const { to } = await ctx.pause({ question, answer, ...named, ...expiry });
      if (to !== question) this.misled.push(`"${question}" got what was said to "${to}"`);
    } catch (error) {
      if (!isFailure(error, "PAUSE_EXPIRED")) throw error;
    }
  }

  async close(): Promise<void> {
    void this.#worker?.stop();
    this.#runtime?.endWaits();
    const closed = Promise.all([this.person, ...this.#workers].map((connection) => connection.close()));
    const ended = closed.then(() => this.#runtime?.close());
    await this.clock.runAll();
    await ended;
  }
}

const notNamed = { kind: "ask", isNamed: false, expiresInMs: undefined } as const;

/** What a person knows: what they saw last, and what they answered. */
class Person {
  #seen: { pauseId: PauseId; question: string | undefined }[] = [];
  readonly #given: { pauseId: PauseId; question: string | undefined }[] = [];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async do({ kind, ms, pick }: Act): Promise<void> {
    const { clock } = this.#world;
    if (kind === "die") this.#world.die();
    if (kind === "look") await this.look();
    const from = kind === "late" || kind === "doubled" ? this.#given : this.#seen;
    const chosen = from[pick % Math.max(from.length, 1)];
    if (chosen !== undefined && kind !== "pass") {
      if (kind === "unnamed") {
        if (this.#seen.length === 1) await this.#say({ question: chosen.question });
      } else if (kind === "doubled") await Promise.all([this.#say(chosen), this.#say(chosen)]);
      else if (kind === "named" || kind === "late") await this.#say(chosen);
    }
    await clock.advance(ms);
  }

  async look(): Promise<boolean> {
    const { person, taskId } = this.#world;
    const { task, content } = await this.#world.answered(person.tasks.get({ taskId }));
    this.#seen = content.pauses.map(({ pauseId, question }) => ({ pauseId, question }));
    return "outcomeSeq" in task;
  }

  /** Answers all that is open. */
  async answerAll(): Promise<void> {
    for (const seen of this.#seen) await this.#say(seen);
  }

  async #say({ pauseId, question }: { pauseId?: PauseId; question: string | undefined }): Promise<void> {
    const { person, taskId } = this.#world;
    const id = pauseId === undefined ? {} : { pauseId };
    const said = person.tasks.answer({ taskId, ...id, answer: toAnswer(question) }).then(
      () => pauseId !== undefined && this.#given.push({ pauseId, question }),
      (error: unknown) => {
        if (!isFailure(error, "QUESTION_OVER", "PAUSE_AMBIGUOUS", "TASK_STATE_CONFLICT")) throw error;
      },
    );
    await this.#world.answered(said);
  }
}

const roundsMax = 300;

describe("any program of questions", () => {
  it("gets each answer where it belongs, keeps what works, and ends (Q2, Q4)", async () => {
    let answers = 0;
    const property = fc.asyncProperty(program, fc.array(act, { maxLength: 25 }), async (parts, acts) => {
      const world = new World(parts);
      const person = new Person(world);
      await world.start();

      for (const next of acts) await person.do(next);
      let rounds = 0;
      while (!(await person.look()) && rounds < roundsMax) {
        rounds += 1;
        await person.answerAll();
        await world.clock.advance(leaseMs);
      }

      const stored = world.store.scope("test/asks").events({ after: 0, count: 100_000 });
      const headers = stored.map((event) => decodeHeader(event));
      answers += headers.filter(({ type }) => type === "task.answered").length;
      await world.close();
      expect(world.misled).toEqual([]);
      expect(world.cut).toEqual([]);
      expect(checkQuestions(headers, stored)).toEqual([]);
      expect(rounds).toBeLessThan(roundsMax);
      expect(headers.map(({ type }) => type)).toContain("task.completed");
    });

    await fc.assert(property, { numRuns: 150, interruptAfterTimeLimit: 60_000 });
    expect(answers).toBeGreaterThan(20);
  });
});
