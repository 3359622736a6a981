// The operator
//
// Looks after a runtime that has come back. A journal that ends before its mark must be served read-only, with a failure that says so,
// and nothing may be recorded after it until somebody accepts the loss by taking the mark away. Here somebody does.

import { isFailure } from "../../src/contracts/failures.ts";
import type { RuntimeNode } from "./node.ts";
import type { ScopeRun } from "./scope-run.ts";
import { type Process, wait } from "./world.ts";

export interface Operator {
  /** Asks a runtime whose journal lost its end what it says of it, and accepts the loss. */
  look(): Promise<void>;
  readonly lossesAccepted: number;
}

export function createOperator(options: {
  node: RuntimeNode;
  runs: readonly ScopeRun[];
  violation(what: string): void;
}): Operator {
  const { node, violation } = options;
  const processes = options.runs.map((run) => run.createProcess("operator"));
  let isAsking = false;
  let lossesAccepted = 0;

  async function ask(process: Process): Promise<void> {
    const said = await untilAnswered(process, () => process.client.runtime.status());
    if (!isTruncation(said)) violation(`I7: of a journal that lost its end the runtime says ${JSON.stringify(said)}`);
    const told = await untilAnswered(process, () => process.client.tasks.start({ brief: "after a loss" }));
    if (!isFailure(told, "JOURNAL_TRUNCATED"))
      violation(`I7: a journal that lost its end took a command: ${JSON.stringify(told)}`);
  }

  return {
    async look() {
      if (isAsking || !node.isTruncated()) return;
      isAsking = true;
      for (const process of processes) await ask(process);
      isAsking = false;
      lossesAccepted += 1;
      node.acceptLoss();
    },
    get lossesAccepted() {
      return lossesAccepted;
    },
  };
}

/** What a call came to, however often the runtime died or could not be reached meanwhile. */
async function untilAnswered(process: Process, call: () => Promise<unknown>): Promise<unknown> {
  for (;;) {
    const answer = await call().catch((error: unknown) => error);
    if (!isFailure(answer) || !answer.retryable) return answer;
    await wait(process, 300);
  }
}

function isTruncation(status: unknown): boolean {
  const { state, reason } = status as { state?: string; reason?: string }; // looked at, whatever it is
  return state === "readOnly" && reason?.includes("events are missing") === true;
}
