// Late rejections
//
// A handler that runs branches side by side may leave one that nothing awaits when its run ends. The branch rejects with `RunEnded`, as it
// must to clean up, and Node.js would end the process for it. Owns: that such a rejection, or one made from it, is no unhandled one. Does
// not own: any other rejection, which goes the way it would go without this file.

import { listErrors } from "./error-causes.ts";
import { RunEnded } from "./run-ended.ts";

const mark = Symbol.for("aionis.lateRejections"); // one listener a process, however many copies of the package it loads
const tolerated = new WeakSet<Promise<unknown>>();

/** The workers of this process, of all copies of the package, and what takes the listeners away with the last of them. */
interface Listening {
  workers: number;
  end(): void;
}

/**
 * Keeps the end of a run from ending the process, until the function that is returned has been called for each worker. A program that chose
 * another mode of `--unhandled-rejections` keeps it as it is.
 */
export function tolerateRunEnded(): () => void {
  if (hasOwnMode()) return () => {};
  const shared = process as typeof process & { [mark]?: Listening };
  shared[mark] ??= listen();
  const listening = shared[mark];
  listening.workers += 1;
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    listening.workers -= 1;
    if (listening.workers > 0) return;
    listening.end();
    delete shared[mark];
  };
}

function listen(): Listening {
  process.on("unhandledRejection", onUnhandled);
  process.on("rejectionHandled", onHandled);
  return {
    workers: 0,
    end: () => void process.off("unhandledRejection", onUnhandled).off("rejectionHandled", onHandled),
  };
}

function onUnhandled(reason: unknown, promise: Promise<unknown>): void {
  if (listErrors(reason).some(RunEnded.is)) {
    tolerated.add(promise);
    return;
  }
  if (process.listenerCount("unhandledRejection") > 1) return; // the program's own listener decides
  throw reason instanceof Error ? reason : toError(reason); // an uncaught exception, as it is without a listener
}

/** A branch that is awaited after its run has ended, in a `finally` for example. */
function onHandled(promise: Promise<unknown>): void {
  if (tolerated.has(promise) || process.listenerCount("rejectionHandled") > 1) return;
  process.emitWarning("Promise rejection was handled asynchronously", "PromiseRejectionHandledWarning");
}

function hasOwnMode(): boolean {
  const given = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(" ")];
  return given.some((flag) => flag.startsWith("--unhandled-rejections") && !flag.endsWith("throw"));
}

function toError(reason: unknown): Error {
  const error = new Error(`A promise was rejected with ${String(reason)}, and nothing handled it.`, { cause: reason });
  return Object.assign(error, { code: "ERR_UNHANDLED_REJECTION" });
}
