// Workers and people
//
// The programs of a run: workers that claim and do what a task's script says, a driver that starts tasks, answers questions and changes
// its mind, and a follower that reads along. Each is a process of its own that may die at any await, and speaks through the same client as any user.

import { subscribeToEvents } from "../../sdk/subscribe.ts";
import type { PauseId, TaskId } from "../../src/contracts/ids.ts";
import type { OperationInput } from "../../src/contracts/operations/index.ts";
import type { Assignment } from "../../src/contracts/task.ts";
import type { Random } from "../../src/kernel/random.ts";
import { type Answer, toAnswer } from "./question-checker.ts";
import { type Process, tolerate, untilAcked, type World, wait } from "./world.ts";

const roles = ["fix", "review", "docs"];
const anchor = "notes";

/** A worker's life: claim, work, claim again. */
export async function runWorker(world: World, process: Process): Promise<void> {
  const mine = roles.filter((_, index) => (world.hash(process.name) >> index) % 2 === 0);
  while (process.isAlive()) {
    const claimed = await tolerate(() => process.client.tasks.claim({ roles: world.isHealed() ? roles : mine }));
    if (claimed?.assignment == null) {
      await wait(process, 300);
      continue;
    }
    world.acked({
      op: "tasks.claim",
      taskId: claimed.assignment.taskId,
      epoch: claimed.assignment.epoch,
      agent: process.name,
    });
    const task = claimed.assignment;
    world.inBackground(tolerate(() => work(world, process, task))); // who waits for a child does not keep others from being claimed
  }
}

async function work(world: World, process: Process, task: Assignment): Promise<void> {
  const stop = keepAlive(world, process, task);
  try {
    await runScript(world, process, task);
  } finally {
    stop();
  }
}

function keepAlive(world: World, process: Process, task: Assignment): () => void {
  let isStopped = false;
  const beat = (): void => {
    if (isStopped) return;
    if (!world.isStalled(process.name)) {
      process.client.tasks.heartbeat({ taskId: task.taskId, epoch: task.epoch }, { timeoutMs: 800 }).catch(() => {});
    }
    process.clock.setTimer(1_000, beat);
  };
  beat();
  return () => {
    isStopped = true;
  };
}

/** What to do is fixed by the task and its stage, so that a worker that starts over does the same again. */
async function runScript(world: World, process: Process, task: Assignment): Promise<void> {
  const random = world.randomFor(`${task.taskId}/${task.stage}`);
  const { steps } = await process.client.tasks.steps({ taskId: task.taskId, stage: task.stage, pageSize: 500 });
  const done = new Set(steps.filter(({ status }) => status === "succeeded").map(({ name }) => name));
  const count = 1 + (random.u32() % 4);
  for (let index = 0; index < count; index += 1) await runStep(world, process, task, `step-${index}`, done);
  if (random.u32() % 3 === 0 && task.budget.depth > 6) await delegate(world, process, task, done);
  await end(world, process, task, random);
}

async function runStep(
  world: World,
  process: Process,
  task: Assignment,
  name: string,
  done: ReadonlySet<string>,
): Promise<void> {
  if (done.has(name)) return;
  await world.mayDie(process);
  await world.mayStall(process);
  await world.mayBlock(process);
  await wait(process, 20 + (world.random.u32() % 400));
  const effect = world.effect(`${task.taskId}/${task.stage}/${name}`);
  const use = name === "step-1" ? { tool: "set", input: { name: "brief", value: task.brief ?? "" } } : {};
  const report = {
    taskId: task.taskId,
    epoch: task.epoch,
    step: { name, ordinal: 0, ...use, outcome: { kind: "succeeded", output: effect } },
  } as const;
  const { receipt } = await process.client.tasks.step(report);
  if (world.random.u32() % 5 === 0) await process.client.tasks.step(report); // a host that is not sure, under a new command id
  world.acked({ op: "tasks.step", taskId: task.taskId, epoch: task.epoch, agent: process.name, seq: receipt.seq });
}

/** One child; its id is a step's output, so that a worker that starts over waits for the same one. */
async function delegate(world: World, process: Process, task: Assignment, done: ReadonlySet<string>): Promise<void> {
  if (done.has("delegated")) return;
  const { taskId, epoch } = task;
  const open = (await process.client.tasks.get({ taskId })).task.childrenOpen;
  if (open.length === 0) {
    const sent = await process.client.tasks.delegate({
      taskId,
      epoch,
      to: { role: "docs" },
      packet: { brief: `part of ${taskId}`, nextAction: "write" },
      budget: { count: 1, depth: 1 },
      ...(world.hash(taskId) % 4 === 0 ? { timeoutMs: 12_000 } : {}),
    });
    world.acked({ op: "tasks.delegate", taskId, epoch, agent: process.name, seq: sent.seq });
  }
  while ((await process.client.tasks.get({ taskId })).task.childrenOpen.length > 0) await wait(process, 500);
  await runStep(world, process, task, "delegated", done);
}

async function end(world: World, process: Process, task: Assignment, random: Random): Promise<void> {
  const { taskId, epoch } = task;
  const { client } = process;
  const choice = random.u32() % 10;
  const lengthMs = 3_000 + (random.u32() % 6_000);
  // half of them by the wall clock, which may be set meanwhile
  const expiry = random.u32() % 2 === 0 ? { expiresInMs: lengthMs } : { expiresAt: process.clock.now() + lengthMs };
  const note = (op: string, ack: { seq: number }): void =>
    world.acked({ op, taskId, epoch, agent: process.name, seq: ack.seq });
  if (choice <= 1 && task.stage < 3) {
    const packet = { brief: `look at ${taskId}`, files: ["a.ts"] };
    const to = choice === 0 ? ({ role: "review" } as const) : "any";
    const offer = lengthMs % 4 === 0 ? { expiresInMs: 40 } : expiry; // some before a busy system takes them
    note("handoff.offer", await client.handoff.offer({ taskId, epoch, to, packet, ...offer }));
    return;
  }
  checkAnswers(world, task);
  if (task.openPauses.length > 0 && world.random.u32() % 2 === 0) {
    const waitsFor = task.openPauses.map(({ pauseId }) => pauseId);
    note("tasks.rest", await client.tasks.rest({ taskId, epoch, waitsFor }));
    return;
  }
  if (choice <= 4 && task.pauses.length + task.openPauses.length < 3) {
    const unasked = questions.filter((key) => !isAsked(task, key)).slice(0, choice - 1);
    const last = unasked.pop();
    for (const question of unasked) {
      const asked = { question, key: question, answerSchema, ends: false };
      note("tasks.pause", await client.tasks.pause({ taskId, epoch, ...expiry, ...asked }));
    }
    const asked = last === undefined ? {} : { question: last, key: last, answerSchema };
    note("tasks.pause", await client.tasks.pause({ taskId, epoch, ...expiry, ...asked }));
    return;
  }
  if (choice === 5 && task.attempt < 3) {
    note("tasks.fail", await client.tasks.fail({ taskId, epoch, error: "no luck" }));
    return;
  }
  if (choice === 6 && task.attempt < 2 && world.random.u32() % 2 === 0) {
    note("tasks.release", await client.tasks.release({ taskId, epoch }));
    return;
  }
  if (choice === 7 && task.packet?.kind === "handoff" && task.returned === undefined) {
    const result = { outcome: "blocked", summary: "no key" } as const;
    note("handoff.return", await client.handoff.return({ taskId, epoch, return: result }));
    return;
  }
  note("tasks.complete", await client.tasks.complete({ taskId, epoch, return: { summary: "done" } }));
  if (task.checks.length === 0) return;
  await world.mayDie(process);
  const results = task.checks.map(({ name }) => ({ name, passed: world.random.u32() % 4 > 0 || world.isHealed() }));
  note("tasks.verify", await client.tasks.verify({ taskId, epoch, results }));
}

const questions = ["Go on?", "Tell the others?"];
/** The words that a question leaves to choose from, if it does. */
function toChoices(schema: unknown): unknown[] | undefined {
  const { enum: words, anyOf = [] } = (schema ?? {}) as { enum?: unknown[]; anyOf?: { enum?: unknown[] }[] };
  return words ?? anyOf.find((each) => each.enum !== undefined)?.enum;
}

const answerSchema = { type: "object", properties: { to: { type: "string" } }, required: ["to"] };

function isAsked({ pauses, openPauses }: Assignment, asked: string): boolean {
  return [...pauses, ...openPauses].some(({ key }) => key === asked);
}

/** The questions of these workers are their keys. */
function checkAnswers(world: World, { taskId, pauses }: Assignment): void {
  for (const { key, end, answer } of pauses) {
    const { to = "" } = (answer ?? {}) as Partial<Answer>; // as the driver gives it
    if (end === "answered" && questions.includes(key) && to !== key)
      world.violation(`I14: ${taskId} asked "${key}" and got what was said to "${to}"`);
  }
}

/** Starts the run's tasks, answers questions, cancels now and then. */
export async function runDriver(world: World, process: Process, taskCount: number): Promise<void> {
  await untilAcked(world, process, "handoff.store", (commandId) => {
    const packet = { brief: "for whoever knows its anchor", nextAction: "look", anchor };
    return process.client.handoff.store({ commandId, packet, from: { role: "fix" } }); // a return goes to those of that role
  });
  await untilAcked(world, process, "sessions.create", async (commandId) => {
    const { sessionId, seq } = await process.client.sessions.create({ commandId, title: "what the driver does" });
    return { taskId: sessionId, seq };
  });
  for (let index = 1; index < taskCount; index += 1) {
    await tolerate(() => noteInSession(process, `starts task ${index}`));
    for (let tries = 1; !(await startOne(world, process, { index, tries })); tries += 1);
    await wait(process, world.random.u32() % 1_500);
  }
  world.isDone(process);
  const given: Given[] = [];
  for (;;) {
    await wait(process, 700);
    await tolerate(() => answerAll(world, process, given));
    if (world.random.u32() % 2 === 0) await tolerate(() => answerAgain(world, process, given));
    await tolerate(() => closeSessions(process)); // each time: a copy of its beginning may come late, to a journal that lost it
    if (world.random.u32() % 4 === 0) await tolerate(() => process.client.handoff.recover({ anchor }));
    if (!world.isHealed() && world.random.u32() % 12 === 0) await tolerate(() => cancelOne(world, process));
  }
}

/** Says whether it was not too late for its deadline. */
function startOne(
  world: World,
  process: Process,
  { index, tries }: { index: number; tries: number },
): Promise<boolean> {
  const name = tries === 1 ? `${index}` : `${index} again ${tries}`;
  const input = { ...toTask(world, process, index), brief: `brief ${name}` };
  return untilAcked(world, process, `tasks.start ${name}`, (commandId) =>
    process.client.tasks.start({ commandId, ...input }),
  );
}

async function noteInSession({ client }: Process, text: string): Promise<void> {
  const { sessions } = await client.sessions.list({ status: "open" });
  for (const { sessionId } of sessions)
    await client.sessions.event({ sessionId, commandId: `${sessionId}: ${text}`, text });
}

async function closeSessions({ client }: Process): Promise<void> {
  const { sessions } = await client.sessions.list({ status: "open" });
  for (const { sessionId } of sessions) await client.sessions.close({ sessionId, commandId: `${sessionId}: close` });
}

function toTask(world: World, process: Process, index: number): Omit<OperationInput<"tasks.start">, "brief"> {
  const random = world.randomFor(`start/${index}`);
  const deadlineAt = random.u32() % 6 === 0 ? { deadlineAt: process.clock.now() + 20_000 } : {};
  return {
    to: random.u32() % 2 === 0 ? ("any" as const) : { role: roles[random.u32() % 3] ?? "fix" },
    priority: random.u32() % 5,
    retry: { attemptsMax: 4, backoffMs: 300, backoffMaxMs: 2_000 },
    checks: random.u32() % 3 === 0 ? [{ name: "tests" }, { name: "lint", required: false }] : [],
    ...deadlineAt,
  };
}

type Given = { taskId: TaskId; pauseId: PauseId; answer: unknown };

const givenMax = 20;

/** A second click: what was answered a while ago is said again, under another command. */
async function answerAgain(world: World, process: Process, given: readonly Given[]): Promise<void> {
  const late = given[world.random.u32() % Math.max(given.length, 1)];
  if (late !== undefined) await process.client.tasks.answer(late);
}

async function answerAll(world: World, process: Process, given: Given[]): Promise<void> {
  const { tasks } = await process.client.tasks.list({ states: ["paused"] });
  for (const task of tasks) {
    if (task.state !== "paused" || (world.random.u32() % 3 === 0 && !world.isHealed())) continue;
    const { content } = await process.client.tasks.get({ taskId: task.id });
    for (const { pauseId, asks, answerSchema, question } of content.pauses) {
      const answers = toChoices(answerSchema) ?? [toAnswer(question)]; // a choice, or an answer of its own
      const said = { taskId: task.id, pauseId, answer: answers[world.random.u32() % answers.length] };
      const { taskId, seq } = asks
        ? await process.client.tasks.answer(said)
        : await process.client.tasks.resume({ taskId: task.id, pauseId });
      world.acked({ op: "answer", taskId, epoch: task.epoch, agent: process.name, seq });
      if (asks) given.push(said);
      given.splice(0, given.length - givenMax);
    }
  }
}

async function cancelOne(world: World, process: Process): Promise<void> {
  const { tasks } = await process.client.tasks.list({ states: ["start", "running", "paused", "handoff"] });
  const chosen = tasks[world.random.u32() % Math.max(tasks.length, 1)];
  if (chosen === undefined) return;
  const ack = await process.client.tasks.cancel({ taskId: chosen.id, reason: "changed my mind" });
  world.acked({ op: "tasks.cancel", taskId: chosen.id, epoch: chosen.epoch, agent: process.name, seq: ack.seq });
}

/** Follows the journal from its first event on, and from where it was after whatever ended the subscription. */
export async function runFollower(world: World, process: Process): Promise<void> {
  for (let from = 1; process.isAlive(); ) {
    await tolerate(async () => {
      for await (const event of subscribeToEvents(process.client, { from })) {
        world.followed(event);
        from = event.seq + 1;
      }
    });
    await wait(process, 300);
  }
}
