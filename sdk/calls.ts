// Calls of a run
//
// Which calls of a context are in flight, which of them were made beside others, so that their order may be another one when the handler
// starts over, and whether every one of them waits for a pause. Owns: those marks. Does not own: what follows; a run that only waits ends
// (`pauses.ts`). A call that is made within another one, such as a question within a step's function, is not beside that one. The outer one
// does not wait with it: whether a function awaits the promises that it has made, nobody can see.

import { AsyncLocalStorage } from "node:async_hooks";

/** A call of the context, until it settles. */
export interface Call {
  readonly outer: Call | undefined;
  /** Whether another call has been in flight at the same time. */
  isBeside: boolean;
  /** Whether it waits for a pause. */
  waits: boolean;
}

export interface Calls {
  /** A call that is in flight from now until its end. */
  begin(): Call;
  /** Runs `work` as a part of the call. */
  run<Result>(call: Call, work: () => Result): Result;
  end(call: Call): void;
  /** The call that the running code belongs to. */
  current(): Call | undefined;
  /** Has that call wait for a pause for as long as `work` takes. */
  waiting<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Whether there are calls, and each of them waits for a pause itself. A step whose function asks is one that works. */
  isResting(): boolean;
  /** Whether other calls than those round the running code are in flight. */
  hasOthers(): boolean;
}

/** The calls of one run; `onEnd` hears of each call that has settled. */
export function createCalls(onEnd: () => void): Calls {
  const around = new AsyncLocalStorage<Call>();
  const inFlight = new Set<Call>();
  const alone = new Set<Call>(); // those in flight that are beside nothing so far: so each is marked once

  function begin(): Call {
    const outer = around.getStore();
    let depth = 0;
    for (let next = outer; next !== undefined; next = next.outer) if (inFlight.has(next)) depth += 1;
    const call = { outer, isBeside: inFlight.size > depth, waits: false };
    if (call.isBeside) markOthers(call);
    else alone.add(call);
    inFlight.add(call);
    return call;
  }

  function markOthers({ outer }: Call): void {
    const outers = withOuter([outer]);
    for (const other of alone) {
      if (outers.has(other)) continue;
      other.isBeside = true;
      alone.delete(other);
    }
  }

  /** Those of `calls`, and of the calls round them, that are in flight. */
  function withOuter(calls: Iterable<Call | undefined>): Set<Call> {
    const all = new Set<Call>();
    for (const call of calls) {
      for (let next = call; next !== undefined; next = next.outer) if (inFlight.has(next)) all.add(next);
    }
    return all;
  }

  return {
    begin,
    run: (call, work) => around.run(call, work),
    end(call) {
      inFlight.delete(call);
      alone.delete(call);
      onEnd();
    },
    current: () => around.getStore(),
    async waiting(work) {
      const call = around.getStore();
      if (call === undefined) return await work();
      call.waits = true;
      try {
        return await work();
      } finally {
        call.waits = false;
      }
    },
    isResting: () => inFlight.size > 0 && [...inFlight].every(({ waits }) => waits),
    hasOthers: () => inFlight.size > withOuter([around.getStore()]).size,
  };
}
