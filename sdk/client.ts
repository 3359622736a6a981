// Client
//
// One typed method per operation, made from the operations' table, over any transport. Owns: command ids, repeats after an unknown
// outcome, and noticing that another store answers. Does not own: the transport's life.
//
// Invariants:
//   C1. A command has one id for all its tries, so that however often it is sent it takes effect once (I13).
//   C2. A failure that leaves the outcome open is not shown while time is left: the command is asked again.
//   C3. When the runtime says that it is up, every call under way is asked again: whatever was owed to it may be lost. They spread over a
//       time that grows with their number.
//   C4. Calls wait for a place (`Line`) before they are sent. Those that may wait at the runtime have places of their own: they would
//       stand in the way of those that do not.

import { AionisError, isFailure } from "../src/contracts/failures.ts";
import { toJson } from "../src/contracts/json.ts";
import { limits } from "../src/contracts/limits.ts";
import {
  type Operation,
  type OperationInput,
  type OperationName,
  type OperationOutput,
  operations,
} from "../src/contracts/operations/index.ts";
import { checkOptions } from "../src/contracts/options.ts";
import type { WorkProgress } from "../src/contracts/progress.ts";
import { RpcReply } from "../src/contracts/rpc.ts";
import { fromScopeName } from "../src/contracts/scope.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { Ids } from "../src/kernel/ids.ts";
import type { Random } from "../src/kernel/random.ts";
import { toUnit } from "../src/kernel/unit.ts";
import {
  createSubjects,
  decodeAnswer,
  type Envelope,
  encode,
  onAbort,
  type Signal,
  type Transport,
  toAgentHeaders,
} from "../transport/index.ts";
import { Line, type Place, type Turn } from "./line.ts";
import { Patience } from "./patience.ts";
import { withProgress } from "./progress.ts";

export interface CallOptions {
  /** How long to try, repeats included; 30 s if absent, and as long as the call itself waits. */
  timeoutMs?: number;
  /** Who calls, if not the client's own agent. */
  agent?: string;
  /** Gives the call up when it fires, and rejects with its reason at once. A command may be recorded all the same. */
  signal?: AbortSignal | undefined;
}

/** How a verb is called that works on the whole store: `store.verify`, `store.rebuild`, `store.backup`. */
export interface SlowCallOptions extends CallOptions {
  /** Called some times a second with how far it has come. What it throws gives the call up, which then rejects with it. */
  onProgress?: ((progress: WorkProgress) => void) | undefined;
}

type SlowName = OperationOutput<"runtime.status">["works"][number]["operation"];
type Options<Name extends OperationName> = Name extends SlowName ? SlowCallOptions : CallOptions;
type Call<Name extends OperationName> =
  Record<string, never> extends OperationInput<Name>
    ? (input?: OperationInput<Name>, options?: Options<Name>) => Promise<OperationOutput<Name>>
    : (input: OperationInput<Name>, options?: Options<Name>) => Promise<OperationOutput<Name>>;

/** The next words of those names that go on after `Prefix`. */
type WordsAfter<Prefix extends string> = OperationName extends infer Name
  ? Name extends `${Prefix}${infer Rest}`
    ? Rest extends `${infer Word}.${string}`
      ? Word
      : Rest
    : never
  : never;

/** What stands under the name `Path`: a method, a group of them, or both. */
type Part<Path extends string> = (Path extends OperationName ? Call<Path> : unknown) &
  ([WordsAfter<`${Path}.`>] extends [never]
    ? unknown
    : { readonly [Word in WordsAfter<`${Path}.`>]: Part<`${Path}.${Word}`> });

/**
 * Every operation as a method: `client.tasks.start(…)` is the operation `tasks.start`, `client.taskStart(…)` is `taskStart`. A method can be
 * a group as well: `client.replay.step(…)` and `client.replay.step.after(…)`.
 */
export type Client = { readonly [Word in WordsAfter<"">]: Part<Word> };

export interface ClientOptions {
  transport: Pick<Transport, "request" | "subscribe">;
  /** `tenant/project` */
  scope: string;
  /** Who calls: a worker, a program or a person. */
  agent: string;
  clock: Clock;
  ids: Ids;
  random: Pick<Random, "u32">;
}

const timeoutMsDefault = 30_000;
const tryMs = 5_000;
const statusTimeoutMs = 2_000;
const lastTryMs = 20;
const pauseMs = 20;
const pauseMsMax = 1_000;
const spreadMs = 50;
const spreadMsEach = 0.5;
const startedAnew = "The runtime started anew, or its connection was lost, before the reply.";

/** Makes the client. What it holds ends with the transport. */
export function createClient(options: ClientOptions): Client {
  const call = createCall(options);
  const client: Methods = {};
  for (const name of Object.keys(operations).sort()) {
    const words = name.split("."); // `replay.step` comes before `replay.step.after`, which becomes a property of its method
    const last = words.pop() ?? name;
    let group = client;
    for (const word of words) group = group[word] ??= {};
    const method: unknown = (input: unknown, callOptions?: CallOptions) => call(name, input, callOptions);
    group[last] = method as Methods; // what a function has by name are methods, once they are put there
  }
  return client as unknown as Client; // built from the same table as the type
}

/** Methods and groups of them by name; a method can be a group as well. */
interface Methods {
  [word: string]: Methods;
}

function createCall(options: ClientOptions) {
  const { transport, scope, clock, ids, random } = options;
  const subjects = createSubjects(fromScopeName(scope));
  const underWay = new Set<Patience>();
  const quick = new Line({ sentMax: limits.clientCallsSent, clock, random });
  const held = new Line({ sentMax: limits.clientCallsHeld, isHeld: true, clock, random });
  let store: string | undefined;
  transport.subscribe(subjects.up, () => {
    for (const patience of underWay) patience.interrupt(new AionisError("TRANSPORT_TIMEOUT", startedAnew)); // C3
  });

  return (name: string, input: unknown, given: SlowCallOptions = {}): Promise<unknown> =>
    isUsual(given) ? begin(name, input, given) : beginChecked(name, input, given);

  async function beginChecked(name: string, input: unknown, given: SlowCallOptions): Promise<unknown> {
    checkOptions("call", given);
    return await begin(name, input, given);
  }

  function begin(name: string, input: unknown, given: SlowCallOptions): Promise<unknown> {
    const { onProgress } = given;
    return onProgress === undefined ? call(name, input, given) : callWithProgress(name, input, given, onProgress);
  }

  function callWithProgress(
    name: string,
    input: unknown,
    given: CallOptions,
    onProgress: (progress: WorkProgress) => void,
  ): Promise<unknown> {
    const callId = ids.next("cmd");
    const statusMs = { ...given, signal: undefined, timeoutMs: statusTimeoutMs };
    return withProgress({
      ...{ clock, callId, onProgress, signal: given.signal },
      readStatus: () => call("runtime.status", {}, statusMs) as Promise<OperationOutput<"runtime.status">>,
      call: (signal) => call(name, input, { ...given, signal }, callId),
    });
  }

  /** Keeps as little as it can of a call that waits in line. */
  function call(name: string, input: unknown, given: CallOptions, callId?: string): Promise<unknown> {
    try {
      const { isSlow } = operations[name as OperationName] as Operation; // the methods are made from the table's names
      const waitMs = toWaitMs(name, input);
      const { timeoutMs = timeoutMsDefault + waitMs, agent = options.agent, signal } = given;
      const line = isSlow === true || waitMs > 0 ? held : quick; // C4
      const refusal = line.whyRefused(agent, timeoutMs);
      if (refusal !== undefined) return rejectSoon(refusal);
      const body = toJson(input ?? {}, name);
      const id = callId ?? ids.next("cmd");
      const envelope: Envelope = { v: 1, id, scope, at: clock.now(), from: agent, body };
      const payload = encode(envelope);
      signal?.throwIfAborted();
      const turn: Turn = { agent, bytes: payload.byteLength, endsAt: clock.mono() + timeoutMs, signal };
      const tryForMs = isSlow === true ? timeoutMs : tryMs + waitMs;
      const request: Request = { payload, subject: subjects.rpc(agent, name), tryForMs };
      const entered = line.enter(turn);
      if (!(entered instanceof Promise)) return send(request, turn, line, entered);
      return entered.then((place) => send(request, turn, line, place));
    } catch (error) {
      return rejectSoon(error);
    }
  }

  async function send({ subject, payload, tryForMs }: Request, turn: Turn, line: Line, first: Place): Promise<unknown> {
    const { agent, endsAt, signal } = turn;
    const headers = toAgentHeaders(agent);
    const patience = new Patience(signal);
    let place: Place | undefined = first;
    let isAnswered = false;
    underWay.add(patience);
    try {
      for (let attempt = 0; ; attempt += 1) {
        signal?.throwIfAborted();
        const trying = patience.begin();
        try {
          const leftMs = Math.max(endsAt - clock.mono(), 1);
          const limit = { timeoutMs: Math.min(leftMs, tryForMs), headers, signal: trying };
          const message = await transport.request(subject, payload, limit);
          const output = take(readReply(message.payload));
          isAnswered = true;
          return output;
        } catch (error) {
          signal?.throwIfAborted(); // its reason can be any error, one that can be retried too
          if (trying.aborted) attempt = 0; // C3
          const waitMs = trying.aborted ? toSpreadMs() : toPauseMs(error, attempt);
          const isLast = clock.mono() + waitMs + lastTryMs >= endsAt; // a try without time could only hide why this one failed
          isAnswered = !isFailure(error) || !error.retryable;
          if (isAnswered || isLast) throw error;
          if (!isFailure(error, "OVERLOADED")) {
            await pause(clock, waitMs, patience.begin()); // C2
          } else {
            const left = place;
            place = undefined; // until there is one again
            place = await line.again(left, turn, waitMs);
          }
        }
      }
    } finally {
      underWay.delete(patience);
      patience.end();
      if (place !== undefined) line.leave(place, isAnswered);
    }
  }

  /** C3 */
  function toSpreadMs(): number {
    return (spreadMs + spreadMsEach * underWay.size) * toUnit(random);
  }

  function toPauseMs(error: unknown, attempt: number): number {
    const { retryAfterMs } = isFailure(error, "OVERLOADED") ? error.facts : {};
    if (typeof retryAfterMs === "number") return retryAfterMs;
    return Math.min(pauseMsMax, pauseMs * 2 ** Math.min(attempt, 10)) * (0.5 + toUnit(random) / 2);
  }

  /** Another store answers: what this client knows of sequences and tasks is not true there. */
  function take(reply: RpcReply): unknown {
    store ??= reply.store;
    if (reply.store !== store) {
      throw new AionisError(
        "RUNTIME_CHANGED",
        `The scope is now served from store ${reply.store}, it was ${store}; connect anew.`,
      );
    }
    if (reply.ok) return reply.output;
    throw AionisError.from(reply.failure);
  }
}

/** Rejects when its caller has had the time to await it: Node.js notes each promise that is rejected before, which takes as long again. */
async function rejectSoon(reason: unknown): Promise<never> {
  await Promise.resolve();
  throw reason;
}

/** Whether the options of a call are such as nearly all are, and fit: the others are looked at one by one. */
function isUsual(given: SlowCallOptions): boolean {
  if (typeof given !== "object" || given === null) return false; // whatever the types say: JavaScript has none
  for (const field in given) if (field !== "agent" && field !== "timeoutMs") return false;
  const { timeoutMs = 1, agent = "a" } = given;
  if (typeof timeoutMs !== "number" || typeof agent !== "string" || agent === "") return false;
  return timeoutMs > 0 && timeoutMs <= limits.waitMs;
}

/** A call as it is sent. */
interface Request {
  subject: string;
  payload: Uint8Array;
  /** How long one try may take; the whole call's patience bounds it. */
  tryForMs: number;
}

/** How long the runtime itself may wait before it answers, the operation's default included: a try must outlast that. */
function toWaitMs(name: string, input: unknown): number {
  const schema = operations[name as OperationName].input; // the methods are made from the table's names
  if (!("shape" in schema) || !("waitMs" in schema.shape)) return 0;
  const given: unknown = typeof input === "object" && input !== null && "waitMs" in input ? input.waitMs : undefined;
  const { data = 0 } = schema.shape.waitMs.safeParse(given);
  return data;
}

function readReply(payload: Uint8Array): RpcReply {
  const parsed = RpcReply.safeParse(decodeAnswer(payload));
  if (parsed.success) return parsed.data;
  throw new AionisError(
    "MESSAGE_INVALID",
    "The reply is none that this version knows; are both sides of the same version?",
  );
}

/** Ends early when `signal` fires: the next try says why. */
function pause(clock: Pick<Clock, "setTimer">, ms: number, signal: Signal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancelTimer();
      forgetSignal();
      resolve();
    };
    const cancelTimer = clock.setTimer(ms, end);
    const forgetSignal = onAbort(signal, end);
  });
}
