// Faults of a run
//
// Each place where something can go wrong asks here, in an order that the seed fixes, so that its n-th question has a name: `net#17`.
// A run draws which of them happen, or is told by a plan; a failing run is shrunk to the few faults that it needs.

import type { Random } from "../../src/kernel/random.ts";

export type FaultKind =
  | "net"
  | "crash"
  | "kill"
  | "power"
  | "write"
  | "workerDies"
  | "workerStalls"
  | "toolBreaks"
  | "cut"
  | "workerBlocks"
  | "jump";

export interface FaultSource {
  happens(kind: FaultKind): boolean;
  /** From now on nothing goes wrong. */
  heal(): void;
  /** The names of the faults that happened, in order. */
  readonly happened: readonly string[];
}

/** How likely each kind is, each run its own: some kinds are off, so that runs differ in character. */
export type FaultRates = Record<FaultKind, number>;

export function drawRates(random: Random): FaultRates {
  const draw = (max: number): number => (random.u32() % 4 === 0 ? 0 : (random.u32() / 2 ** 32) * max);
  return {
    net: draw(0.12),
    crash: draw(0.008),
    kill: draw(0.004),
    power: draw(0.005),
    write: draw(0.03),
    workerDies: draw(0.06),
    workerStalls: draw(0.06),
    cut: draw(0.02),
    toolBreaks: draw(0.2),
    workerBlocks: draw(0.05),
    jump: draw(0.02),
  };
}

/** Faults drawn from `random` at `rates`, or exactly those that `plan` names. */
export function createFaults(options: {
  random: Random;
  rates: FaultRates;
  plan?: ReadonlySet<string> | undefined;
}): FaultSource {
  const { random, rates, plan } = options;
  const asked = new Map<FaultKind, number>();
  const happened: string[] = [];
  let isHealed = false;
  return {
    happened,
    heal() {
      isHealed = true;
    },
    happens(kind) {
      const count = (asked.get(kind) ?? 0) + 1;
      asked.set(kind, count);
      const drawn = random.u32() / 2 ** 32 < rates[kind]; // drawn in any case, so that a plan does not shift later draws
      const name = `${kind}#${count}`;
      const does = !isHealed && (plan === undefined ? drawn : plan.has(name));
      if (does) happened.push(name);
      return does;
    },
  };
}
