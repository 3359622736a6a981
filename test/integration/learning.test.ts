// Learning of real processes: a process that is killed while it learns leaves nothing half learned, and its successor comes to the very
// answers of one that was never killed.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Connection, createRuntime } from "../../src/index.ts";
import { createImports } from "./learning-episodes.ts";
import { makeFolder, run, scope } from "./processes.ts";

const questions = ["the parser of part 3 forgets a step", "printer", "part 7", "", "something else"];
const kills = 6;

async function answersOf(runtime: Connection): Promise<string> {
  const { episodes } = await runtime.memory.imports({ source: "git:test" }); // waits until all is learned
  const answers = await Promise.all(questions.map((query) => runtime.taskStart({ query, depth: "full" })));
  return JSON.stringify([episodes, answers, await runtime.recall.weights()]);
}

async function expectedAnswers(): Promise<string> {
  await using runtime = await createRuntime({ scope, path: makeFolder().path, durability: "process" });
  for (const input of createImports()) await runtime.memory.import(input);
  return await answersOf(runtime);
}

describe("a process that is killed while it learns", () => {
  it("is followed by one that learns the rest once, and answers as if nothing had happened (W1, W2)", async () => {
    const expected = await expectedAnswers();
    const { path } = makeFolder();

    const program = run("learning-program.ts", path);
    await program.printed("imported");
    await program.kill();
    for (let kill = 0; kill < kills; kill += 1) {
      const next = run("learning-program.ts", path); // its commands are known; it learns on
      await next.printed("imported");
      await sleep(40 * kill);
      await next.kill();
    }

    await using runtime = await createRuntime({ scope, path, durability: "process" });
    expect(await answersOf(runtime)).toBe(expected);
    expect((await runtime.store.verify()).problems).toEqual([]);
  });
});
