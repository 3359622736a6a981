// What every transport promises
//
// One suite for every implementation: each sentence of the interface's doc comments, nothing that one implementation alone does.
// It runs on the machine's clock, because some implementations do real I/O; nothing sleeps, every wait is for a message or a reply.

import type { Logger } from "../../src/kernel/logger.ts";
import { describeBounds } from "./transport/bounds.ts";
import { createSetup, type Fabric } from "./transport/fabric.ts";
import { describeLife } from "./transport/life.ts";
import { describePublish } from "./transport/publish.ts";
import { describeRequest } from "./transport/request.ts";

/** What every transport promises. Each implementation's test file calls this. */
export function describeTransport(name: string, open: (logger: Logger) => Promise<Fabric>): void {
  const setup = createSetup(open);
  describePublish(name, setup);
  describeRequest(name, setup);
  describeBounds(name, setup);
  describeLife(name, setup);
}
