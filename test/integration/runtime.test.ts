// A runtime process that dies in the middle of traffic. AIONIS_TEST_KILLS says how often; 5 if absent.

import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TaskId } from "../../src/contracts/ids.ts";
import { connect, createRuntime } from "../../src/index.ts";
import { ended, journal } from "../conformance/sdk/fabric.ts";
import type { Program } from "../support/programs.ts";
import { makeFolder, readLog, run, scope } from "./processes.ts";

const kills = Number(process.env.AIONIS_TEST_KILLS ?? 5);
const timeout = 60_000 + kills * 10_000;
const steps = 3;
const openMax = 24; // tasks that have been started and have not ended

describe("a runtime that is killed in the middle of traffic", () => {
  it(
    "comes back with all that it acknowledged, and everything ends (I2, I10)",
    async () => {
      const { path, log } = makeFolder();
      const serve = async (): Promise<Program> => {
        const program = run("runtime-program.ts", path, "5000");
        await program.printed("ready");
        return program;
      };
      let runtime = await serve();
      const client = await connect({ scope, path });
      onTestFinished(() => client.close());
      for (const agent of ["one", "two"]) await run("worker-program.ts", path, agent, log).printed("ready");

      const acknowledged = new Set<TaskId>();
      const running = new Set<Promise<unknown>>();
      let isOver = false;
      const traffic = (async () => {
        for (let number = 0; !isOver; number += 1) {
          const retry = { attemptsMax: 50, backoffMs: 10, backoffMaxMs: 50 };
          const { taskId } = await client.tasks.start({ commandId: `n${number}`, brief: "x", data: steps, retry });
          acknowledged.add(taskId);
          const end = client.tasks.result(taskId).finally(() => running.delete(end));
          running.add(end);
          if (running.size >= openMax) await Promise.race(running);
        }
      })();
      for (let kill = 0; kill < kills; kill += 1) {
        await grown(() => acknowledged.size, 8 + ((kill * 7) % 20));
        await runtime.kill();
        runtime = await serve();
      }
      await grown(() => acknowledged.size, 10);
      isOver = true;
      await traffic;
      await Promise.all(running);

      const lines = readLog(log);
      const acks = lines.filter(([kind]) => kind === "ack").map(([, taskId, name]) => `${taskId} ${name}`);
      const held = new Set<string>();
      for (const taskId of acknowledged) {
        expect((await ended(client, taskId)).task.state).toBe("succeeded");
        const succeeded = await journal(client, taskId, "step.succeeded");
        expect(succeeded.map(({ facts }) => facts.name)).toEqual(["s0", "s1", "s2"]);
        for (const { facts } of succeeded) held.add(`${taskId} ${String(facts.name)}`);
      }
      expect(acks.filter((ack) => !held.has(ack))).toEqual([]);
      expect(acks.length).toBeGreaterThanOrEqual(acknowledged.size * steps);
      const effects = lines.filter(([kind]) => kind === "effect").map(([, key]) => key);
      expect(new Set(effects).size).toBe(acknowledged.size * steps);
      const all = await client.tasks.list({ pageSize: 500 });
      expect(new Set(all.tasks.map(({ id }) => id)).size).toBe(Math.min(acknowledged.size, 500));
      expect(await client.store.verify({})).toMatchObject({ ok: true, problems: [] });
    },
    timeout,
  );
});

describe("a store that another process holds", () => {
  it("is refused with STORE_IN_USE and the holder's pid", async () => {
    const { path } = makeFolder();
    const holder = run("runtime-program.ts", path, "10000");
    await holder.printed("ready");

    const second = createRuntime({ scope, path });

    await expect(second).rejects.toMatchObject({
      code: "STORE_IN_USE",
      detail: expect.stringContaining(String(holder.pid)),
    });
  }, 30_000);

  it("is free as soon as its holder is dead", async () => {
    const { path } = makeFolder();
    const holder = run("runtime-program.ts", path, "10000");
    await holder.printed("ready");
    const client = await connect({ scope, path });
    const { taskId } = await client.tasks.start({ brief: "Survive" });
    await holder.kill();

    const heir = await createRuntime({ scope, path });
    onTestFinished(() => heir.close());
    const found = await client.tasks.get({ taskId }); // the socket is served again
    await client.close();

    expect(found.content.brief).toBe("Survive");
  }, 30_000);
});

describe("the library in somebody's process", () => {
  it("installs no signal handlers, prints nothing, and lets the process end", async () => {
    const { path, log } = makeFolder();

    const program = run("quiet-program.ts", path, log);
    const exitCode = await program.exited;

    expect({ exitCode, stdout: program.stdout(), stderr: program.stderr() }).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
    const { state, before, during, after } = JSON.parse(readFileSync(log, "utf8")) as Record<string, unknown>;
    expect(state).toBe("failed");
    const isSignal = (_: unknown, index: number): boolean => index < 6; // the last two tell of promises
    expect((during as number[]).filter(isSignal)).toEqual((before as number[]).filter(isSignal));
    expect(after).toEqual(before);
  }, 30_000);

  it("dies of Ctrl-C as if it were not there", async () => {
    const { path } = makeFolder();
    const program = run("runtime-program.ts", path, "10000");
    await program.printed("ready");

    program.child.kill("SIGINT");
    await program.exited;

    expect(program.child.signalCode).toBe("SIGINT");
  }, 30_000);
});

/** Waits until a number has grown by `by`; it comes from traffic, which tells nobody. */
async function grown(read: () => number, by: number): Promise<void> {
  const goal = read() + by;
  const endsAt = performance.now() + 30_000;
  while (read() < goal) {
    if (performance.now() > endsAt) throw new Error(`stuck at ${read()} of ${goal}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
