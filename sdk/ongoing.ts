/** Promises that have not settled yet. */
export interface Ongoing {
  /** Counts `work` until it settles, and gives it back. */
  add<Result>(work: Promise<Result>): Promise<Result>;
  /** Resolves when those that go on now have settled. Never rejects. */
  settled(): Promise<unknown>;
}

/** Counts from now on. */
export function createOngoing(): Ongoing {
  const ongoing = new Set<Promise<unknown>>();
  return {
    add(work) {
      const forget = (): void => void ongoing.delete(work);
      ongoing.add(work);
      work.then(forget, forget);
      return work;
    },
    settled: () => Promise.allSettled(ongoing),
  };
}
