import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decodeHeader } from "../../actors/events.ts";
import { verifyScope } from "../../actors/refold.ts";
import { createLocalQuestions } from "../../sdk/checkout.ts";
import { type Client, createClient } from "../../sdk/client.ts";
import { createWorkerLink } from "../../sdk/link.ts";
import { defineTool } from "../../sdk/tools/index.ts";
import { startWorker } from "../../sdk/worker.ts";
import type { EventHeader } from "../../src/contracts/events.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import type { TaskId } from "../../src/contracts/ids.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { FaultPoint } from "../../src/kernel/faults.ts";
import { createIds, type Ids } from "../../src/kernel/ids.ts";
import { silentLogger } from "../../src/kernel/logger.ts";
import type { Random } from "../../src/kernel/random.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import type { ScopeStore } from "../../src/kernel/store.ts";
import { createMemoryBus, type MemoryBus } from "../../transport/index.ts";
import { takeAmbientAway } from "./ambient.ts";
import type { FaultSource } from "./faults.ts";
import { createRuntimeNode, ProcessDied, readJournal } from "./node.ts";
import { checkPlaybooks } from "./playbook-checker.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";
import type { Effect } from "./world.ts";

const scope = "sim/replays";
const noFaults: FaultSource = { happens: () => false, heal() {}, happened: [] };
const never = new Promise<never>(() => {});

/** Where the one death of a run happens: in the runtime, or in the worker before or after anything that it asks for or does. */
type Place = FaultPoint | "worker";
type Mode = "simulate" | "strict" | "guided";

interface Outcome {
  died: boolean;
  problems: string[];
  /** What each replay did outside, in order, and how it ended. */
  replays: { did: string[]; said: string }[];
}

interface Plan {
  modes: readonly Mode[];
  /** The one death: at the `n`-th time that `place` is reached. */
  place: Place;
  n: number;
  /** How often the check of the replays says no at first. */
  checkFailures?: number;
}

/** Replays a playbook once in each mode. */
async function run({ modes, place, n, checkFailures = 0 }: Plan): Promise<Outcome> {
  const scheduler = createScheduler(createSeededRandom(8), (error) => {
    if (!(error instanceof ProcessDied)) throw error;
  });
  const clock = scheduler.clock(() => true);
  const random = createSeededRandom(7);
  let reached = 0;
  const parts: Parts = {
    ...{ scheduler, clock, random, bus: createMemoryBus({ clock }), ids: createIds(clock, random) },
    ...{ effects: [], problems: [], checkFailures },
    dies: (at) => at === place && ++reached === n,
  };
  const { bus, problems, dies } = parts;
  const node = createRuntimeNode({
    ...{ scopes: [scope], learns: false, durability: "power", bus, scheduler, random, faults: noFaults },
    bug: place === "worker" ? {} : { leaseMs: 3_600_000 }, // a client notices a death after its lease would have ended
    deathAt: (at) => (dies(at) ? "process" : undefined),
    onDeath: () => void clock.setTimer(10, () => void node.start()),
    onBug: (what) => void problems.push(what),
  });
  const giveBack = takeAmbientAway();
  try {
    await node.start();
    launchWorker(parts);
    let end: unknown;
    script(connect(parts, "grace"), modes, parts.effects).then(
      () => (end = "done"),
      (error: unknown) => (end = error),
    );
    for (let steps = 0; steps < 20_000 && !(end !== undefined && node.isUp()); steps += 1) await scheduler.step();
    expect(end).toBe("done");
    return { died: reached >= n, problems, replays: readReplays(node.store().scope(scope), parts) };
  } finally {
    await node.close();
    giveBack();
  }
}

/** What the programs of a run share. */
interface Parts {
  scheduler: Scheduler;
  clock: Clock;
  random: Random;
  bus: MemoryBus;
  ids: Ids;
  effects: Effect[];
  problems: string[];
  checkFailures: number;
  /** Whether the death of this run is here. */
  dies(at: Place): boolean;
}

function connect({ bus, random, ids, ...parts }: Parts, agent: string, own = {}): Client {
  return createClient({ transport: bus.connect(), clock: parts.clock, scope, agent, ids, random, ...own });
}

/** Half a second after its death there is another one of its name. */
function launchWorker(parts: Parts): void {
  const { scheduler, bus, ids, effects, clock: always } = parts;
  let isUp = true;
  const transport = bus.connect();
  const clock = scheduler.clock(() => isUp);
  const mayDie = async (): Promise<void> => {
    if (!isUp) return never;
    if (!parts.dies("worker")) return;
    isUp = false;
    bus.kill(transport);
    always.setTimer(500, () => launchWorker(parts));
    await never;
  };
  const client = dying(connect(parts, "ada", { transport, clock }), mayDie);
  const link = createWorkerLink({ transport, scope, clock, ids, logger: silentLogger });
  const apply = (tool: string, key: string): number => effects.push({ tool, key, agent: "ada", at: always.now() });
  const checks = { tests: () => Promise.resolve({ passed: parts.checkFailures-- <= 0 }) };
  const options = { agent: "ada", tools: createTools(mayDie, apply), checks };
  const questions = createLocalQuestions(client, clock);
  startWorker({ client, questions, clock, link, logger: silentLogger, inspect() {} }, options, () => "not mine");
}

/** What the journal says of the replays, after it was looked at itself. */
function readReplays(store: ScopeStore, { effects, problems }: Parts): Outcome["replays"] {
  const journal = readJournal(store);
  const events = journal.map((stored) => decodeHeader(stored));
  problems.push(...verifyScope(store).problems.map(({ what }) => what));
  problems.push(...checkPlaybooks({ journal, events, lost: [], effects }));
  const told = events.filter(({ type }) => type === "playbook.replayed" || type === "playbook.turned");
  return told.map(({ facts }) => {
    const { replayId, outcome } = facts as EventHeader<"playbook.replayed">["facts"]; // of one of these types
    const own = effects.filter(({ key }) => key.startsWith(`${replayId}/`));
    return { did: own.map(({ key }) => key.slice(replayId.length + 1)), said: outcome };
  });
}

/** Each call of a worker may be its last, and so may each answer. */
function dying(client: Client, mayDie: () => Promise<void>): Client {
  const tasks = Object.entries(client.tasks).map(([verb, call]) => [
    verb,
    async (...args: never[]) => {
      await mayDie();
      const answer: unknown = await (call as (...of: never[]) => Promise<unknown>)(...args);
      await mayDie();
      return answer;
    },
  ]);
  return { ...client, tasks: Object.fromEntries(tasks) as Client["tasks"] };
}

function createTools(mayDie: () => Promise<void>, apply: (tool: string, key: string) => number) {
  const use = async (tool: string, key: string): Promise<number> => {
    await mayDie();
    const count = apply(tool, key);
    await mayDie();
    return count;
  };
  return [
    defineTool({
      name: "set",
      input: z.strictObject({ name: z.string(), value: z.string() }),
      idempotent: true,
      execute: async ({ value }, { key }) => ({ is: value, count: await use("set", key) }),
    }),
    defineTool({
      name: "append",
      input: z.strictObject({ line: z.string() }),
      execute: async (_input, { key }) => ({ receipt: `receipt-${await use("append", key)}` }),
    }),
  ];
}

/** What a person does: reports two runs, makes a playbook of them, replays it, and answers what is asked by what is seen outside. */
async function script(client: Client, modes: readonly Mode[], effects: readonly Effect[]): Promise<void> {
  const runs: TaskId[] = [];
  for (const [name, value, receipt] of [
    ["alpha", "v17", "receipt-4410"],
    ["beta", "v23", "receipt-7731"],
  ] as const) {
    const steps = [
      { id: "set", tool: "set", input: { name, value }, output: { is: value } },
      { id: "append", tool: "append", input: { line: `${name} is ${value}` }, output: { receipt } },
      { id: "note", tool: "set", input: { name: `last-${name}`, value: receipt }, output: { is: receipt } },
    ];
    const report = { runId: name, brief: `Set ${name} to ${value}`, steps, end: { outcome: "succeeded" } } as const;
    runs.push((await client.replay.run.start(report)).taskId);
  }
  const { id } = await client.playbooks.compile({ commandId: "compile", runs });
  for (const mode of modes) {
    const how = { text: "Set gamma to v5", checks: [{ name: "tests" }], confirm: mode === "strict" };
    const { taskId } = await client.playbooks.run({ commandId: mode, id, mode, ...how });
    for (let hasEnded = false; !hasEnded; ) {
      const seen = await client.tasks.watch({ taskId, untilEnded: true, waitMs: 1_000 });
      hasEnded = seen.hasEnded;
      if (seen.task.state === "paused") await answer(client, taskId, effects);
    }
  }
}

async function answer(client: Client, taskId: TaskId, effects: readonly Effect[]): Promise<void> {
  const [open] = (await client.tasks.get({ taskId })).content.pauses;
  if (open === undefined) return; // somebody was faster
  const { pauseId, question = "" } = open;
  const [, step] = /^Step (\w+)#0/.exec(question) ?? [];
  const isDone = effects.some(({ key }) => key === `${taskId}/1/${step}/0`);
  const said = step !== undefined ? (isDone ? "done" : "again") : question.startsWith("May") ? "yes" : "stop";
  await client.tasks.answer({ taskId, pauseId, answer: said }).catch((error: unknown) => {
    if (!isFailure(error, "QUESTION_OVER")) throw error;
  });
}

const step = ["1/set/0", "1/append/0", "1/note/0"];
const modes = ["simulate", "strict", "guided"] as const;

describe("a replay whose runtime dies at any commit", () => {
  it.each(["commit.before", "commit.after", "reply.before"] as const)(
    "goes on to its end and does each step once (%s)",
    async (place) => {
      let deaths = 0;
      for (let n = 1; n === 1 || deaths === n - 1; n += 1) {
        const { died, problems, replays } = await run({ modes, place, n });
        if (died) deaths += 1;

        expect(problems, `death ${n}`).toEqual([]);
        expect(replays, `death ${n}`).toEqual([
          { did: [], said: "passed" },
          { did: step, said: "passed" },
          { did: step, said: "passed" },
        ]);
      }

      expect(deaths).toBeGreaterThan(30);
    },
    120_000,
  );
});

describe("a replay whose worker dies before or after anything that it does", () => {
  it("goes on to its end, or stops before a step that it cannot fill in, and does nothing once alone twice", async () => {
    const stops: unknown[] = [];
    let deaths = 0;
    for (let n = 1; n === 1 || deaths === n - 1; n += 1) {
      const { died, problems, replays } = await run({ modes, place: "worker", n });
      if (died) deaths += 1;

      expect(problems, `death ${n}`).toEqual([]);
      expect(replays.map(({ did }) => did.filter((key) => key === "1/append/0").length)).toEqual([0, 1, 1]);
      for (const { said, did } of replays.filter((replay) => replay.said !== "passed")) stops.push([said, did]);
    }

    expect(deaths).toBeGreaterThan(60);
    // done before the death and only said to be done: a later step lacks what it gave back. Two places in each replay.
    expect(stops).toEqual(Array.from({ length: 4 }, () => ["aborted", step.slice(0, 2)]));
  }, 120_000);

  it("that is strict stays broken once the failure of its check is recorded", async () => {
    for (let n = 1, died = true; died; n += 1) {
      const outcome = await run({ modes: ["simulate", "strict"], place: "worker", n, checkFailures: 1 });
      died = outcome.died;

      expect(outcome.problems, `death ${n}`).toEqual([]);
    }
  });
});
