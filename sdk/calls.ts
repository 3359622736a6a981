// Calls of a run
//
// Which calls of a context are in flight, and whether every one of them waits for a pause. Owns: that count. Does not own: what follows;
// a run that only waits ends (`pauses.ts`). A call that was made within another one, such as a question within a step's function, stands for
// both: the outer one goes on only when the inner one has settled.

import { AsyncLocalStorage } from "node:async_hooks";

interface Call {
  readonly outer: Call | undefined;
  readonly waits: boolean;
}

export interface Calls {
  /** A call of the context, from now until it settles. */
  during<Result>(work: () => Promise<Result>): Promise<Result>;
  /** The same for a call that waits for a pause. */
  waiting<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Whether there are calls, and none that would go on by itself. */
  isResting(): boolean;
  /** Whether other calls than those round this one are in flight. */
  hasOthers(): boolean;
}

/** Counts from now on; `onChange` hears of each call that settled. */
export function createCalls(onChange: () => void): Calls {
  const inFlight = new Set<Call>();
  const around = new AsyncLocalStorage<Call>();

  async function track<Result>(call: Call, work: () => Promise<Result>): Promise<Result> {
    inFlight.add(call);
    try {
      return await around.run(call, work);
    } finally {
      inFlight.delete(call);
      onChange();
    }
  }

  function withOuter(calls: Iterable<Call>): Set<Call> {
    const all = new Set<Call>();
    for (const call of calls) {
      for (let next: Call | undefined = call; next !== undefined; next = next.outer) {
        if (inFlight.has(next)) all.add(next);
      }
    }
    return all;
  }

  return {
    during: (work) => track({ outer: around.getStore(), waits: false }, work),
    waiting: (work) => track({ outer: around.getStore(), waits: true }, work),
    isResting: () => inFlight.size > 0 && withOuter([...inFlight].filter(({ waits }) => waits)).size === inFlight.size,
    hasOthers() {
      const own = around.getStore();
      return inFlight.size > withOuter(own === undefined ? [] : [own]).size;
    },
  };
}
