// Chaos
//
// A bad network for tests, between the transports of one memory bus: messages lost, doubled, late, overtaken, and transports cut
// off from each other. Owns the faults. Does not own delivery: the bus asks here what becomes of each message.
//
// Invariants:
//   X1. The same seed, clock and calls give the same faults: every draw comes from `random`, in the order of sending.
//   X2. Rates are drawn when a message is sent; a cut swallows what would arrive while it stands, also what was sent before it.

import type { Clock } from "../../src/kernel/clock.ts";
import type { Random } from "../../src/kernel/random.ts";
import { toUnit } from "../../src/kernel/unit.ts";
import type { Transport } from "../transport.ts";

/** How often what happens to a message, each from 0 (never, the default) to 1. Requests, replies and published messages alike. */
export interface ChaosRates {
  lose: number;
  /** Delivered twice; each copy may be late on its own, none is lost. */
  double: number;
  /** Overtaken by what is sent in the same turn. */
  reorder: number;
  /** The longest time a message takes, in milliseconds; each draws its own, so that later ones may overtake it. */
  delayMs: number;
}

/** How often each fault has happened, for tests that must not pass because nothing went wrong. */
export type ChaosCounts = Record<"lost" | "doubled" | "reordered" | "delayed" | "cut", number>;

const calm: ChaosRates = { lose: 0, double: 0, reorder: 0, delayMs: 0 };

/** Faults for `createMemoryBus({ chaos })`, switched at run time. */
export class Chaos {
  readonly counts: ChaosCounts = { lost: 0, doubled: 0, reordered: 0, delayed: 0, cut: 0 };
  readonly #random: Pick<Random, "u32">;
  readonly #clock: Pick<Clock, "setTimer" | "defer">;
  readonly #cutOff = new Map<Transport, Set<Transport>>();
  readonly #isolated = new Set<Transport>();
  #rates = calm;

  constructor(options: {
    random: Pick<Random, "u32">;
    clock: Pick<Clock, "setTimer" | "defer">;
    rates?: Partial<ChaosRates>;
  }) {
    this.#random = options.random;
    this.#clock = options.clock;
    if (options.rates !== undefined) this.set(options.rates);
  }

  /** Replaces all rates; what is not named is 0. */
  set(rates: Partial<ChaosRates>): void {
    this.#rates = { ...calm, ...rates };
  }

  /** Swallows all messages from `sender` to `receiver`. The other way stays open: cut both for a whole partition. */
  cut(sender: Transport, receiver: Transport): void {
    const cutOff = this.#cutOff.get(sender) ?? new Set();
    this.#cutOff.set(sender, cutOff.add(receiver));
  }

  /** Swallows all messages between `transport` and every other one. */
  isolate(transport: Transport): void {
    this.#isolated.add(transport);
  }

  /** Ends all faults, cuts too. Late messages still arrive. */
  heal(): void {
    this.#rates = calm;
    this.#cutOff.clear();
    this.#isolated.clear();
  }

  /** For the bus: calls `deliver` as often and as late as the rates say. */
  send(deliver: () => void): void {
    const { lose, double, reorder, delayMs } = this.#rates;
    if (this.#happens(lose)) {
      this.counts.lost += 1;
      return;
    }
    const doubled = this.#happens(double);
    if (doubled) this.counts.doubled += 1;
    for (let copy = doubled ? 2 : 1; copy > 0; copy -= 1) this.#sendCopy(deliver, reorder, delayMs);
  }

  /** For the bus: whether a message that arrives now is swallowed. */
  swallows(sender: Transport, receiver: Transport): boolean {
    const isolated = sender !== receiver && (this.#isolated.has(sender) || this.#isolated.has(receiver));
    const swallowed = isolated || this.#cutOff.get(sender)?.has(receiver) === true;
    if (swallowed) this.counts.cut += 1;
    return swallowed;
  }

  #sendCopy(deliver: () => void, reorder: number, delayMs: number): void {
    if (delayMs > 0) {
      this.counts.delayed += 1;
      this.#clock.setTimer(toUnit(this.#random) * delayMs, deliver);
    } else if (this.#happens(reorder)) {
      this.counts.reordered += 1;
      this.#clock.defer(deliver);
    } else {
      deliver();
    }
  }

  #happens(rate: number): boolean {
    return rate > 0 && toUnit(this.#random) < rate;
  }
}
