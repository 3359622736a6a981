// Branches
//
// Which calls of a run are made beside others, so that their order may be another one when the handler starts over. Owns: that mark. A call
// that is made within another one, such as a step within a step's function, is not beside that one.

import { AsyncLocalStorage } from "node:async_hooks";

/** A call of the context while it is in flight. */
export interface Branch {
  readonly outer: Branch | undefined;
  /** Whether another call has been in flight at the same time. */
  isBeside: boolean;
}

export interface Branches {
  /** Runs `work` as a call that is in flight until its promise settles. */
  during<Result>(work: () => Promise<Result>): Promise<Result>;
  /** The call that the running code belongs to. */
  current(): Branch | undefined;
}

/** The calls of one run. */
export function createBranches(): Branches {
  const around = new AsyncLocalStorage<Branch>();
  const inFlight = new Set<Branch>();
  const alone = new Set<Branch>(); // those in flight that are beside nothing so far: so each is marked once

  function begin(): Branch {
    const outer = around.getStore();
    let depth = 0;
    for (let next = outer; next !== undefined; next = next.outer) if (inFlight.has(next)) depth += 1;
    const branch = { outer, isBeside: inFlight.size > depth };
    if (branch.isBeside) markOthers(branch);
    else alone.add(branch);
    inFlight.add(branch);
    return branch;
  }

  function markOthers({ outer }: Branch): void {
    const outers = new Set<Branch>();
    for (let next = outer; next !== undefined; next = next.outer) outers.add(next);
    for (const other of alone) {
      if (outers.has(other)) continue;
      other.isBeside = true;
      alone.delete(other);
    }
  }

  return {
    async during(work) {
      const branch = begin();
      try {
        return await around.run(branch, work);
      } finally {
        inFlight.delete(branch);
        alone.delete(branch);
      }
    },
    current: () => around.getStore(),
  };
}
