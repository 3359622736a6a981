// A store whose holder's other code keeps dropping SQLite's locks, while others try to open it. AIONIS_TEST_HOLDS says how many rounds; 2 if
// absent.

import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/index.ts";
import { patienceMs } from "../support/patience.ts";
import type { Program } from "../support/programs.ts";
import { makeFolder, run, scope } from "./processes.ts";

const rounds = Number(process.env.AIONIS_TEST_HOLDS ?? 2);
const roundsAStore = 20; // what a round looks at grows with its store
const openers = 8;
const times = 100;

describe("a store that eight others try to open while its holder opens and closes its files", () => {
  it(
    "is opened by none of them, and loses nothing that was acknowledged when its holder is killed (I2)",
    async () => {
      const others: Program[] = [];
      while (others.length < openers) others.push(await startOpener()); // at once they would take too long
      let [path, expected] = ["", 0];

      for (let round = 0; round < rounds; round += 1) {
        if (round % roundsAStore === 0) [path, expected] = [makeFolder().path, 0];
        const holder = run("holder-program.ts", path, String(times));
        await holder.printed("ready");
        const before = others.map((other) => other.stdout().length);
        for (const other of others) other.child.stdin?.write(`go ${path}\n`);
        holder.child.stdin?.write("go\n");
        const [victim = never(), ...survivors] = others;
        await victim.kill(); // in the middle of a try, wherever that is
        const next = startOpener(); // the last victim's place is taken while the rest goes on
        await holder.printed(`acknowledged ${times}`);
        expected += times;
        const seen = await Promise.all(survivors.map((survivor, index) => stop(survivor, before[index + 1] ?? 0)));
        await holder.kill();

        expect(seen).toEqual(survivors.map(() => ({ STORE_IN_USE: expect.any(Number) })));
        expect(await countTasks(path)).toBe(expected);
        others.splice(0, openers, ...survivors, await next); // another one is the next victim
      }
    },
    60_000 + rounds * 30_000,
  );

  it("is opened by exactly one of those that start at one moment, also just after its holder was killed", async () => {
    const { path } = makeFolder();
    const starters: Program[] = [];
    while (starters.length < openers) starters.push(await startStarter(path));
    let left = starters;

    while (left.length > 0) {
      const tries = left.map(({ child, stdout }) => ({ child, stdout, from: stdout().length }));
      for (const { child } of tries) child.stdin?.write("go\n");
      const outcomes = tries.map(
        ({ stdout, from }) =>
          () =>
            stdout().slice(from).trim(),
      );
      await expect.poll(() => outcomes.every((outcome) => outcome() !== "")).toBe(true);

      const said = outcomes.map((outcome) => outcome());
      const winner = left[said.indexOf("opened")];
      expect([...said].sort()).toEqual([...left.slice(1).map(() => "STORE_IN_USE"), "opened"]);
      await winner?.kill();
      left = left.filter((starter) => starter !== winner);
    }

    expect(await countTasks(path)).toBe(openers);
  }, 120_000);

  it("is opened by none of them where there is no socket either", async () => {
    const { path } = makeFolder();
    const holder = run("holder-program.ts", path, "10", "no-socket");
    await holder.printed("ready");
    holder.child.stdin?.write("go\n");
    await holder.printed("acknowledged 10");

    const second = createRuntime({ scope, path });

    await expect(second).rejects.toMatchObject({
      code: "STORE_IN_USE",
      facts: { pid: holder.pid, withoutSocket: expect.any(String) },
    });
    await holder.kill();
    expect(await countTasks(path)).toBe(10);
  }, 60_000);
});

function never(): never {
  throw new Error("there are eight");
}

async function startOpener(): Promise<Program> {
  const opener = run("opener-program.ts");
  await opener.printed("ready");
  return opener;
}

async function startStarter(path: string): Promise<Program> {
  const starter = run("starter-program.ts", path);
  await starter.printed("ready");
  return starter;
}

/** What came of an opener's tries; it has printed `from` characters before them. */
async function stop(opener: Program, from: number): Promise<unknown> {
  const said = (): string => opener.stdout().slice(from);
  await expect.poll(said).toContain("tried\n");
  opener.child.stdin?.write("stop\n");
  await expect.poll(said).toContain("}\n");
  return JSON.parse(said().replace("tried\n", ""));
}

async function countTasks(path: string): Promise<number> {
  const runtime = await createRuntime({ scope, path, durability: "process" });
  try {
    const { problems } = await runtime.store.verify({}, { timeoutMs: patienceMs });
    expect(problems).toEqual([]);
    let count = 0;
    let cursor: string | undefined;
    do {
      const page = await runtime.tasks.list({ pageSize: 500, cursor });
      count += page.tasks.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return count;
  } finally {
    await runtime.close();
  }
}
