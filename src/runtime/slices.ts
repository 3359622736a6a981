// Slices
//
// Long work in short slices, between which everything else has its turn: a caller never waits for more than one of them. Owns: how long a
// slice is, whose work goes on next, and when work is given up. Does not own: the work, which comes in short parts.
//
// Invariants:
//   S1. All slices within one turn of the event loop, those of other scopes included (turns.ts), take `sliceMs` together, and the part that
//       was begun when these were over.
//   S2. Parties take turns, a slice each. The work of one party is done one after the other.
//   S3. Only so much is begun at a time: what is made of it so far is in memory. Little waits, and the rest is refused with the time after which
//       there is likely to be room: a caller's patience is better spent where its calls wait in order, before they are taken up.
//   S4. Work that nobody waits for any more is given up before its next slice, and takes no turn.

import { AionisError, overloaded } from "../contracts/failures.ts";
import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import { toRetryMs } from "./retry-after.ts";
import { createTurns, type Turns } from "./turns.ts";

/** Milliseconds of one turn of the event loop. */
const sliceMs = 4;

const waitMsDefault = 500;

/** How much the last work counts in what one takes. */
const lastShare = 0.2;

/** Short parts of a long work; each step takes one. */
export type Parts<Result, Step = unknown> = Iterator<Step, Result, void>;

/** What is known of a work beside its parts. */
export interface SlicedWork<Step = unknown> {
  /** Whose turns it takes. */
  party: string;
  /** Whether the work is still to be done: its caller is there, and the runtime is not closing. */
  isWanted(): boolean;
  /** Runs a slice in a turn of its own; without it a slice runs as it is. */
  inTurn?: ((slice: () => void) => Promise<void>) | undefined;
  /** Hears of each part that was not the last. */
  onStep?: ((step: Step) => void) | undefined;
}

export interface Slices {
  /**
   * Takes all of `parts`. What needs no more than a slice, when it is its party's turn, is done at once: then the result is no promise.
   * @throws AionisError `RUNTIME_CLOSED` when it is not wanted any more, `OVERLOADED` when too much waits, and what a part throws.
   */
  take<Result, Step>(parts: Parts<Result, Step>, work: SlicedWork<Step>): Result | Promise<Result>;
}

interface Job {
  readonly party: string;
  readonly begunAt: number;
  isWanted(): boolean;
  /** Takes parts until `endsAt`; says whether that was all. */
  run(endsAt: number): boolean;
  readonly inTurn: SlicedWork["inTurn"];
  resolve(): void;
  reject(error: unknown): void;
  giveUp(): void;
}

export interface SlicesOptions {
  clock: Pick<Clock, "mono" | "defer">;
  /** Shared with the slices of other scopes; turns of its own if absent. */
  turns?: Turns;
  begunMax?: number;
  /** What may wait of one party in any case; more may while it is likely to have its turn within `waitMs`. */
  waitingMax?: number;
  waitMs?: number;
}

/** The slices of one runtime. */
export function createSlices({ clock, ...bounds }: SlicesOptions): Slices {
  const {
    turns = createTurns(clock),
    begunMax = limits.worksBegun,
    waitingMax = limits.partyWorksWaiting,
    waitMs = waitMsDefault,
  } = bounds;
  const begun: Job[] = []; // in the order of their next slices (S2)
  const waiting = new Map<string, Job[]>(); // by party; the first of each is the party's next
  const busy = new Set<string>(); // parties that have something begun
  let underWay = 0;
  let msEach = sliceMs; // from the end of one work to the end of the next
  let endedAt = 0;
  let isTurnDue = false;

  function take<Result, Step>(parts: Parts<Result, Step>, work: SlicedWork<Step>): Result | Promise<Result> {
    const results: Result[] = []; // one, when it is done
    const run = (endsAt: number): boolean => {
      do {
        const next = parts.next();
        if (next.done === true) results.push(next.value);
        else work.onStep?.(next.value);
      } while (results.length === 0 && clock.mono() < endsAt);
      return results.length > 0;
    };
    const { party, isWanted, inTurn } = work;
    const isNext = !busy.has(party) && !waiting.has(party) && underWay < begunMax;
    if (isNext && inTurn === undefined && turns.spentMs < sliceMs && runNow(run)) return results[0] as Result; // it is done
    return new Promise((resolve, reject) => {
      const done = (): void => resolve(results[0] as Result); // as above
      const giveUp = (): void => void parts.return?.();
      const job: Job = { party, isWanted, run, inTurn, resolve: done, reject, giveUp, begunAt: clock.mono() };
      if (isNext) begin(job);
      else if (!wait(job)) reject(tooMuch(toRetryMs((waitingMax * msEach) / 2)));
    });
  }

  /** The first slice, in the turn of whoever asks. */
  function runNow(run: Job["run"]): boolean {
    const from = clock.mono();
    openTurn(); // its end is the end of this turn's time
    try {
      return run(from + sliceMs - turns.spentMs);
    } finally {
      turns.spentMs += clock.mono() - from;
    }
  }

  function begin(job: Job): void {
    underWay += 1;
    busy.add(job.party);
    begun.push(job);
    openTurn();
  }

  /** Says whether there was room. */
  function wait(job: Job): boolean {
    let ofParty = waiting.get(job.party) ?? [];
    if (isFull(ofParty.length)) ofParty = ofParty.filter(isAlive);
    if (isFull(ofParty.length) || waiting.size >= limits.worksWaiting) return false;
    ofParty.push(job);
    waiting.set(job.party, ofParty);
    return true;
  }

  function isFull(jobs: number): boolean {
    return jobs >= waitingMax && (jobs * msEach > waitMs || jobs >= limits.worksWaiting);
  }

  /** S4 */
  function isAlive(job: Job): boolean {
    const isWanted = job.isWanted();
    if (!isWanted) job.reject(givenUp());
    return isWanted;
  }

  /** S3 */
  function beginNext(): void {
    for (const [party, jobs] of waiting) {
      if (underWay >= begunMax) return;
      if (busy.has(party)) continue;
      const [job, ...later] = jobs.filter(isAlive);
      waiting.delete(party); // and behind all others, if there is more of it (S2)
      if (later.length > 0) waiting.set(party, later);
      if (job !== undefined) begin(job);
    }
  }

  function openTurn(): void {
    if (isTurnDue) return;
    isTurnDue = true;
    turns.ask(takeTurn);
  }

  /** Says whether there was something to do. */
  function takeTurn(): boolean {
    isTurnDue = false;
    const job = begun.shift();
    if (job === undefined) return false;
    openTurn();
    if (job.inTurn === undefined) follow(job, runSlice(job));
    else runInTurn(job, job.inTurn);
    return true;
  }

  function runInTurn(job: Job, own: NonNullable<Job["inTurn"]>): void {
    let outcome: Outcome = { kind: "goesOn" };
    own(() => {
      outcome = runSlice(job);
      if (outcome.kind === "failed") throw outcome.error; // so that its turn is undone
    }).then(
      () => follow(job, outcome),
      (error: unknown) => follow(job, { kind: "failed", error }),
    );
  }

  function runSlice(job: Job): Outcome {
    if (!job.isWanted()) return { kind: "failed", error: givenUp() }; // S4
    const from = clock.mono();
    try {
      return { kind: job.run(from + sliceMs) ? "done" : "goesOn" };
    } catch (error) {
      return { kind: "failed", error };
    } finally {
      turns.spentMs += clock.mono() - from;
    }
  }

  function follow(job: Job, outcome: Outcome): void {
    if (outcome.kind === "goesOn") {
      begun.push(job);
      return openTurn();
    }
    underWay -= 1;
    busy.delete(job.party);
    notePace(job);
    if (outcome.kind === "failed") {
      job.giveUp();
      job.reject(outcome.error);
    } else {
      job.resolve();
    }
    beginNext();
  }

  function notePace({ begunAt }: Job): void {
    const now = clock.mono();
    msEach += (now - Math.max(endedAt, begunAt) - msEach) * lastShare;
    endedAt = now;
  }

  return { take };
}

type Outcome = { kind: "done" | "goesOn" } | { kind: "failed"; error: unknown };

function givenUp(): AionisError {
  return new AionisError("RUNTIME_CLOSED", "It was given up: its caller has gone, or the runtime closes.");
}

function tooMuch(retryAfterMs: number): AionisError {
  const detail = `As many of your calls that take long wait as may; ask again in ${retryAfterMs} ms.`;
  return overloaded(detail, retryAfterMs);
}
