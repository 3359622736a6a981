// Network
//
// A runtime on a NATS server: connected as the agent `runtime`, alone in its scope, and listed among the server's services.

import { connectToNats } from "../sdk/index.ts";
import { answerProbes, createSubjects, type Transport, toOwner } from "../transport/index.ts";
import type { RuntimeAddress } from "./address.ts";
import { isFailure } from "./contracts/failures.ts";
import type { StoreId } from "./contracts/ids.ts";
import { fromScopeName } from "./contracts/scope.ts";
import type { InspectionNode } from "./inspect/node.ts";
import type { Clock } from "./kernel/clock.ts";
import { toUtcTime } from "./kernel/iso-time.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Random } from "./kernel/random.ts";
import type { Store } from "./kernel/store.ts";
import { readVersion } from "./kernel/version.ts";
import { createBells } from "./runtime/bells.ts";
import { createMirror } from "./runtime/mirror.ts";
import { takeScope } from "./runtime/presence.ts";
import type { Runtime } from "./runtime/start.ts";

const streamMs = 5_000;
const confirmMs = 5_000;

export interface JoinOptions {
  runtime: Runtime;
  /** Shows the runtime's actors there too; nothing if absent. */
  node?: InspectionNode | undefined;
  address: RuntimeAddress;
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
 * Serves the runtime's scope on a NATS server until the runtime closes. Returns the transport there, which stays the runtime's.
 * @throws AionisError `SCOPE_ALREADY_SERVED`, `TRANSPORT_DENIED` when its user may not serve the scope or keep the mirror, and what
 *   connecting fails with; then nothing is left open.
 */
export async function joinNats(options: JoinOptions): Promise<Transport> {
  const { runtime, node, address, scope, storeId, instance, clock } = options;
  const transport = await connectToNats({ ...options, ...address, agent: "runtime" });
  try {
    await takeScope({ transport, scope, storeId, instance, clock });
    if (address.mirror !== false) await startMirror(options);
    const subject = createSubjects(fromScopeName(scope)).rpcPattern;
    const stats = runtime.serve(transport);
    await transport.confirm({ timeoutMs: confirmMs });
    runtime.follow(createBells({ ...options, transport, time: runtime.time, store: options.store.scope(scope) }));
    const service = {
      name: "aionis-runtime",
      id: instance,
      version: readVersion(),
      description: `The runtime of ${scope}`,
      metadata: { scope, storeId },
      endpoints: [{ name: "rpc", subject, queueGroup: "runtime", stats }],
    };
    answerProbes(transport, service, toUtcTime(clock.now())); // if they are not permitted it is only not listed
    node?.join(transport); // and not inspected
    return transport;
  } catch (error) {
    await transport.drain();
    throw error;
  }
}

/**
 * Without JetStream on the server there is no mirror; everything else works. A user that may not keep the mirror where the server could
 * fails instead: somebody listed what the runtime may do, and what is missing in that list would show only to those who follow the
 * events, by their absence. Who wants no mirror says so.
 */
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
