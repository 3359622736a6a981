// Progress
//
// How far a verb that takes long has come, for as long as it is waited for. It is asked for in calls of its own: so it is the same over every
// transport, and one that is lost is made up for by the next.

import type { OperationOutput } from "../src/contracts/operations/index.ts";
import type { WorkProgress } from "../src/contracts/progress.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";

export interface Progressing<Result> {
  clock: Pick<Clock, "setTimer">;
  /** The id of the call's message. */
  callId: string;
  /** Gives the call up when it fires. */
  signal: AbortSignal | undefined;
  onProgress(progress: WorkProgress): void;
  readStatus(): Promise<OperationOutput<"runtime.status">>;
  call(signal: AbortSignal): Promise<Result>;
}

const everyMs = 200;

/** Makes the call and tells `onProgress` meanwhile. What that throws gives the call up, which then rejects with it. */
export async function withProgress<Result>(options: Progressing<Result>): Promise<Result> {
  const { clock, callId, signal, onProgress, readStatus } = options;
  const failing = new AbortController();
  let isOver = false;
  let cancelTimer: CancelTimer = () => {};

  function lookLater(): void {
    cancelTimer = clock.setTimer(everyMs, () => void look().catch((error: unknown) => failing.abort(error)));
  }

  async function look(): Promise<void> {
    const status = await readStatus().catch(() => undefined); // the next one may find out, and the call says what is wrong
    if (isOver) return;
    const work = status?.works.find((each) => each.callId === callId);
    if (work !== undefined) onProgress(work.progress);
    lookLater();
  }

  lookLater();
  try {
    return await options.call(signal === undefined ? failing.signal : AbortSignal.any([signal, failing.signal]));
  } finally {
    isOver = true;
    cancelTimer();
  }
}
