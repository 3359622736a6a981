import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ParameterValues, PlaybookId } from "../../src/contracts/playbook.ts";
import { openReplays, type Replays } from "./harness/replays.ts";
import { failing } from "./harness/tools.ts";
import { listChanges, toExpected } from "./harness/workspace.ts";
import { type Job, jobs, lookAlikes, seeds, type Workspace } from "./jobs/index.ts";

// A handful of the jobs, from both halves; `npm run bench -- replay` measures all of them.
const names = ["docs-host", "ini-to-json", "lint-fix", "release-notes", "retire-flag", "version-bump"];
const freshSeeds = seeds.fresh.slice(0, 2);

/** One for all tests: each job has a playbook and agents of its own there, and each replay a workspace of its own. */
let replays: Replays;
const playbooks = new Map<string, Promise<PlaybookId>>();

beforeAll(async () => {
  replays = await openReplays();
});
afterAll(() => replays.close());

describe.for(jobs.filter(({ name }) => names.includes(name)))("$name, compiled from three runs", (job) => {
  it.for(freshSeeds)("is done in fresh workspace %i as its agent would, without it", async (seed, { expect }) => {
    const { id, params } = await setUp(job, job.variant(seed));
    const callsBefore = replays.agentCalls();

    const { why, succeeded, verified, after, folder } = await replays.replay(id, job.variant(seed), { params });

    expect({ why, succeeded, verified }).toEqual({ why: "", succeeded: true, verified: true });
    const { files, expected, checks } = job.variant(seed);
    expect(after).toEqual(toExpected(files, expected));
    expect(await failing(folder, checks)).toEqual([]);
    expect(replays.agentCalls()).toBe(callsBefore);
  });
});

describe("a workspace that only looks alike", () => {
  it("stops the replay, and no file is changed that the job is not about", async () => {
    const { job, lookAlike } = findLookAlike("lint-fix"); // its second file is another one
    const { id, params } = await setUp(job, lookAlike);

    const { succeeded, why, before, after } = await replays.replay(id, lookAlike, { params });

    expect(succeeded).toBe(false);
    expect(why).not.toBe("");
    expect(lookAlike.about).toEqual(expect.arrayContaining(listChanges(before, after)));
  });
});

describe("a replay in a copy", () => {
  it("leaves the workspace as it was, byte by byte, when it succeeds", async () => {
    const [job] = jobs.filter(({ name }) => name === "lint-fix");
    const variant = job?.variant(11);
    if (job === undefined || variant === undefined) throw new Error("there is no such job");
    const { id, params } = await setUp(job, variant);

    const { why, succeeded, before, after } = await replays.replay(id, variant, { params, inCopy: true });

    expect({ why, succeeded }).toEqual({ why: "", succeeded: true });
    expect(after).toEqual(before);
  });

  it("leaves the workspace as it was when it stops half-way", async () => {
    const { job, lookAlike } = findLookAlike("version-bump"); // behind a command of which nobody knows what it does
    const { id, params } = await setUp(job, lookAlike);

    const { succeeded, before, after, uses } = await replays.replay(id, lookAlike, { params, inCopy: true });

    expect(succeeded).toBe(false);
    expect(uses).not.toEqual([]);
    expect(after).toEqual(before);
  });
});

/** The job's playbook, with the parameters that the brief and the data of `work` give. */
async function setUp(job: Job, work: Workspace): Promise<{ id: PlaybookId; params: ParameterValues }> {
  const compiling = playbooks.get(job.name) ?? compile(job);
  playbooks.set(job.name, compiling);
  const id = await compiling;
  const { params, missing } = await replays.fill(id, work);
  expect(missing).toEqual([]);
  return { id, params };
}

async function compile(job: Job): Promise<PlaybookId> {
  const runs = await Promise.all(seeds.recorded.map((seed) => replays.record(job, seed)));
  const taskIds = runs.map(({ taskId }) => taskId);
  const { playbook, why } = await replays.compile(taskIds, job.variant(seeds.recorded[0]));
  if (playbook === undefined) throw new Error(why);
  expect(playbook.state).toBe("shadow");
  return playbook.id;
}

function findLookAlike(name: string) {
  const job = jobs.find((each) => each.name === name);
  const lookAlike = job && lookAlikes(job, 11);
  if (job === undefined || lookAlike === undefined) throw new Error(`${name} has no look-alike`);
  return { job, lookAlike };
}
