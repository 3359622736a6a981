// Names of steps
//
// Which recorded step a call of a handler is. With a key a step is known by its name and its key. Without one it is known by its name and by
// how many of that name came before it, which holds only where one branch of the handler makes all of them.
//
// Invariants:
//   N1. A step without a key is refused where its place among those of its name may be another one when the handler starts over: another of
//       its name is in flight, or has been beside another branch. So no step is given the output of another.
//   N2. What was recorded beside another branch is given back in the order in which it was recorded, one at a time, so that branches come to
//       their next steps in the order in which they did then. Two that ask for one name meet there, and N1 refuses both.
//   N3. After a refusal no step without a key is made or given back: a branch that has ended early is missed where N2 would have it meet others.

import { AionisError } from "../src/contracts/failures.ts";
import type { StepReceipt } from "../src/contracts/step.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { Call } from "./calls.ts";

/** A step that a handler has asked for, until it has settled. */
export interface StepUse {
  readonly ordinal: number;
  /** Waits until what is recorded can be given back (N2). @throws AionisError `STEP_AMBIGUOUS` */
  turn(known: StepReceipt): Promise<void>;
  end(): void;
}

export interface StepNames {
  /** @throws AionisError `STEP_AMBIGUOUS` (N1), also for two of one key at once. */
  use(step: { name: string; key?: string | undefined }, call: Call | undefined): StepUse;
}

interface Name {
  count: number;
  isUnsure: boolean;
  inFlight: number;
}

/** The names of one run, counted from its start. */
export function createStepNames(clock: Pick<Clock, "defer">): StepNames {
  const names = new Map<string, Name>();
  const keyed = new Set<string>();
  let refusal: AionisError | undefined; // N3
  const waiting: { seq: number; go: () => void }[] = [];

  function giveTurn(): void {
    const first = waiting.reduce((least, { seq }) => Math.min(least, seq), Number.POSITIVE_INFINITY);
    const index = waiting.findIndex(({ seq }) => seq === first);
    for (const { go } of waiting.splice(index, 1)) go();
    if (waiting.length > 0) clock.defer(giveTurn);
  }

  function awaitTurn(seq: number): Promise<void> {
    return new Promise((go) => {
      waiting.push({ seq, go });
      if (waiting.length === 1) clock.defer(giveTurn);
    });
  }

  function useKey(name: string, key: string): StepUse {
    const identity = JSON.stringify([name, key]);
    if (keyed.has(identity)) throw refuse(`${name}[${key}]`, "Give each of them another key.");
    keyed.add(identity);
    return { ordinal: 0, turn: () => Promise.resolve(), end: () => void keyed.delete(identity) };
  }

  function refuseOrder(): void {
    if (refusal !== undefined) throw refusal;
  }

  function useName(name: string, call: Call | undefined): StepUse {
    const known = names.get(name) ?? { count: 0, isUnsure: false, inFlight: 0 };
    names.set(name, known);
    if (known.isUnsure || known.inFlight > 0) refusal ??= refuse(name, withKey);
    refuseOrder();
    const ordinal = known.count;
    known.count += 1;
    known.inFlight += 1;
    return {
      ordinal,
      async turn({ seq, beside = false }) {
        if (!beside) return;
        known.isUnsure = true;
        await awaitTurn(seq);
        refuseOrder();
      },
      end() {
        known.inFlight -= 1;
        known.isUnsure ||= call?.isBeside === true;
      },
    };
  }

  return { use: ({ name, key }, call) => (key === undefined ? useName(name, call) : useKey(name, key)) };
}

const withKey = "Give each of them a `key` that says what it is for, so that each finds its own output again.";

function refuse(step: string, advice: string): AionisError {
  const what = `Two branches of the handler make a step "${step}", and which of them comes first is not sure.`;
  return new AionisError("STEP_AMBIGUOUS", `${what} ${advice}`, { facts: { step } });
}
