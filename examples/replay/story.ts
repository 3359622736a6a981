// Story
//
// The parts of which the example is made, each told as it happens: work by the agent, a playbook of it, a replay, a repair. Owns: what is
// printed. Does not own: their order (`main.ts`), and the agent (`agent.ts`).

import type { EmbeddedRuntime, OperationInput } from "aionis";

type PlaybookId = OperationInput<"playbooks.get">["id"];
type TaskId = OperationInput<"tasks.get">["taskId"];
type Ended = Awaited<ReturnType<EmbeddedRuntime["tasks"]["result"]>>;

/** Where a replay broke, as its data say it. */
interface Break {
  step: string;
  why: string;
}

export interface Telling {
  print: (line: string) => void;
  /** How often the agent was called so far. */
  countCalls: () => number;
}

/** Tells what is done in the runtime. */
export function createStory({ tasks, playbooks }: EmbeddedRuntime, { print, countCalls }: Telling) {
  async function printState(id: PlaybookId): Promise<void> {
    const { state } = await playbooks.get({ id });
    print(`  the playbook is ${state}`);
  }

  async function tellEnd(taskId: TaskId): Promise<Ended> {
    const ended = await tasks.result(taskId);
    const { steps } = await tasks.steps({ taskId });
    for (const { name, tool } of steps) if (tool !== undefined) print(`    ran ${name.padEnd(17)} ${tool}`);
    print(`  ${ended.task.state}; agent calls so far: ${countCalls()}`);
    return ended;
  }

  async function work(version: string): Promise<TaskId> {
    const brief = `Release version ${version} of retry-kit`;
    print(`\n"${brief}": the agent does it`);
    const { taskId } = await tasks.start({ brief, to: { role: "release" } });
    await tellEnd(taskId);
    return taskId;
  }

  /** Makes a playbook of what was done. */
  async function compile(runs: TaskId[]): Promise<PlaybookId> {
    const { id, playbook } = await playbooks.compile({ runs, title: "Release a version of retry-kit" });
    const { steps, parameters } = playbook.content;
    print(`\na playbook of both: ${steps.length} steps, parameters: ${parameters.map(({ name }) => name).join()}`);
    await printState(id);
    return id;
  }

  /** Lets its steps, or those of a repair, show what they are good for: by a dry run, and by a strict replay in a copy. */
  async function prove(id: PlaybookId, version?: number): Promise<void> {
    const how = { id, params: { version: "2.0.0" }, ...(version === undefined ? {} : { version }) };
    print("a dry run, which touches nothing");
    await tellEnd((await playbooks.run({ ...how, mode: "simulate" })).taskId);
    await printState(id);
    print("a strict replay, in a copy of the repository");
    await tellEnd((await playbooks.run({ ...how, mode: "strict", inCopy: true })).taskId);
    await printState(id);
  }

  async function promote(id: PlaybookId): Promise<void> {
    await playbooks.promote({ id, to: "active", reason: "Its check passed in a copy." });
    print("promoted");
    await printState(id);
  }

  /** Asks for work in somebody's words; the playbook that surely fits runs. @throws when there is none. */
  async function ask(query: string): Promise<Ended> {
    const answer = await playbooks.dispatch({ query });
    if (answer.decision === "agent") throw new Error(`${answer.reason} ${JSON.stringify(answer.skipped)}`);
    print(`\n"${query}": the playbook does it, with ${JSON.stringify(answer.params)}`);
    const ended = await tellEnd(answer.taskId);
    const broken = readBreak(ended);
    if (broken !== undefined) print(`  stopped at ${broken.step}, before anything was touched: ${broken.why}`);
    await printState(answer.id);
    return ended;
  }

  /** Proposes the step that broke with another path, proves it, and has it reviewed. */
  async function repair(id: PlaybookId, ended: Ended, [from, to]: [string, string]): Promise<void> {
    const { content } = await playbooks.get({ id });
    const step = content.steps.find(({ key }) => key === readBreak(ended)?.step);
    if (step === undefined) throw new Error(`No step of ${id} is known to be broken.`);
    const { key, input, before } = JSON.parse(JSON.stringify(step).replaceAll(from, to)) as typeof step;
    const patch = { steps: { [key]: { input, before } } };
    const { version } = await playbooks.repair({ id, patch, reason: `${from} is ${to} now.` });
    print(`\na repair is proposed: in ${key}, ${from} becomes ${to}`);
    await prove(id, version);
    const review = { id, version, act: "approve", requireReplay: true, reason: "Its check passed in a copy." } as const;
    await playbooks.repairReview(review, { agent: "maintainer" });
    print("reviewed by the maintainer");
    await printState(id);
  }

  return { work, compile, prove, promote, ask, repair };
}

function readBreak({ outcome }: Ended): Break | undefined {
  return (outcome as { data?: { break?: Break } } | undefined)?.data?.break; // what a replay says of itself
}
