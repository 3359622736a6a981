// The keeper of playbooks
//
// Makes playbooks of runs that have ended and does with them whatever can be done: most of the time what is next, and now and then
// something else. Much of it is refused, as it should be; what is answered is told to the world.

import { isFailure } from "../../src/contracts/failures.ts";
import type { OperationInput, OperationOutput } from "../../src/contracts/operations/index.ts";
import type { Random } from "../../src/kernel/random.ts";
import { type Process, tolerate, untilAcked, type World, wait } from "./world.ts";

type Run = OperationInput<"playbooks.run">;
type Patch = OperationInput<"playbooks.repair">["patch"];
type Listed = OperationOutput<"playbooks.list">["playbooks"][number];

/** One thing that the keeper does. */
interface Deed {
  process: Process;
  random: Random;
  commandId: string;
  playbook: Listed;
}

type Answer = { id: string; seq: number; taskId?: Run["id"] };

const reason = "It is time";
const approver = "lovelace";
const names = ["alpha", "beta", "gamma"];
const endedStates = ["succeeded", "failed", "replayed", "promoted"] as const;

/** Works as often as `count` says. */
export async function runKeeper(world: World, process: Process, count: number): Promise<void> {
  for (let index = 0; index < 2; index += 1) {
    await untilAcked(world, process, `run ${index}`, (commandId) => reportRun(world, process, { commandId, index }));
  }
  for (let index = 0; index < count; index += 1) {
    await wait(process, 100 + (world.random.u32() % 900));
    await tolerate(() => doNext(world, process, `keeper ${index}`));
  }
  world.isDone(process);
}

/** A run that no worker of this runtime did, whole. Task ids are made from such names, so that they differ from scope to scope. */
function reportRun(
  { scope, random }: World,
  { client }: Process,
  { commandId, index }: { commandId: string; index: number },
) {
  const [name, value] = [names[index] ?? "delta", `v${17 + 6 * index}`];
  const receipt = `receipt-${4410 + 3321 * index}`;
  return client.replay.run.start({
    commandId,
    runId: `${scope} ${name}`,
    brief: `Set ${name} to ${value}`,
    family: "settings",
    steps: [
      { id: "set", tool: "set", input: { name, value }, output: { is: value } },
      { id: "append", tool: "append", input: { line: `${name} is ${value}` }, output: { receipt } },
      { id: "note", tool: "set", input: { name: `last-${name}`, value: receipt }, output: { is: receipt } },
    ],
    end: { outcome: index === 1 && random.u32() % 3 === 0 ? "failed" : "succeeded" },
  });
}

async function doNext(world: World, process: Process, commandId: string): Promise<void> {
  const { random } = world;
  const { playbooks } = await process.client.playbooks.list({});
  const playbook = playbooks[random.u32() % Math.max(playbooks.length, 1)];
  const isCompiling = playbook === undefined || (playbooks.length < 3 && random.u32() % 8 === 0);
  const answer = isCompiling
    ? await compile(world, process, commandId)
    : await untilKnown(process, draw(random, chooseDeeds(random, playbook)), { process, random, commandId, playbook });
  if (answer === undefined) return;
  const { id: taskId, seq, taskId: replayId } = answer;
  world.acked({ op: commandId, taskId, epoch: 0, agent: process.name, seq, commandId });
  if (replayId !== undefined && random.u32() % 2 === 0)
    await process.client.tasks.watch({ taskId: replayId, untilEnded: true, waitMs: 4_000 });
}

/** Now and then of runs that have little to do with one another. */
async function compile({ random }: World, process: Process, commandId: string): Promise<Answer> {
  const { client } = process;
  const { tasks } = await client.tasks.list({
    states: [...endedStates],
    ...(random.u32() % 3 === 0 ? {} : { kind: "run" }),
  });
  const first = random.u32() % Math.max(tasks.length, 1);
  const runs = tasks.slice(first, first + 1 + (random.u32() % 3)).map(({ id }) => id);
  return await untilKnown(process, () => client.playbooks.compile({ commandId, runs }), undefined);
}

type Do = (deed: Deed) => Promise<Answer | undefined>;

function chooseDeeds(random: Random, { state, proposal, missing }: Listed): readonly Do[] {
  if (proposal !== undefined && random.u32() % 3 > 0) return [review, review, dryRun, strictRun, guidedRun];
  if ((state === "shadow" || state === "contested") && missing.length === 0) return [promote, promote, strictRun];
  switch (state) {
    case "draft":
      return [dryRun, dryRun, dryRun, dryRun, dryRun, repair, approve, promote];
    case "shadow":
      return [
        strictRun,
        strictRun,
        strictRun,
        guidedRun,
        guidedRun,
        dryRun,
        promote,
        promote,
        approve,
        disable,
        repair,
      ];
    case "active":
      return [strictRun, strictRun, guidedRun, guidedRun, dispatch, dispatch, disable, reject, repair];
    case "contested":
      return [strictRun, strictRun, guidedRun, promote, approve, repair, reject];
    default:
      return [toShadow, toShadow, toShadow, dryRun, promote];
  }
}

const dryRun: Do = (deed) => run(deed, "simulate");
const strictRun: Do = (deed) => run(deed, "strict");
const guidedRun: Do = (deed) => run(deed, "guided");

async function run({ process: { client }, random, commandId, playbook }: Deed, mode: Run["mode"]): Promise<Answer> {
  const { id, proposal } = playbook;
  const text = `Set ${draw(random, names)} to v${random.u32() % 90}`;
  const isOfProposal = proposal !== undefined && random.u32() % 3 > 0;
  const { missing } = await client.playbooks.candidate({ id, mode, text });
  const asked: Run = {
    ...{ commandId, id, mode, text, confirm: random.u32() % 4 > 0 },
    params: Object.fromEntries(missing.map((name) => [name, "v9"])),
    checks: random.u32() % 3 > 0 ? [{ name: "tests" }] : [],
    ...(isOfProposal ? { version: proposal } : {}),
    ...(random.u32() % 12 === 0 ? { to: "any" } : {}),
    ...(random.u32() % 3 === 0 ? { handTo: { role: "review" } } : {}),
  };
  return await client.playbooks.run(asked);
}

/** Not of that playbook, but of whatever fits. */
const dispatch: Do = async ({ process: { client }, random, commandId }) => {
  const query = `Set ${draw(random, names)} to v${random.u32() % 90}`;
  await client.playbooks.dispatch({ commandId, query, context: { family: "settings" }, confirm: true });
  return undefined; // it does not say which event it made
};

const promote: Do = ({ process: { client }, random, commandId, playbook: { id } }) =>
  client.playbooks.promote({ commandId, id, to: "active", reason, ...(random.u32() % 3 === 0 ? { approver } : {}) });
const toShadow: Do = ({ process: { client }, commandId, playbook: { id } }) =>
  client.playbooks.promote({ commandId, id, to: "shadow", reason });
const approve: Do = ({ process: { client }, commandId, playbook: { id } }) =>
  client.playbooks.approve({ commandId, id, approver, reason });
const reject: Do = ({ process: { client }, commandId, playbook: { id } }) =>
  client.playbooks.reject({ commandId, id, reason });
const disable: Do = ({ process: { client }, commandId, playbook: { id } }) =>
  client.playbooks.disable({ commandId, id, reason });

const review: Do = ({ process: { client }, random, commandId, playbook: { id } }) => {
  const act = random.u32() % 4 === 0 ? "reject" : "approve";
  return client.playbooks.repairReview({ commandId, id, act, reason, requireReplay: random.u32() % 2 === 0 });
};

const repair: Do = async ({ process: { client }, random, commandId, playbook: { id } }) => {
  const { steps } = (await client.playbooks.get({ id })).content;
  const key = draw(random, steps).key;
  const extra = { key: "extra", title: "extra", tool: "append", input: { line: "extra" }, before: [], after: [] };
  const patches: Patch[] = [
    { steps: Object.fromEntries(steps.map((step) => [step.key, { safety: "auto_ok" }])) },
    { steps: { [key]: { safety: "auto_ok", before: [{ kind: "check", name: "tests" }] } } },
    { steps: { [key]: { before: [{ kind: "check", name: "lint" }] } } }, // it never holds
    { steps: { [key]: { after: [{ kind: "output_matches", pattern: "receipt" }] } } },
    { steps: { [key]: { safety: "manual_only" } } },
    { steps: { [key]: { tool: "telegraph" } } },
    { steps: { [key]: null } },
    { insert: [{ after: key, step: { ...extra, safety: "auto_ok" } }] },
  ];
  return await client.playbooks.repair({ commandId, id, patch: draw(random, patches), reason });
};

/** Asks under one command id until it is known what came of it. @throws AionisError what it was refused with */
async function untilKnown<Asked, Known>(
  process: Process,
  ask: (asked: Asked) => Promise<Known>,
  asked: Asked,
): Promise<Known> {
  for (;;) {
    try {
      return await ask(asked);
    } catch (error) {
      if (!isFailure(error) || !error.retryable) throw error;
      await wait(process, 300);
    }
  }
}

function draw<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.u32() % items.length] as Item; // lists here are not empty
}
