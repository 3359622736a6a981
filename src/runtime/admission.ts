// Admission
//
// Stands before the calls of one scope, whatever transport they come on: decides by subject, size and time alone, before a body is
// decoded, whether a call is worked on now, waits for its turn, or is refused with `OVERLOADED` and a time to wait.
// Owns: the calls that wait, their order, and the bytes of all calls here. Does not own: what a call means and does.
//
// Invariants:
//   A1. A call whose time is over when its turn comes is dropped unparsed: nothing is done for a caller that has left.
//   A2. Callers take turns (`FairQueue`), by the calls and by the bytes of their calls and answers. One that asks in turn does not wait
//       behind those that another sent.
//   A3. What waits is bounded in calls, and what waits, is worked on and is being answered in bytes. What would wait too long to be of use is
//       refused at once, while its caller still has the time to come again.
//   A4. A caller that does not take its answers gets no more of them: its calls wait, whatever else is free. When all callers together take
//       too little, one answer each is made.
//   A5. Only so much is taken up at a time that a commit is full, and so little that whatever else the process does comes to run.

import type { IncomingRequest, Reply } from "../../transport/index.ts";
import { AionisError } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import { FairQueue, type Party } from "../kernel/fair-queue.ts";
import { Pace } from "../kernel/pace.ts";
import { toRetryMs } from "./retry-after.ts";

type Handler = (request: IncomingRequest) => Reply | Promise<Reply>;

export interface AdmissionOptions {
  /** Works on a call. It never rejects. */
  handle: Handler;
  /** The answer to a call that is not taken. */
  refuse(request: IncomingRequest, retryAfterMs: number): Reply;
  /** How many commands wait for their commit. */
  commandsWaiting(): number;
  /** How many bytes of calls and answers may be here; `limits.callBytes` if absent. */
  callBytes?: number | undefined;
  clock: Pick<Clock, "mono" | "defer">;
}

interface Call {
  readonly request: IncomingRequest;
  readonly endsAt: number;
  resolve(reply: Reply | Promise<Reply>): void;
  reject(failure: AionisError): void;
}

/** Commands that wait for their commit, past which no further call is taken up: one commit's and the next one's. */
const commandsReady = 2 * limits.commandsPerTurn;

/** How long calls are taken up before I/O and timers have their turn, and how many of them. */
const sliceMs = 4;
const sliceCalls = 256;

/** Of its caller's patience, the part that a call may wait here: the rest is for the work and the way back. */
const patienceShare = 0.5;

/** How often, at most, it is looked through for calls whose time is over. */
const sweepMs = 500;

const tooLate = new AionisError(
  "TRANSPORT_TIMEOUT",
  "The call's time was over before its turn came; nothing was done.",
);

/** The handler with admission before it. */
export function createAdmission({ handle, refuse, commandsWaiting, callBytes, clock }: AdmissionOptions): Handler {
  const bytesMax = callBytes ?? limits.callBytes;
  const queue = new FairQueue<Call>({ itemsMax: limits.callsQueued, bytesMax, mayGo });
  const pace = new Pace();
  let sweptAt = 0;
  const slice = { calls: 0, ms: 0, isOpen: false };

  return (request) => {
    const party = queue.party(toPartyName(request.subject));
    const bytes = request.payload.byteLength;
    if (queue.items === 0 && queue.hasBytes(party, bytes) && mayGo(party) && mayWork()) {
      if (request.isWanted()) return work(request, party);
      queue.leave(party);
      throw tooLate; // A1
    }
    if (!isWorthWaiting(party, request)) {
      sweep();
      queue.leave(party);
      return refuse(request, toRetryMs((queue.items * pace.msEach) / 2));
    }
    openSlice(); // its end takes up what waits
    const endsAt = clock.mono() + request.timeoutMs;
    return new Promise((resolve, reject) => queue.add(party, { request, endsAt, resolve, reject }, bytes));
  };

  /** A3 */
  function isWorthWaiting(party: Party<Call>, { payload, timeoutMs }: IncomingRequest): boolean {
    if (!queue.hasRoom(party, payload.byteLength)) return false;
    return queue.itemsBefore(party) * pace.msEach <= timeoutMs * patienceShare;
  }

  /** A4 */
  function mayGo({ owed }: Party<Call>): boolean {
    return owed === 0 || (owed < limits.callerAnswerBytes && queue.owed < bytesMax);
  }

  /** A5 */
  function mayWork(): boolean {
    return slice.calls < sliceCalls && slice.ms < sliceMs && commandsWaiting() < commandsReady;
  }

  function openSlice(): void {
    if (slice.isOpen) return;
    slice.isOpen = true;
    clock.defer(endSlice);
  }

  function endSlice(): void {
    const { calls } = slice;
    slice.isOpen = false;
    slice.calls = 0;
    slice.ms = 0;
    pace.note(calls, clock.mono(), queue.items > 0);
    if (queue.items > 0) takeUp();
  }

  function takeUp(): void {
    while (mayWork()) {
      const lot = queue.take();
      if (lot === undefined) return; // until an answer is gone (A4)
      const { request, endsAt, resolve, reject } = lot.item;
      if (clock.mono() < endsAt && request.isWanted()) {
        resolve(work(request, lot.party));
      } else {
        queue.leave(lot.party);
        reject(tooLate); // A1
      }
    }
    openSlice();
  }

  function work(request: IncomingRequest, party: Party<Call>): Reply | Promise<Reply> {
    const bytes = request.payload.byteLength;
    openSlice();
    queue.hold(party, bytes);
    const startedAt = clock.mono();
    const reply = handle(request);
    slice.calls += 1;
    slice.ms += clock.mono() - startedAt;
    if (reply instanceof Promise) return reply.then((late) => settle(late, party, bytes));
    return settle(reply, party, bytes);
  }

  function settle(reply: Reply, party: Party<Call>, bytes: number): Reply {
    const answerBytes = reply.payload.byteLength;
    queue.charge(party, answerBytes); // A2
    if (answerBytes >= limits.largeAnswerBytes) queue.owe(party, answerBytes); // A4
    queue.release(party, bytes);
    if (answerBytes < limits.largeAnswerBytes) return reply;
    const onGone = (): void => {
      queue.settle(party, answerBytes);
      if (queue.items > 0) openSlice();
    };
    return { ...reply, onGone };
  }

  /** Calls of callers that do not take their answers wait for no turn that would drop them. */
  function sweep(): void {
    const now = clock.mono();
    if (now < sweptAt + sweepMs) return;
    sweptAt = now;
    queue.sweep(({ endsAt, reject }) => {
      if (now < endsAt) return false;
      reject(tooLate);
      return true;
    });
  }
}

const heartbeat = ".tasks.heartbeat";

/**
 * Whose turn a call takes: that of the agent, as the subject spells it. Heartbeats have turns of their own, so that an agent's lease does not
 * end because of its other calls.
 */
function toPartyName(subject: string): string {
  let from = 0;
  for (let dot = 0; dot < 5; dot += 1) from = subject.indexOf(".", from) + 1; // aionis.v1.<tenant>.<project>.rpc.<agent>.<operation>
  return subject.endsWith(heartbeat) ? subject.slice(from) : subject.slice(from, subject.indexOf(".", from));
}
