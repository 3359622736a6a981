/** The places where tests may make a process die or an operation fail. Each stands at a border that a crash can hit. */
export type FaultPoint =
  | "turn.begin"
  | "turn.decided"
  | "commit.before"
  | "commit.after"
  | "reply.before"
  | "mark.before"
  | "timer.fire";

/** Fault injection. In production nothing happens; a test's implementation may throw. */
export interface Faults {
  at(point: FaultPoint): void;
}

/** The faults of production: none. */
export const noFaults: Faults = { at() {} };
