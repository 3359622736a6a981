// Agents
//
// The three roles. The searcher delegates the tests of several commits at once and goes on from what comes back; the testers, in processes of
// their own, test one commit each; the reporter is handed the end of the search and says what was found.

import type { Handler, RunContext } from "aionis";
import { z } from "zod";
import { checkOut, describeCommit, type Repository, readRange } from "./git.ts";
import { type Commit, conclude, learn, pickCommits, startSearch, type Verdict } from "./search.ts";

/** What the task is started with: ids, so that whoever reads the range reads the same. */
const Range = z.object({ good: z.string(), bad: z.string() });
const Part = z.object({ commit: z.string() });
const Tested = z.object({ verdict: z.enum(["good", "bad", "skip"]) });
const Ended = z.object({ found: z.enum(["one", "several", "none"]), commits: z.array(z.string()) });

const skipCode = 125;
const abortCode = 128; // and above: a signal ended it, or it says so; as with `git bisect run`

/** Tests both ends first: a command that is mistyped finds all bad, and would find the wrong commit. */
export function createSearcher(repository: Repository, testersCount: number): Handler {
  return async (task, ctx) => {
    const { good, bad } = Range.parse(task.data);
    const range = await readRange(repository, good, bad);
    const ends = await testAll(ctx, [
      { id: good, subject: "the good commit" },
      { id: bad, subject: "the bad commit" },
    ]);
    if (ends[0] === "bad") return ctx.fail("The good commit is bad. Is the command right?", { retryable: false });
    if (ends[1] === "good") return ctx.fail("The bad commit is good. Is the command right?", { retryable: false });
    let search = startSearch(range);
    let conclusion = conclude(search);
    while (conclusion === undefined) {
      const commits = pickCommits(search, testersCount);
      const verdicts = await testAll(ctx, commits);
      for (const [index, { id }] of commits.entries()) search = learn(search, id, verdicts[index] ?? "skip");
      conclusion = conclude(search);
    }
    const { found, commits } = conclusion;
    return ctx.handoff({
      to: { role: "report" },
      brief: `The search has ended: ${found}.`,
      nextAction: "Say what was found",
      data: { found, commits: commits.map(({ id }) => id) },
    });
  };
}

/** Delegates the tests; the verdicts are in the order of the commits. */
async function testAll(ctx: RunContext, commits: readonly Pick<Commit, "id" | "subject">[]): Promise<Verdict[]> {
  const parts = commits.map(({ id, subject }) => ({
    to: { role: "test" },
    kind: "commit-test",
    brief: `${id.slice(0, 10)} ${subject}`,
    nextAction: "Check it out and run the command",
    data: { commit: id },
  }));
  const returns = await ctx.delegate(parts);
  return returns.map(({ outcome, summary, data }, index) => {
    if (outcome === "completed") return Tested.parse(data).verdict;
    throw Object.assign(new Error(`${parts[index]?.brief}: ${summary}`), { retryable: false });
  });
}

/** Works in `clone`. Checking out is no step: whoever goes on after a death has another clone. */
export function createTester(clone: string, command: readonly string[]): Handler {
  return async (task, ctx) => {
    const { commit } = Part.parse(ctx.packet?.data);
    await checkOut(clone, commit);
    const argv = ["sh", "-c", guarded, "sh", ...command];
    const { exitCode, ended, stdout, stderr } = await ctx.run("test", argv, { timeout: "1d" });
    if (exitCode === null || exitCode >= abortCode) {
      const how = exitCode === null ? ended : `exit code ${exitCode}`;
      return ctx.fail(`The command ended the search (${how}): ${(stderr || stdout).trim().slice(-1_000)}`, {
        retryable: false,
      });
    }
    const verdict: Verdict = exitCode === 0 ? "good" : exitCode === skipCode ? "skip" : "bad";
    return ctx.complete({ summary: `${task.brief}: ${verdict}`, data: { verdict } });
  };
}

/** A command whose tester is killed would go on in a clone that is given up: a watcher in its process group ends both. */
const guarded = '(while kill -0 "$PPID"; do sleep 1; done; kill -9 0) >/dev/null 2>&1 & "$@"';

export function createReporter(repository: Repository): Handler {
  return async (_task, ctx) => {
    const { found, commits } = Ended.parse(ctx.packet?.data);
    const last = commits.at(-1);
    const about = last === undefined ? "" : await describeCommit(repository, last);
    const summaries = {
      one: `The first bad commit is ${about}`,
      several: `The first bad commit is one of these ${commits.length}; the others cannot be tested:\n${commits.join("\n")}`,
      none: "A good commit has a bad ancestor: the command does not give the same answer each time.",
    };
    return ctx.complete({ summary: summaries[found], data: { found, commits } });
  };
}
