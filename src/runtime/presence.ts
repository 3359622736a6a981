// Presence
//
// Makes sure that one runtime serves a scope on a transport that others can join, and tells who asks which one it is.
//
// Invariants:
//   E1. Who finds another runtime does not serve. Each asks before it answers and once more after, so that of several that start at
//       the same time each finds the one that goes before it, and gives way.

import { z } from "zod";
import { createSubjects, decode, encode, type Transport } from "../../transport/index.ts";
import { AionisError, isFailure } from "../contracts/failures.ts";
import { StoreId } from "../contracts/ids.ts";
import { fromScopeName } from "../contracts/scope.ts";
import { Line, Time } from "../contracts/values.ts";
import type { Clock } from "../kernel/clock.ts";
import { toIsoTime } from "../kernel/iso-time.ts";

/** The runtime of a scope. `instance` is of one start of it. */
const Presence = z.strictObject({ storeId: StoreId, instance: Line, startedAt: Time });
type Presence = z.infer<typeof Presence>;

export interface PresenceOptions {
  transport: Transport;
  /** `tenant/project` */
  scope: string;
  storeId: StoreId;
  /** An id of this start, that no other has. */
  instance: string;
  clock: Pick<Clock, "now" | "setTimer">;
}

const answerMs = 1_000;
const laterMs = 250; // who asks hears those that go before it first, and itself only when there are none

/**
 * Takes the scope on this transport, until that is drained.
 * @throws AionisError `SCOPE_ALREADY_SERVED` when another runtime has it; what a request fails with when the broker cannot be asked.
 */
export async function takeScope({ transport, scope, storeId, instance, clock }: PresenceOptions): Promise<void> {
  const own: Presence = { storeId, instance, startedAt: clock.now() };
  const subject = createSubjects(fromScopeName(scope)).who;

  async function findOther(): Promise<Presence | undefined> {
    try {
      const reply = await transport.request(subject, encode(own), { timeoutMs: answerMs });
      const { data: found } = Presence.safeParse(decode(reply.payload));
      if (found === undefined) throw alreadyServed(scope, "one that this version does not understand");
      return found.instance === instance ? undefined : found;
    } catch (error) {
      if (isFailure(error, "TRANSPORT_UNROUTED")) return undefined;
      if (isFailure(error, "TRANSPORT_TIMEOUT")) throw alreadyServed(scope, "one that does not answer", error);
      throw error;
    }
  }

  const first = await findOther();
  if (first !== undefined) throw alreadyServed(scope, describe(first));
  const stop = transport.serve(subject, instance, async ({ payload }) => {
    const isFirst = isBefore(own, Presence.parse(decode(payload)));
    if (!isFirst) await new Promise<void>((resolve) => void clock.setTimer(laterMs, resolve));
    return { payload: encode(own) };
  });
  const other = await findOther();
  if (other === undefined || isBefore(own, other)) return;
  stop();
  throw alreadyServed(scope, describe(other));
}

/** All compare alike, so that they agree. */
function isBefore(own: Presence, other: Presence): boolean {
  return own.startedAt === other.startedAt ? own.instance < other.instance : own.startedAt < other.startedAt;
}

function describe({ storeId, startedAt }: Presence): string {
  return `store ${storeId}, since ${toIsoTime(startedAt)}`;
}

function alreadyServed(scope: string, by: string, cause?: unknown): AionisError {
  return new AionisError(
    "SCOPE_ALREADY_SERVED",
    `${scope} is served by another runtime (${by}); connect to it, or stop it first.`,
    { cause },
  );
}
