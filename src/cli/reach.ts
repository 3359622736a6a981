// Reach
//
// How the command line reaches a runtime: over NATS, over the socket of whoever holds the store, or by opening the store for as long as
// the command takes. Owns the connection. Does not own: what is asked.
//
// Invariants:
//   R1. Nobody's store is held longer than one command, and a follower holds none while it waits: programs start beside it.
//   R2. A store, and a scope in it, is made only by a verb that may make one; anything else finds nothing and says so.
//   R3. A holder may end at any moment, for many are commands like this one. What it did not answer is asked again of whoever is there
//       next, under the same command id, so that it takes effect once.
//   R4. Over NATS no store is opened. The connection is kept over losses, for it comes back by itself.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AionisError, type FailureCode, isFailure } from "../contracts/failures.ts";
import type { WorkProgress } from "../contracts/progress.ts";
import { refuseUnreadable } from "../kernel/access.ts";
import type { Clock } from "../kernel/clock.ts";
import { markFile, storeFile } from "../kernel/store-folder.ts";
import { describePlace, type Place, toConnectOptions } from "./place.ts";
import { NoStoreError } from "./report.ts";

type Connection = Awaited<ReturnType<typeof import("../../sdk/index.ts").connect>>;

export interface ReachOptions {
  place: Place;
  /** `tenant/project` */
  scope: string;
  agent: string;
  /** How long one call may take, whoever answers it. */
  timeoutMs: number;
  clock: Pick<Clock, "mono" | "setTimer">;
}

type Held = { connection: Connection; isOwn: boolean };

export interface CallTraits {
  /** Whether the store and the scope may be made for it (R2). */
  mayCreate?: boolean;
  /** How long the runtime waits before it answers, by the call's own wish. */
  waitMs?: number;
  /** Whether it may take its whole time, so that it is not asked again meanwhile. */
  isSlow?: boolean;
  /** How long one try of a runtime of somebody else's may take, if not as briefly as it answers at once. */
  patienceMs?: number;
  /** Gives the call up when it fires, and rejects with its reason. */
  signal?: AbortSignal;
  /** Hears how far a verb has come that works on the whole store. */
  onProgress?: ((progress: WorkProgress) => void) | undefined;
}

/** Failures after which another runtime, or this one later, can answer. */
const lost: readonly FailureCode[] = [
  "TRANSPORT_TIMEOUT",
  "TRANSPORT_UNROUTED",
  "TRANSPORT_CLOSED",
  "TRANSPORT_UNREACHABLE",
  "RUNTIME_CLOSED",
];
const tryMs = 500; // whoever holds a store may be gone in a moment
const natsTryMs = 2_000;
const unroutedMs = 3_000;
const pauseMs = 50;
const pollMs = 200;

export class Reach {
  readonly #options: ReachOptions;
  #held: Held | undefined;
  #markSeen: string | undefined;
  #isClosed = false;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Whether the store is held by this process, so that nobody else changes it. */
  get isOwn(): boolean {
    return this.#held?.isOwn === true;
  }

  /**
   * Asks the runtime. `name` is an operation's.
   * @throws AionisError whatever the operation fails with; NoStoreError (R2).
   */
  async call(name: string, input: unknown, traits: CallTraits = {}): Promise<unknown> {
    return await this.use((connection, options) => invoke(connection, name, input, options), traits);
  }

  /**
   * Does `work` with a connection, and again with the next one when that is lost: what it asks must take effect once, however often it is
   * asked (R3). The options are for its calls.
   * @throws AionisError what `work` fails with; NoStoreError (R2).
   */
  async use<Result>(
    work: (connection: Connection, options: MethodOptions) => Promise<Result>,
    { mayCreate = false, waitMs = 0, isSlow = false, patienceMs: patienceGiven, signal, onProgress }: CallTraits = {},
  ): Promise<Result> {
    const { clock, timeoutMs, place } = this.#options;
    const endsAt = clock.mono() + timeoutMs + waitMs;
    const patienceMs = (patienceGiven ?? ("folder" in place ? tryMs : natsTryMs)) + waitMs;
    let unroutedSince: number | undefined;
    for (;;) {
      const { connection, isOwn } = await this.open({ mayCreate, endsAt });
      const leftMs = Math.max(endsAt - clock.mono(), 1);
      const isPatient = isSlow || isOwn; // an own runtime cannot be gone
      try {
        const tryForMs = isPatient ? leftMs : Math.min(leftMs, patienceMs);
        return await work(connection, {
          timeoutMs: tryForMs,
          signal,
          ...(onProgress === undefined ? {} : { onProgress }),
        });
      } catch (error) {
        // whoever holds the store for another scope now cannot make this one, and may be gone in a moment
        const canBeMade = mayCreate && isFailure(error, "SCOPE_NOT_FOUND");
        if (!isFailure(error, ...lost) && !canBeMade) throw error;
        // the client's last try of a call can be too short for any reply
        const isUnserved =
          canBeMade ||
          error.code === "TRANSPORT_UNROUTED" ||
          (error.code === "TRANSPORT_TIMEOUT" && unroutedSince !== undefined);
        const now = clock.mono();
        unroutedSince = isUnserved ? (unroutedSince ?? now) : undefined;
        if (now < endsAt && now - (unroutedSince ?? now) < unroutedMs) {
          await this.#prepareRepeat(error); // R3
          continue;
        }
        throw isUnserved ? this.#isNotServed(error) : error;
      }
    }
  }

  /** What is held, or a new connection, or the store itself. */
  async open(options: { mayCreate?: boolean; endsAt?: number } = {}): Promise<Held> {
    const { place } = this.#options;
    if (this.#held !== undefined) return this.#held;
    return "folder" in place ? await this.#openFolder(place.folder, options) : await this.#connect(); // R4
  }

  async #openFolder(
    folder: string,
    { mayCreate = false, endsAt = Number.POSITIVE_INFINITY }: { mayCreate?: boolean; endsAt?: number },
  ): Promise<Held> {
    const { scope, agent, clock } = this.#options;
    for (;;) {
      const held = await this.#connectIfServed();
      if (held !== undefined) return held;
      refuseUnreadable(join(folder, storeFile));
      if (!mayCreate && !existsSync(join(folder, storeFile))) throw new NoStoreError(folder);
      this.#markSeen = this.#readMark();
      try {
        const { createRuntime } = await import("../embedded.ts");
        return await this.#hold(await createRuntime({ path: folder, scope, agent, createScope: mayCreate }), true);
      } catch (error) {
        const canEnd = isFailure(error, "STORE_IN_USE") && error.facts.withoutSocket === undefined;
        if (!canEnd || clock.mono() >= endsAt) throw toStoreFailure(error, folder);
      }
      await this.#pause(pauseMs); // its holder is just beginning to listen, or about to end
    }
  }

  /** Gives an own store back (R1); a connection is kept. */
  async letGo(): Promise<void> {
    if (this.isOwn) await this.#drop();
  }

  /** Resolves when there may be something new to read, or when `stopped` says so. */
  async nextChange(stopped: () => boolean): Promise<void> {
    await this.#pause(pollMs);
    while (this.#held === undefined && !stopped()) {
      if ((await this.#connectIfServed()) !== undefined || this.#readMark() !== this.#markSeen) return;
      await this.#pause(pollMs);
    }
  }

  /** Lets go of everything, also of what is just being opened. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#drop();
  }

  async #hold(connection: Connection, isOwn: boolean): Promise<Held> {
    this.#held = { connection, isOwn };
    if (!this.#isClosed) return this.#held;
    await this.#drop();
    throw new AionisError("TRANSPORT_CLOSED", "The command has ended.");
  }

  async #drop(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    await held?.connection.close();
  }

  async #prepareRepeat({ code }: AionisError): Promise<void> {
    const isKept = "nats" in this.#options.place && code !== "TRANSPORT_CLOSED"; // R4
    await (isKept ? this.#pause(pauseMs) : this.#drop());
  }

  async #connect(): Promise<Held> {
    const { place, scope, agent, timeoutMs } = this.#options;
    const { connect } = await import("../../sdk/index.ts");
    return await this.#hold(await connect({ ...toConnectOptions(place), scope, agent, timeoutMs }), false);
  }

  async #connectIfServed(): Promise<Held | undefined> {
    try {
      return await this.#connect();
    } catch (error) {
      if (isFailure(error, "TRANSPORT_UNREACHABLE")) return undefined;
      throw error;
    }
  }

  #readMark(): string | undefined {
    const { place } = this.#options;
    const path = "folder" in place ? join(place.folder, markFile) : "";
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  #isNotServed(cause: AionisError): AionisError {
    const { place, scope } = this.#options;
    const detail =
      "folder" in place
        ? `The runtime of ${place.folder} does not serve the scope ${scope}.`
        : `Nobody serves the scope ${scope} at ${describePlace(place)}.`;
    return new AionisError("TRANSPORT_UNROUTED", detail, { cause });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.setTimer(ms, resolve));
  }
}

type Method = (input: unknown, options: MethodOptions) => Promise<unknown>;
type MethodOptions = { timeoutMs: number; signal: AbortSignal | undefined } & Pick<CallTraits, "onProgress">;

async function invoke(connection: Connection, name: string, input: unknown, options: MethodOptions): Promise<unknown> {
  const found = name.split(".").reduce<unknown>((part, word) => Reflect.get(Object(part), word), connection);
  if (typeof found !== "function") throw new AionisError("OPERATION_UNKNOWN", `The client has no operation ${name}.`);
  const method = found as Method; // the client is made from the operations' table
  return method(input, options);
}

/** What the file system refuses before there is a store. */
function toStoreFailure(error: unknown, folder: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (isFailure(error) || typeof code !== "string" || !/^E[A-Z]+$/.test(code)) return error;
  return new AionisError("STORE_FAILED", `The store in ${folder} cannot be opened: ${code}.`, { cause: error });
}
