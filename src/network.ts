// Network
//
// A runtime on a NATS server: connected as the agent `runtime`, alone in its scope, and listed among the server's services.

import { connectToNats, type NatsAddress } from "../sdk/index.ts";
import { answerProbes, createSubjects, toOwner } from "../transport/index.ts";
import { isFailure } from "./contracts/failures.ts";
import type { StoreId } from "./contracts/ids.ts";
import { fromScopeName } from "./contracts/scope.ts";
import type { Clock } from "./kernel/clock.ts";
import { toUtcTime } from "./kernel/iso-time.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Random } from "./kernel/random.ts";
import type { Store } from "./kernel/store.ts";
import { readVersion } from "./kernel/version.ts";
import { createMirror } from "./runtime/mirror.ts";
import { takeScope } from "./runtime/presence.ts";
import type { Runtime } from "./runtime/start.ts";

const streamMs = 5_000;

export interface JoinOptions {
  runtime: Runtime;
  address: NatsAddress;
  /** `tenant/project` */
  scope: string;
  store: Store;
  storeId: StoreId;
  /** An id of this start. */
  instance: string;
  clock: Clock;
  random: Random;
  logger: Logger;
}

/**
 * Serves the runtime's scope on a NATS server until the runtime closes.
 * @throws AionisError `SCOPE_ALREADY_SERVED`, and what connecting fails with; then nothing is left open.
 */
export async function joinNats(options: JoinOptions): Promise<void> {
  const { runtime, address, scope, storeId, instance, clock } = options;
  const transport = await connectToNats({ ...options, ...address, agent: "runtime" });
  try {
    await takeScope({ transport, scope, storeId, instance, clock });
    await startMirror(options);
  } catch (error) {
    await transport.drain();
    throw error;
  }
  const subject = createSubjects(fromScopeName(scope)).rpcPattern;
  const stats = runtime.serve(transport);
  answerProbes(
    transport,
    {
      name: "aionis-runtime",
      id: instance,
      version: readVersion(),
      description: `The runtime of ${scope}`,
      metadata: { scope, storeId },
      endpoints: [{ name: "rpc", subject, queueGroup: "runtime", stats }],
    },
    toUtcTime(clock.now()),
  );
}

/** Without JetStream on the server there is no mirror; everything else works. */
async function startMirror({
  runtime,
  address,
  scope,
  storeId,
  store,
  clock,
  random,
  logger,
}: JoinOptions): Promise<void> {
  const { stream, patterns } = createSubjects(fromScopeName(scope)).mirror;
  const { openStream } = await import("../transport/nats/index.ts");
  const options = {
    ...address,
    owner: toOwner(scope, "runtime"),
    name: "runtime mirror",
    timeoutMs: streamMs,
    clock,
    random,
    logger,
  };
  try {
    const log = await openStream({ ...options, stream, subjects: patterns });
    const mirror = createMirror({ store: store.scope(scope), storeId, stream: log, clock, logger });
    log.onBack(mirror.lookAgain);
    runtime.follow({
      wake: mirror.wake,
      async close() {
        await mirror.close();
        await log.close();
      },
    });
  } catch (error) {
    if (!isFailure(error, "TRANSPORT_INCOMPATIBLE")) throw error;
    logger.log("warn", "the journal is not mirrored", { scope, error: String(error) });
  }
}
