import { describe, expect, it } from "vitest";
import { verifyScope } from "../../actors/refold.ts";
import { type Client, createClient } from "../../sdk/client.ts";
import type { FaultPoint } from "../../src/kernel/faults.ts";
import { createIds } from "../../src/kernel/ids.ts";
import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import { createMemoryBus } from "../../transport/index.ts";
import type { FaultSource } from "./faults.ts";
import { createRuntimeNode, ProcessDied } from "./node.ts";
import { createScheduler } from "./scheduler.ts";

const scopeName = "sim/sweep";
const noFaults: FaultSource = { happens: () => false, heal() {}, happened: [] };

/** About thirty commands that touch every part of a task's life, each with an id of its own so that it can be repeated. */
async function script(client: Client): Promise<void> {
  const as = (agent: string) => ({ agent, timeoutMs: 600_000 });
  const start = (id: string, more: object = {}) =>
    client.tasks.start({ commandId: id, brief: id, ...more } as Parameters<typeof client.tasks.start>[0], as("driver"));
  const claim = async (id: string, agent: string, roles: string[] = []) =>
    (await client.tasks.claim({ commandId: id, roles }, as(agent))).assignment ?? missing(id);
  const step = (id: string, task: { taskId: never; epoch: number }, name: string, agent: string) =>
    client.tasks.step(
      { commandId: id, ...task, step: { name, ordinal: 0, outcome: { kind: "succeeded", output: id } } },
      as(agent),
    );

  await start("root", { to: { role: "fix" }, checks: [{ name: "tests" }] });
  const { taskId, epoch } = await claim("claim root", "anna", ["fix"]);
  const root = { taskId, epoch } as { taskId: never; epoch: number };
  for (const name of ["read", "edit", "test"]) await step(`step ${name}`, root, name, "anna");
  await client.tasks.step(
    { commandId: "begin", ...root, step: { name: "deploy", ordinal: 0, begin: true } },
    as("anna"),
  );
  await step("step deploy", root, "deploy", "anna");
  const packet = { brief: "a part", nextAction: "write" };
  await client.tasks.delegate({ commandId: "delegate", ...root, to: { role: "docs" }, packet }, as("anna"));
  const child = await claim("claim child", "carl", ["docs"]);
  await step("step child", { taskId: child.taskId as never, epoch: child.epoch }, "write", "carl");
  await client.tasks.complete({ commandId: "complete child", taskId: child.taskId, epoch: child.epoch }, as("carl"));
  await client.tasks.pause(
    { commandId: "pause", ...root, question: "Go on?", answerSchema: { type: "boolean" } },
    as("anna"),
  );
  await client.tasks.answer({ commandId: "answer", taskId, answer: true }, as("driver"));
  const second = await claim("claim again", "anna", ["fix"]);
  const offered = await client.handoff.offer(
    {
      commandId: "offer",
      taskId,
      epoch: second.epoch,
      to: { role: "review" },
      packet: { brief: "look", files: ["a.ts"] },
    },
    as("anna"),
  );
  const declined = { taskId, packetId: offered.packetId, roles: ["review"] };
  await client.handoff.decline({ commandId: "decline", ...declined }, as("rosa"));
  const third = await claim("claim third", "anna", ["fix"]);
  await client.handoff.offer(
    {
      commandId: "offer again",
      taskId,
      epoch: third.epoch,
      to: { role: "review" },
      packet: { brief: "look", files: ["a.ts"] },
    },
    as("anna"),
  );
  const review = await claim("claim review", "rosa", ["review"]);
  await client.tasks.complete(
    { commandId: "complete", taskId, epoch: review.epoch, return: { summary: "fine" } },
    as("rosa"),
  );
  const failed = [{ name: "tests", passed: false }];
  await client.tasks.verify({ commandId: "verify", taskId, epoch: review.epoch, results: failed }, as("rosa"));
  await client.tasks.complete({ commandId: "complete again", taskId, epoch: review.epoch }, as("rosa"));
  const passed = [{ name: "tests", passed: true }];
  await client.tasks.verify({ commandId: "verify again", taskId, epoch: review.epoch, results: passed }, as("rosa"));

  const doomed = await start("doomed", { retry: { attemptsMax: 1 } });
  const last = await claim("claim doomed", "anna");
  await client.tasks.delegate(
    { commandId: "delegate doomed", taskId: doomed.taskId, epoch: last.epoch, to: { role: "docs" }, packet },
    as("anna"),
  );
  await client.tasks.fail({ commandId: "fail", taskId: doomed.taskId, epoch: last.epoch, error: "no" }, as("anna"));
  const { taskId: stored } = await client.handoff.store(
    { commandId: "store", packet, to: { role: "later" } },
    as("driver"),
  );
  await client.tasks.cancel({ commandId: "cancel", taskId: stored }, as("driver"));
}

interface Outcome {
  journal: string[];
  commits: number;
  died: boolean;
  problems: string[];
}

/** Runs the script with one death, at the `n`-th time that `point` is reached; without one if `n` is 0. */
async function run(point: FaultPoint, n: number): Promise<Outcome> {
  const random = createSeededRandom(7);
  const scheduler = createScheduler(createSeededRandom(8), (error) => {
    if (!(error instanceof ProcessDied)) throw error;
  });
  const always = scheduler.clock(() => true);
  const bus = createMemoryBus({ clock: always });
  let reached = 0;
  let commits = 0;
  let died = false;
  const node = createRuntimeNode({
    scopes: [scopeName],
    learns: false,
    durability: "power",
    bus,
    scheduler,
    random,
    faults: noFaults,
    bug: { leaseMs: 3_600_000 }, // a client notices a death after its lease would have ended
    deathAt(at) {
      if (at === "commit.before") commits += 1;
      if (at !== point || died) return undefined;
      reached += 1;
      died = reached === n;
      return died ? "process" : undefined;
    },
    onDeath: () => void always.setTimer(10, () => void node.start()),
    onBug(what) {
      throw new Error(what);
    },
  });
  await node.start();
  const ids = createIds(always, random);
  const client = createClient({
    transport: bus.connect(),
    scope: scopeName,
    agent: "driver",
    clock: always,
    ids,
    random,
  });
  let end: unknown;
  script(client).then(
    () => {
      end = "done";
    },
    (error: unknown) => {
      end = error;
    },
  );
  const isQuiet = (): boolean =>
    end !== undefined && node.isUp() && node.store().scope(scopeName).outbox({ after: 0, count: 1 }).length === 0;
  for (let steps = 0; steps < 20_000 && !isQuiet(); steps += 1) await scheduler.step();
  if (end !== "done") throw end;

  const scope = node.store().scope(scopeName);
  const problems = verifyScope(scope).problems.map(({ what }) => what);
  const journal = normalise(
    scope
      .events({ after: 0, count: 500 })
      .map(({ type, taskId, epoch, by, commandId, body }) => ({ type, taskId, epoch, by, commandId, body })),
  );
  await node.close();
  return { journal, commits, died, problems };
}

/** Ids and times differ between runs; what happened does not. */
function normalise(events: readonly object[]): string[] {
  const known = new Map<string, string>();
  return events.map((event) =>
    JSON.stringify(event)
      .replace(/(task|pkt|dlg|evt|cmd)_[0-9a-z]{20}/g, (id, prefix: string) => {
        if (!known.has(id)) known.set(id, `${prefix}-${known.size}`);
        return known.get(id) ?? "";
      })
      .replace(/17\d{11}/g, "time"),
  );
}

describe("a death at every commit", () => {
  it.each(["commit.before", "commit.after", "reply.before", "turn.decided"] as const)(
    "ends in the same journal as without one (%s)",
    async (point) => {
      const whole = await run(point, 0);
      let deaths = 0;
      for (let n = 1; n <= whole.commits + 5; n += 1) {
        const { journal, problems, died } = await run(point, n);
        deaths += died ? 1 : 0;

        expect(problems).toEqual([]);
        expect(journal, `death ${n}`).toEqual(whole.journal);
      }

      expect(whole.journal.length).toBeGreaterThan(30);
      expect(deaths).toBeGreaterThan(25);
    },
    120_000,
  );
});

function missing(id: string): never {
  throw new Error(`${id} found nothing to claim`);
}
