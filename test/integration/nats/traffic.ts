// Traffic
//
// A client that starts tasks, and knows of each whether it was acknowledged. A call that ends without an answer is made again under the
// same command id, until there is one.

import { setTimeout as sleep } from "node:timers/promises";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { type Connection, isFailure, type TaskState } from "../../../src/index.ts";
import { patienceMs } from "../../support/patience.ts";
import { facts, type Work } from "./work.ts";

const answerMs = 700; // shorter than most faults, so that some calls end without an answer
const retry = { attemptsMax: 100, backoffMs: 10, backoffMaxMs: 100 };
const openStates: TaskState[] = ["start", "running", "paused", "handoff", "verifying"];

export class Traffic {
  /** What was acknowledged, in the words of `facts`. */
  readonly acknowledged: string[] = [];
  readonly taskIds: TaskId[] = [];
  /** How many calls ended without an answer. */
  unknown = 0;
  readonly #client: Connection;
  #started = 0;

  constructor(client: Connection) {
    this.#client = client;
  }

  /** Starts a task, however long it takes to be told so. */
  async start(work: Work): Promise<TaskId> {
    this.#started += 1;
    const commandId = `start-${this.#started}`;
    const input = { commandId, brief: `Task ${this.#started}`, data: work, retry };
    const endsAt = performance.now() + patienceMs;
    for (;;) {
      try {
        const { taskId } = await this.#client.tasks.start(input, { timeoutMs: answerMs });
        this.acknowledged.push(facts.started(taskId, commandId));
        this.taskIds.push(taskId);
        return taskId;
      } catch (error) {
        if (!isFailure(error) || !error.retryable || performance.now() > endsAt) throw error;
        this.unknown += 1;
      }
    }
  }

  /** Starts several, one every `everyMs`. */
  async startAll(works: readonly Work[], everyMs: number): Promise<void> {
    await Promise.all(
      works.map(async (work, index) => {
        await sleep(index * everyMs);
        await this.start(work);
      }),
    );
  }

  /** Waits until no task is open, the delegated ones included (I10). @throws Error that says why one does not move. */
  async ended(): Promise<void> {
    const endsAt = performance.now() + patienceMs;
    for (;;) {
      const { head } = await this.#client.runtime.status();
      const { tasks } = await this.#client.tasks.list({ states: openStates, pageSize: 3 });
      if (tasks.length === 0) return;
      if (performance.now() > endsAt) throw new Error(`tasks do not end: ${await this.#explain(tasks)}`);
      await this.#client.events.read({ from: head + 1, waitMs: 1_000 }); // until there is more in the journal
    }
  }

  async #explain(tasks: readonly { id: TaskId }[]): Promise<string> {
    return JSON.stringify(await Promise.all(tasks.map(({ id }) => this.#client.tasks.explain({ taskId: id }))));
  }
}
