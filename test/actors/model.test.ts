import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rebuildScope, verifyScope } from "../../actors/index.ts";
import { type Command, toTaskState } from "../../machines/index.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import type { Store } from "../../src/kernel/store.ts";
import { type Bench, createBench, createPorts, openTestStore, outcomeOf, scopeName } from "../support/store.ts";
import {
  type Act,
  type Asked,
  apply,
  attemptsMax,
  createModelTask,
  delegationsMax,
  hasEnded,
  lossesMax,
  type ModelTask,
} from "../support/task-model.ts";
import { packet, packetId, toCommand } from "../support/tasks.ts";

const agents = ["ann", "bob", "cyd"]; // cyd reviews
const retry = { attemptsMax, lossesMax, backoffMs: 0, backoffMaxMs: 0 };

const everywhere: Act[] = [
  { kind: "claim" },
  { kind: "step" },
  { kind: "complete" },
  { kind: "pause", asks: true },
  { kind: "offer", to: "any" },
  { kind: "verify", passes: true },
  { kind: "fail", retryable: true },
  { kind: "delegate" },
  { kind: "expire" },
  { kind: "resume" },
  { kind: "answer" },
  { kind: "decline" },
  { kind: "withdraw" },
  { kind: "release" },
  { kind: "cancel" },
];
/** What goes on from each state; most commands are drawn from here. */
const fitting: Record<ModelTask["state"], Act[]> = {
  start: [{ kind: "claim" }],
  running: [
    { kind: "step" },
    { kind: "step" },
    { kind: "stepThatFails" },
    { kind: "pause", asks: true },
    { kind: "pause", asks: false },
    { kind: "offer", to: "any" },
    { kind: "offer", to: "review" },
    { kind: "complete" },
    { kind: "complete" },
    { kind: "delegate" },
    { kind: "fail", retryable: true },
    { kind: "fail", retryable: true },
    { kind: "expire" },
    { kind: "release" },
    { kind: "release" },
  ],
  paused: [{ kind: "answer" }, { kind: "resume" }],
  handoff: [{ kind: "claim" }, { kind: "claim" }, { kind: "decline" }, { kind: "withdraw" }],
  verifying: [
    { kind: "verify", passes: true },
    { kind: "verify", passes: false },
    { kind: "expire" },
    { kind: "release" },
    { kind: "fail", retryable: false },
  ],
  succeeded: [{ kind: "answer" }, { kind: "cancel" }],
  failed: [{ kind: "claim" }, { kind: "cancel" }],
  cancelled: [{ kind: "cancel" }, { kind: "answer" }],
};
/** Mostly what the owner would do under its epoch; now and then anything, by somebody else, or by somebody late. */
const command = fc.record({
  isFitting: fc.nat({ max: 9 }).map((drawn) => drawn > 0),
  act: fc.nat(),
  task: fc.nat(),
  claimant: fc.constantFrom(...agents),
  isStranger: fc.nat({ max: 9 }).map((drawn) => drawn === 9),
  late: fc.nat({ max: 19 }).map((drawn) => (drawn === 19 ? 1 : 0)),
});
type Drawn = typeof command extends fc.Arbitrary<infer Value> ? Value : never;
const round = fc.record({
  event: fc.constantFrom("none", "none", "none", "none", "none", "start", "wait", "fault", "restart"),
  commands: fc.array(command, { minLength: 3, maxLength: 8 }),
});

class World {
  readonly ports = createPorts();
  readonly store: Store = openTestStore(":memory:", this.ports);
  bench: Bench = createBench({ ports: this.ports, store: this.store });
  tasks: ModelTask[] = [];
  #ordinal = 0;

  get scope() {
    return this.store.scope(scopeName);
  }

  async start(): Promise<void> {
    const checks = this.tasks.length % 2 === 0 ? [] : ["tests"];
    const budget = { count: delegationsMax, depth: 1 };
    const id = await this.bench.start({ retry, budget, checks: checks.map((name) => ({ name })) });
    this.tasks.push(createModelTask(id, checks));
  }

  /** Closes the actor and starts another on the same store. */
  restart(): void {
    this.bench.persistence.close();
    this.bench = createBench({ ports: this.ports, store: this.store });
  }

  /** Submits commands of one turn and holds what comes of them against the model. */
  async run(drawn: Drawn[], isFaulty: boolean): Promise<void> {
    const headBefore = this.scope.head().seq;
    if (isFaulty) this.bench.faultsAt.add("commit.before");
    const asked: { by: Asked; task: ModelTask; promise: Promise<unknown> }[] = [];
    for (const next of drawn) {
      const task = this.tasks[next.task % this.tasks.length]!;
      const acts = next.isFitting ? fitting[task.state] : everywhere;
      const by = next.isStranger ? next.claimant : (task.owner ?? next.claimant);
      const epoch = Math.max(task.epoch - next.late, 1);
      const at = this.ports.clock.now();
      const full: Asked = { ...acts[next.act % acts.length]!, by, epoch, at, isReviewer: by === "cyd" };
      asked.push({ by: full, task, promise: this.bench.ask(this.toCommand(task, full), { by }) });
      if (!isFaulty) await this.settleOne(asked.pop()!);
    }
    if (!isFaulty) return;
    const outcomes = Promise.all(asked.map(({ promise }) => outcomeOf(promise)));
    await this.ports.clock.settle();
    expect(new Set(await outcomes)).toEqual(new Set(["OUTCOME_UNKNOWN"]));
    expect(this.scope.head().seq).toBe(headBefore);
  }

  async settleOne({ by, task, promise }: { by: Asked; task: ModelTask; promise: Promise<unknown> }): Promise<void> {
    const before = this.scope.head().seq;
    const label = `${by.kind} by ${by.by}@${by.epoch} on ${task.state}@${task.epoch} of ${task.owner}`;
    const outcome = outcomeOf(promise);
    await this.ports.clock.settle();
    const made = this.scope.head().seq > before;
    const said = await outcome;

    const expected = apply(task, by);
    if (expected === "either") expect(made, label).toBe(false);
    else expect(`${made ? "taken" : "refused"} ${made ? "" : said}`, label).toMatch(expected);
    if (made && by.kind === "delegate") this.adopt(task);
    await this.deliver();
  }

  adopt(parent: ModelTask): void {
    const open = this.bench.persistence.snapshot(scopeName, parent.id as TaskId)?.context.childrenOpen ?? [];
    const childId = open.at(-1)?.childId ?? "";
    const child = createModelTask(childId, [], parent);
    parent.children.add(child);
    this.tasks.push(child);
  }

  /** What the outbox does: the children of an ended task are cancelled. */
  async deliver(): Promise<void> {
    for (const { taskId } of this.scope.outbox({ after: 0, count: 100 })) {
      await this.bench.do("tasks.cancel", { taskId }, { by: "runtime" });
      const child = this.tasks.find(({ id }) => id === taskId)!;
      const stranger: Asked = { kind: "cancel", by: "runtime", epoch: 0, at: 0, isReviewer: false };
      expect(apply(child, stranger)).toBe("taken");
    }
    for (const task of this.tasks.filter(hasEnded)) {
      for (const child of task.children) expect(hasEnded(child)).toBe(true);
    }
  }

  toCommand(task: ModelTask, asked: Asked): Command {
    const taskId = task.id as TaskId;
    const own = { taskId, epoch: asked.epoch };
    const roles = asked.isReviewer ? ["review"] : [];
    const offered = this.bench.persistence.snapshot(scopeName, taskId)?.context.handoff?.packetId ?? packetId(404);
    switch (asked.kind) {
      case "claim":
        return toCommand("tasks.claim", { taskId, roles });
      case "step": {
        this.#ordinal += 1;
        return toCommand("tasks.step", {
          ...own,
          step: { name: "s", ordinal: this.#ordinal, outcome: { kind: "succeeded" } },
        });
      }
      case "stepThatFails": {
        this.#ordinal += 1;
        return toCommand("tasks.step", {
          ...own,
          step: { name: "s", ordinal: this.#ordinal, outcome: { kind: "failed", error: "e" } },
        });
      }
      case "complete":
        return toCommand("tasks.complete", own);
      case "pause":
        return toCommand("tasks.pause", asked.asks ? { ...own, question: "?" } : own);
      case "offer":
        return toCommand("handoff.offer", { ...own, to: asked.to === "any" ? "any" : { role: "review" }, packet });
      case "verify":
        return toCommand("tasks.verify", {
          ...own,
          results:
            task.verifying.length > 0 ? [{ name: "tests", passed: asked.passes }] : [{ name: "none", passed: true }],
        });
      case "fail":
        return toCommand("tasks.fail", { ...own, error: "e", retryable: asked.retryable });
      case "delegate":
        return toCommand("tasks.delegate", { ...own, to: "any", packet, retry });
      case "expire":
        return { name: "lease.expire", taskId, epoch: asked.epoch };
      case "resume":
        return { ...toCommand("tasks.resume", { taskId }), ...seen };
      case "answer":
        return { ...toCommand("tasks.answer", { taskId, answer: 1 }), ...seen };
      case "decline":
        return toCommand("handoff.decline", { taskId, packetId: offered, roles });
      case "withdraw":
        return toCommand("handoff.withdraw", { taskId, packetId: offered });
      case "release":
        return toCommand("tasks.release", own);
      case "cancel":
        return toCommand("tasks.cancel", { taskId });
    }
  }

  /** What must be true after every round. */
  check(): void {
    for (const task of this.tasks) {
      const snapshot = this.bench.persistence.snapshot(scopeName, task.id as TaskId)!;
      const { epoch, owner, attempt } = snapshot.context;
      expect({ state: toTaskState(snapshot), epoch, owner: owner?.agent, attempt }).toEqual({
        state: task.state,
        epoch: task.epoch,
        owner: task.owner,
        attempt: task.attempt,
      });
    }
  }

  /** What must be true of the journal alone: I3, I4, I6, I7. */
  checkJournal(): void {
    const memory = (id: TaskId) => this.bench.persistence.snapshot(scopeName, id);
    expect(verifyScope(this.scope, { memory }).problems).toEqual([]);
    rebuildScope(this.store, scopeName);
    expect(verifyScope(this.scope, { memory }).problems).toEqual([]);
    const held = new Map<string, { epoch: number; agent: string | undefined }>();
    for (const event of this.scope.events({ after: 0, count: 100_000 })) {
      const now = held.get(event.taskId) ?? { epoch: 0, agent: undefined };
      const facts = JSON.parse(event.facts) as EventHeader<"task.claimed">["facts"];
      if (event.type === "task.claimed" || event.type === "handoff.claimed") {
        expect(now.agent).toBeUndefined(); // I3: nobody else holds it
        expect(event.epoch).toBe(now.epoch + 1);
        held.set(event.taskId, { epoch: event.epoch, agent: facts.agent });
      } else {
        expect(event.epoch, event.type).toBe(now.epoch); // I4
        if (ownersEvents.has(event.type)) expect(event.by, event.type).toBe(now.agent);
        if (endsClaim(event)) held.set(event.taskId, { ...now, agent: undefined });
      }
    }
  }
}

/** Who answers has seen the task as it is. */
const seen = { seenSeq: Number.MAX_SAFE_INTEGER };

const ownersEvents = new Set(
  "task.released step.begun step.succeeded step.failed task.paused task.completed checks.passed checks.failed task.failed handoff.offered delegation.sent".split(
    " ",
  ),
);
const endings = new Set(
  "task.released lease.expired task.paused checks.passed task.failed task.cancelled deadline.passed handoff.offered".split(
    " ",
  ),
);

function endsClaim({ type, facts }: { type: string; facts: string }): boolean {
  return endings.has(type) || (type === "task.completed" && facts.includes('"next":"succeeded"'));
}

describe("any sequence of commands", () => {
  it("does what a model says that knows owner, epoch and state alone (I3, I4, I6, I7)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 20, size: "max" }), async (rounds) => {
        const world = new World();
        await world.start();
        for (const { event, commands } of rounds) {
          if (event === "start") await world.start();
          if (event === "wait") await world.ports.clock.advance(5_000);
          if (event === "restart") world.restart();
          await world.run(commands, event === "fault");
          world.check();
        }
        world.checkJournal();
        world.bench.persistence.close();
        world.store.close();
      }),
      { numRuns: 150 },
    );
  }, 60_000);
});
