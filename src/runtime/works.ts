// Works
//
// What takes long and is under way, and how far each of it is. Owns: that list, in memory only. Does not own: the work.

import { limits } from "../contracts/limits.ts";
import type { OperationOutput } from "../contracts/operations/index.ts";
import type { WorkProgress } from "../contracts/progress.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Caller } from "./caller.ts";

type SlowName = OperationOutput<"runtime.status">["works"][number]["operation"];

export interface Works {
  /** Does `work`, which is listed meanwhile, as far as it last noted. */
  during<Result>(name: SlowName, caller: Caller | undefined, work: Work<Result>): Promise<Result>;
  list(): OperationOutput<"runtime.status">["works"];
  /** Resolves when none is under way. */
  ended(): Promise<void>;
}

type Work<Result> = (note: (progress: WorkProgress) => void) => Promise<Result>;

export function createWorks(clock: Pick<Clock, "now">): Works {
  const works = new Set<OperationOutput<"runtime.status">["works"][number]>();
  const onEnded: (() => void)[] = [];

  return {
    async during(operation, caller, work) {
      const { callId, by = "runtime" } = caller ?? {};
      const entry = {
        operation,
        by,
        startedAt: clock.now(),
        progress: nothingYet,
        ...(callId === undefined ? {} : { callId }),
      };
      works.add(entry);
      try {
        return await work((progress) => {
          entry.progress = progress;
        });
      } finally {
        works.delete(entry);
        if (works.size === 0) for (const tell of onEnded.splice(0)) tell();
      }
    },
    list: () => [...works].slice(0, limits.listItems),
    ended: () => (works.size === 0 ? Promise.resolve() : new Promise((resolve) => void onEnded.push(resolve))),
  };
}

const nothingYet: WorkProgress = { phase: "waiting", done: 0, total: 0 };
