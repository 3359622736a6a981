// A store with some of everything that grows: a long task, many tasks and packets, sessions, a tree of delegations, finished work, large bodies.

import { type Connection, createRuntime } from "aionis";

export const stallsScope = "bench/stalls";

type TaskId = Parameters<Connection["tasks"]["get"]>[0]["taskId"];

/** What is where in it. */
export interface Filled {
  /** A task that is worked on, with 50,000 steps. */
  long: TaskId;
  /** A task of which one step failed as often as a quarter of all events. */
  failed: TaskId;
  /** A session, of at least 1,000 notes. */
  session: TaskId;
  /** A task with 256 KB of data. */
  large: TaskId;
  /** The root of a tree of some 540 tasks. */
  root: TaskId;
  /** The events with bodies of 256 KB, from the first to after the last. */
  largeFrom: number;
  largeTo: number;
}

const steps = 50_000;
const batch = 256;
const branches = 60;
const leaves = 8;
const large = 64;
const others = 200_000; // tasks; what is left beside them are notes, which are written faster
const notesMin = 1_000;

/** Fills the store in `path` through a runtime of its own, up to about `events` events. */
export async function fillForStalls(path: string, events: number): Promise<Filled> {
  const runtime = await createRuntime({ scope: stallsScope, path, durability: "process", leaseMs: 3_600_000 });
  const { tasks, sessions, handoff } = runtime;
  const head = async (): Promise<number> => (await runtime.runtime.status()).head;

  const root = await fillTree(runtime);
  const long = await begin(runtime, "a long one");
  await many(steps, (ordinal) =>
    tasks.step({
      ...{ taskId: long, epoch: 1 },
      step: {
        name: `step ${ordinal % 1_000}`,
        ordinal: Math.floor(ordinal / 1_000),
        outcome: { kind: "succeeded", output: "x".repeat(100) },
      },
    }),
  );
  const failed = await begin(runtime, "one that fails");
  await many(events / 4, () =>
    tasks.step({
      ...{ taskId: failed, epoch: 1 },
      step: { name: "try", ordinal: 0, outcome: { kind: "failed", error: "not yet", retryable: true } },
    }),
  );
  await many(events / 100, async (index) => {
    const { sessionId } = await sessions.create({ title: `Session ${index}` });
    for (let note = 0; note < 4; note += 1) await sessions.event({ sessionId, kind: "note", text: `Note ${note}` });
  });
  await many(events / 40, (index) =>
    handoff.store({
      packet: { brief: `Packet ${index}`, nextAction: "Go on." },
      to: { role: `role-${index % 50}` },
      family: `family-${index % 20}`,
    }),
  );
  await many(events / 200, async (index) => {
    const taskId = await begin(runtime, `Make the ${index % 97} test of part ${index} pass`, `src/part-${index}.ts`);
    const step = { name: "change", ordinal: 0, outcome: { kind: "succeeded", output: index } } as const;
    await tasks.step({ taskId, epoch: 1, step });
    await tasks.complete({ taskId, epoch: 1 });
  });
  const largeFrom = (await head()) + 1;
  const withData = await many(large, () =>
    tasks.start({ brief: "with data", data: "y".repeat(256 * 1024), to: { role: "later" } }),
  );
  const largeTo = (await head()) + 1;
  const left = Math.max(0, events - (await head()));
  await many(Math.min(left, others), () => tasks.start({ brief: "one of many", to: { role: "later" } }));
  const { sessionId: session } = await sessions.create({ title: "A long one" });
  await many(Math.max(notesMin, left - others), (index) =>
    sessions.event({ sessionId: session, kind: "note", text: `Note ${index}` }),
  );
  await runtime.close();
  return { long, failed, session, large: withData[0]?.taskId ?? long, root, largeFrom, largeTo };
}

async function begin({ tasks }: Connection, brief: string, file?: string): Promise<TaskId> {
  const { taskId } = await tasks.start({
    brief,
    to: { role: "filler" },
    ...(file === undefined ? {} : { files: [file] }),
  });
  await tasks.claim({ taskId, roles: ["filler"] });
  return taskId;
}

async function fillTree(runtime: Connection): Promise<TaskId> {
  const { tasks } = runtime;
  const delegate = async (taskId: TaskId, count: number): Promise<TaskId[]> => {
    const made = await many(count, () =>
      tasks.delegate({
        ...{ taskId, epoch: 1, to: { role: "filler" } },
        packet: { brief: "a part", nextAction: "Do it." },
        budget: { count: leaves, depth: 2 },
      }),
    );
    return made.map(({ childId }) => childId);
  };
  const { taskId: root } = await tasks.start({
    brief: "the root",
    to: { role: "filler" },
    budget: { count: 1_000, depth: 4 },
  });
  await tasks.claim({ taskId: root, roles: ["filler"] });
  for (const child of await delegate(root, branches)) {
    await tasks.claim({ taskId: child, roles: ["filler"] });
    await many(leaves, () =>
      tasks.delegate({
        taskId: child,
        epoch: 1,
        to: { role: "later" },
        packet: { brief: "a leaf", nextAction: "Do it." },
      }),
    );
  }
  return root;
}

/** Runs `make` so many times, a batch at once. */
async function many<Made>(count: number, make: (index: number) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = [];
  for (let from = 0; from < count; from += batch) {
    const length = Math.min(batch, Math.floor(count) - from);
    made.push(...(await Promise.all(Array.from({ length }, (_, index) => make(from + index)))));
  }
  return made;
}
