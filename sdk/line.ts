// Line
//
// Where the calls of one client wait until they may be sent. Owns: how many are on their way, the turns of the agents that share the client,
// and how an agent's calls slow down when the runtime refuses some. Does not own: sending, and what an answer means.
//
// Invariants:
//   L1. What waits is bounded in calls and bytes; what would not be answered in time is refused before anything is done for it.
//   L2. A call that waits asks nobody anything: it is sent when its turn comes, not every now and then.
//   L3. A refused call goes back to the head of its agent's line, and none of that agent's is sent until the time to wait is over, with
//       jitter. How many of its calls are on their way is halved then, and grows again with each answer.
//   L4. The agents take turns (`FairQueue`), and none has all the places. An agent that the runtime refuses holds up no other.

import { type AionisError, overloaded } from "../src/contracts/failures.ts";
import { limits } from "../src/contracts/limits.ts";
import type { CancelTimer, Clock } from "../src/kernel/clock.ts";
import { FairQueue, type Lot, type Party } from "../src/kernel/fair-queue.ts";
import { Pace } from "../src/kernel/pace.ts";
import type { Random } from "../src/kernel/random.ts";
import { toUnit } from "../src/kernel/unit.ts";
import { onAbort } from "../transport/index.ts";

export interface LineOptions {
  /** The most calls on their way. */
  sentMax: number;
  /** Whether calls may wait at the runtime: then those on their way say nothing of how long another one takes. */
  isHeld?: boolean;
  clock: Pick<Clock, "mono" | "setTimer">;
  random: Pick<Random, "u32">;
}

/** Who waits, and for how long. */
export interface Turn {
  agent: string;
  /** Bytes of the call. */
  bytes: number;
  /** When the caller stops waiting, on the clock's `mono`. */
  endsAt: number;
  signal: AbortSignal | undefined;
}

/** The place of a call that may be sent. */
export interface Place {
  readonly lane: Lane;
}

/** What is known of one agent. */
interface Lane {
  readonly party: Party<Waiting>;
  sent: number;
  /** How many may be on their way. */
  window: number;
  /** Ends the pause that it makes; undefined while it makes none. */
  endPause: CancelTimer | undefined;
  refusals: number;
}

/** A call that waits. There can be many thousands of them: each is one small object, and none has a timer of its own. */
class Waiting {
  readonly endsAt: number;
  readonly #resolve: (place: Place) => void;
  readonly #reject: (reason: unknown) => void;
  /** Lets go of the caller's signal, where there is one. */
  forgetSignal: (() => void) | undefined;

  constructor(endsAt: number, resolve: (place: Place) => void, reject: (reason: unknown) => void) {
    this.endsAt = endsAt;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  go(place: Place): void {
    this.forgetSignal?.();
    this.#resolve(place);
  }

  refuse(reason: unknown): void {
    this.forgetSignal?.();
    this.#reject(reason);
  }
}

const windowFirst = 256;
const windowLeast = 4;
/** Of all places, the part that one agent may have. */
const share = 0.75;
/** Of a caller's patience, the part that the calls before it may take. */
const patienceShare = 0.5;
/** What a waiting call takes beside its bytes. */
const callBytes = 512;
const pauseMs = 20;
const pauseMsMax = 2_000;
/** Calls whose time is over are looked for when the first of them is due, and no more often. */
const lookMs = 50;
/** A timer may fire that much before its time. */
const earlyMs = 1;

export class Line {
  readonly #options: LineOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #queue: FairQueue<Waiting>;
  readonly #pace = new Pace();
  #sent = 0;
  #looksAt = Number.POSITIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #cancelLook: CancelTimer | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#queue = new FairQueue({
      itemsMax: limits.clientCalls,
      bytesMax: limits.clientCallBytes,
      mayGo: ({ name }) => isOpen(this.#lanes.get(name)),
    });
  }

  /** L1, before anything is done for the call: why it is refused, with `OVERLOADED`. */
  whyRefused(agent: string, timeoutMs: number): AionisError | undefined {
    if (this.#queue.items === 0) return undefined;
    const party = this.#queue.party(agent);
    const waitMs = this.#queue.itemsBefore(party) * this.#pace.msEach + this.#toSentMs();
    if (waitMs <= timeoutMs * patienceShare && this.#queue.hasRoom(party, callBytes)) return undefined;
    this.#queue.leave(party);
    return tooMany(Math.ceil(Math.min(Math.max(waitMs / 2, pauseMs), pauseMsMax)));
  }

  /**
   * A place to send a call from, at once where there is one.
   * @throws AionisError `OVERLOADED` when too much waits, or the call's time is over before its turn; the signal's reason.
   */
  enter(turn: Turn): Place | Promise<Place> {
    const lane = this.#lane(turn.agent);
    const bytes = turn.bytes + callBytes;
    if (lane.party.waiting === 0 && this.#sent < this.#options.sentMax && isOpen(lane)) return this.#send(lane);
    if (this.#queue.hasRoom(lane.party, bytes))
      return this.#wait(lane, turn, (waiting) => this.#queue.add(lane.party, waiting, bytes));
    this.#forget(lane);
    throw tooMany(pauseMs);
  }

  /** Gives a place back, once the call is over. */
  leave({ lane }: Place, isAnswered: boolean): void {
    if (isAnswered) {
      lane.refusals = 0;
      lane.window = Math.min(lane.window + 1 / lane.window, this.#options.sentMax * share);
    }
    this.#free(lane);
    this.#pace.note(1, this.#options.clock.mono(), this.#queue.items > 0);
    this.#fill();
  }

  /** L3: gives a place back for one later. @throws AionisError as `enter`. */
  again({ lane }: Place, turn: Turn, retryAfterMs: number): Promise<Place> {
    const bytes = turn.bytes + callBytes;
    const placed = this.#wait(lane, turn, (item) => {
      const lot: Lot<Waiting> = { party: lane.party, item, bytes, isWaiting: false };
      this.#queue.putBack(lot);
      return lot;
    });
    this.#free(lane);
    if (lane.endPause === undefined) this.#pause(lane, retryAfterMs);
    this.#fill();
    return placed;
  }

  #lane(agent: string): Lane {
    const known = this.#lanes.get(agent);
    if (known !== undefined) return known;
    const party = this.#queue.party(agent);
    const window = Math.min(windowFirst, this.#options.sentMax * share);
    const lane: Lane = { party, sent: 0, window, endPause: undefined, refusals: 0 };
    this.#queue.hold(party, 0); // so that it stays this one
    this.#lanes.set(agent, lane);
    return lane;
  }

  #send(lane: Lane): Place {
    lane.sent += 1;
    this.#sent += 1;
    return { lane };
  }

  #free(lane: Lane): void {
    lane.sent -= 1;
    this.#sent -= 1;
    this.#queue.wake(lane.party);
    this.#forget(lane);
  }

  #forget(lane: Lane): void {
    if (lane.sent > 0 || lane.party.waiting > 0 || this.#lanes.get(lane.party.name) !== lane) return;
    lane.endPause?.();
    this.#lanes.delete(lane.party.name);
    this.#queue.release(lane.party, 0);
  }

  #fill(): void {
    this.#takeUp();
    this.#restWhenEmpty();
  }

  #takeUp(): void {
    while (this.#sent < this.#options.sentMax) {
      const lot = this.#queue.take();
      if (lot === undefined) return;
      const lane = this.#lane(lot.party.name);
      if (this.#isTooLate(lot.item)) {
        lot.item.refuse(neverSent()); // L1
        this.#forget(lane);
      } else lot.item.go(this.#send(lane));
    }
  }

  /** Whether its caller would have left before its answer: what is on its way is answered first. */
  #isTooLate({ endsAt }: Waiting): boolean {
    return this.#options.clock.mono() + this.#toSentMs() > endsAt;
  }

  #toSentMs(): number {
    return this.#options.isHeld === true ? 0 : this.#sent * this.#pace.msEach;
  }

  #wait(lane: Lane, { endsAt, signal }: Turn, enter: (waiting: Waiting) => Lot<Waiting>): Promise<Place> {
    return new Promise((resolve, reject) => {
      const waiting = new Waiting(endsAt, resolve, reject);
      const lot = enter(waiting);
      this.#expectEnd(endsAt);
      if (signal === undefined) return;
      waiting.forgetSignal = onAbort(signal, () => {
        this.#queue.forget(lot);
        this.#forget(lane);
        this.#restWhenEmpty();
        waiting.refuse(signal.reason);
      });
    });
  }

  #expectEnd(endsAt: number): void {
    if (endsAt >= this.#looksAt) return;
    const { clock } = this.#options;
    this.#cancelLook?.();
    this.#looksAt = endsAt;
    const dueAt = Math.max(endsAt, this.#lookedAt + lookMs);
    this.#cancelLook = clock.setTimer(dueAt - clock.mono(), () => this.#look());
  }

  /** L1 */
  #look(): void {
    const now = this.#options.clock.mono();
    const over: Waiting[] = [];
    let next = Number.POSITIVE_INFINITY;
    this.#queue.sweep((waiting) => {
      const isOver = waiting.endsAt <= now + earlyMs;
      if (isOver) over.push(waiting);
      else next = Math.min(next, waiting.endsAt);
      return isOver;
    });
    this.#lookedAt = now;
    this.#rest();
    this.#expectEnd(next);
    for (const waiting of over) waiting.refuse(neverSent());
    for (const lane of this.#lanes.values()) this.#forget(lane);
  }

  #restWhenEmpty(): void {
    if (this.#queue.items === 0) this.#rest();
  }

  #rest(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#looksAt = Number.POSITIVE_INFINITY;
  }

  #pause(lane: Lane, retryAfterMs: number): void {
    const { clock, random } = this.#options;
    lane.window = Math.max(windowLeast, lane.window / 2);
    const leastMs = Math.max(retryAfterMs, Math.min(pauseMs * 2 ** lane.refusals, pauseMsMax));
    lane.refusals = Math.min(lane.refusals + 1, 10);
    lane.endPause = clock.setTimer(leastMs * (1 + toUnit(random)), () => {
      lane.endPause = undefined;
      this.#queue.wake(lane.party);
      this.#fill();
      this.#forget(lane);
    });
  }
}

function isOpen(lane: Lane | undefined): boolean {
  return lane === undefined || (lane.endPause === undefined && lane.sent < lane.window);
}

function tooMany(retryAfterMs: number): AionisError {
  const detail = `The client has more calls than can be answered in time; ask again in ${retryAfterMs} ms.`;
  return overloaded(detail, retryAfterMs);
}

function neverSent(): AionisError {
  return overloaded("The call's time was over before its turn to be sent came; the runtime never had it.", pauseMsMax);
}
