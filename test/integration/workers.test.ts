// Worker processes that die, and their successors.

import { describe, expect, it, onTestFinished } from "vitest";
import { type Connection, createRuntime } from "../../src/index.ts";
import { ended, journal, recorded, start } from "../conformance/sdk/fabric.ts";
import { makeFolder, readLog, run, scope } from "./processes.ts";

const timeout = 60_000;
const retry = { attemptsMax: 20, backoffMs: 10, backoffMaxMs: 50 };

async function setup(leaseMs = 1_000) {
  const { path, log } = makeFolder();
  const runtime = await createRuntime({ scope, path, durability: "process", leaseMs });
  onTestFinished(() => runtime.close());
  const worker = async (agent: string, ...where: string[]) => {
    const program = run("worker-program.ts", path, agent, log, ...where);
    await program.printed("ready");
    return program;
  };
  return { runtime, log, worker };
}

/** How often each step's effect took place, by its key. */
function countEffects(log: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [kind, key = ""] of readLog(log)) if (kind === "effect") counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

const outputs = async (runtime: Connection, taskId: Parameters<typeof ended>[1]) =>
  (await runtime.tasks.steps({ taskId })).steps.map(({ output }) => output);

describe("a worker that is killed", () => {
  it(
    "between two steps has a successor that goes on after the last one: each step runs exactly once",
    async () => {
      const { runtime, log, worker } = await setup();
      const first = await worker("first", "before", "s2");
      const taskId = await start(runtime, { data: 4, retry });
      await first.printed("hanging");

      await first.kill();
      await worker("second");

      expect((await ended(runtime, taskId)).outcome).toMatchObject({ data: "second" });
      expect(await outputs(runtime, taskId)).toEqual(["s0 by first", "s1 by first", "s2 by second", "s3 by second"]);
      expect(Object.values(countEffects(log))).toEqual([1, 1, 1, 1]);
    },
    timeout,
  );

  it(
    "inside a step has a successor that runs this one again under the same key, and no other",
    async () => {
      const { runtime, log, worker } = await setup();
      const first = await worker("first", "inside", "s1");
      const taskId = await start(runtime, { data: 3, retry });
      await first.printed("hanging");

      await first.kill();
      await worker("second");

      await ended(runtime, taskId);
      expect(await outputs(runtime, taskId)).toEqual(["s0 by first", "s1 by second", "s2 by second"]);
      expect(countEffects(log)).toEqual({ [`${taskId}/1/s0/0`]: 1, [`${taskId}/1/s1/0`]: 2, [`${taskId}/1/s2/0`]: 1 });
    },
    timeout,
  );

  it(
    "while it only waits leaves nothing behind that the next task would be lost to",
    async () => {
      const { runtime, worker } = await setup();
      const idle = await worker("idle");
      await ended(runtime, await start(runtime, { data: 0, retry }));

      await idle.kill();
      const taskId = await start(runtime, { data: 1, retry });
      await worker("second");

      expect((await ended(runtime, taskId)).outcome).toMatchObject({ data: "second" });
    },
    timeout,
  );
});

describe("a worker that sleeps past its lease", () => {
  it(
    "records nothing when it wakes, and its run ends (I4, R1)",
    async () => {
      const { runtime, worker } = await setup(400);
      const sleeper = await worker("sleeper", "asleep", "s1");
      const taskId = await start(runtime, { data: 3, retry });
      await sleeper.printed("hanging");

      sleeper.child.kill("SIGSTOP");
      await recorded(runtime, taskId, "lease.expired");
      await worker("second");
      await ended(runtime, taskId);
      sleeper.child.kill("SIGUSR2");
      sleeper.child.kill("SIGCONT");
      await sleeper.printed("signal lost");

      expect(await outputs(runtime, taskId)).toEqual(["s0 by sleeper", "s1 by second", "s2 by second"]);
      const events = await journal(runtime, taskId);
      const lost = events.findIndex(({ type }) => type === "lease.expired");
      expect(events.slice(lost + 1).filter(({ by }) => by === "sleeper")).toEqual([]);
    },
    timeout,
  );
});
