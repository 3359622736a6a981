// Replay
//
// A chore that an agent did twice is done without it from then on. Its two runs become a playbook, which has to show in a copy what it is good
// for; the third release then makes itself. Before the fourth a file has moved: the replay stops before it touches anything. Its repair
// shows in a copy that it is well, is reviewed, and makes the release. The repository is a real one, in a folder of its own.

import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { builtInTools, createRuntime, type Handler } from "aionis";
import { leaveOuterEnvironment } from "../processes/environment.ts";
import { release } from "./agent.ts";
import { listReleases, makeRepository, moveFile } from "./repository.ts";
import { createStory } from "./story.ts";

/** Plays it; what it returns is counted where the agent is called, and read from the playbook and from git. */
export async function main({ print = console.log }: { print?: (line: string) => void } = {}) {
  leaveOuterEnvironment();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "aionis-replay-example-")));
  const repository = join(folder, "retry-kit");
  try {
    makeRepository(repository);
    await using runtime = await createRuntime({ path: join(folder, "store"), scope: "examples/replay" });
    let agentCalls = 0;
    const agent: Handler = (task, ctx) => {
      agentCalls += 1;
      return release(task, ctx);
    };
    runtime.worker({ agent: "ada", roles: ["release"], tools: builtInTools, cwd: repository }, agent);
    const { work, compile, prove, promote, ask, repair } = createStory(runtime, {
      print,
      countCalls: () => agentCalls,
    });

    const id = await compile([await work("1.1.0"), await work("1.2.0")]);
    await prove(id);
    await promote(id);
    const callsBefore = agentCalls;
    const third = await ask("retry-kit 1.3.0 has to be released");

    const move = ["CHANGELOG.md", "docs/CHANGELOG.md"] as [string, string];
    moveFile(repository, ...move);
    print(`\nsomebody moves ${move.join(" to ")}`);
    const fourth = await ask("retry-kit 1.4.0 has to be released");
    const releasesBefore = listReleases(repository);
    await repair(id, fourth, move);
    const again = await ask("retry-kit 1.4.0 has to be released");

    const { versions } = await runtime.playbooks.versions({ id });
    const states = versions.map(({ state }) => state).filter((state, index, all) => state !== all[index - 1]);
    const releases = listReleases(repository);
    print(`\n${releases.length - 1} releases: ${releases.slice(1).join(", ")}`);
    print(`agent calls: ${callsBefore} for the first two, ${agentCalls - callsBefore} for the others`);
    print(`the playbook went ${states.join(" → ")}`);
    const ends = [third, fourth, again].map(({ task }) => task.state);
    return { agentCalls, callsInReplays: agentCalls - callsBefore, states, ends, releasesBefore, releases };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
