import type { Condition } from "../../src/contracts/playbook.ts";

/** A step that could not be done as its playbook says. Once recorded it is not tried again under its name. */
export class Broken extends Error {
  readonly retryable = false;
  /** What did not hold, if it was a condition. */
  readonly condition: Condition | undefined;

  constructor(why: string, condition?: Condition) {
    super(why);
    this.name = "Broken";
    this.condition = condition;
  }
}

/** A replay that somebody stopped, or that cannot be run here: nothing of it speaks against the playbook. */
export class Aborted extends Error {
  override readonly name = "Aborted";
}
