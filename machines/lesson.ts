// Lesson machine
//
// The life of a lesson: what has to happen before it is trusted, and what takes the trust away. Folds the changes that the journal holds;
// `decideLesson` tells which change new evidence is, with the rule's numbers handed in.
// Owns: states, and the evidence counted since the last turn. Does not own: what a lesson says, or which runs are its own.
//
// Invariants:
//   I12. No lesson becomes trusted without the evidence its rule asks for. `decideLesson` holds it against the rule in force; the guard
//        `isEarned` holds the least of it for every journal: a run whose checks the runtime saw pass, never imported evidence.
//   LM1. Evidence counts once: an event brings one piece of it, or none.

import { assign, initialTransition, type SnapshotFrom, setup, transition } from "xstate";

/** How far a piece of evidence reaches: nothing, the worker's word, checks that the runtime saw pass, or a history that was read. */
export type EvidenceStrength = "none" | "self" | "verified" | "imported";

/** One thing that happened with a lesson. */
export interface LessonEvidence {
  /** The event of the journal that tells it. */
  seq: number;
  strength: EvidenceStrength;
  outcome: "succeeded" | "failed";
}

/** What became of a lesson, in one word. */
export type LessonFact =
  | "observed"
  | "supported"
  | "trusted"
  | "contested"
  | "restored"
  | "retired"
  | "reactivated"
  | "written"
  | "activated";

/** An event of the machine: the fact, and the one new piece of evidence if it rests on any. */
export interface LessonEvent {
  type: `lesson.${LessonFact}`;
  evidence: Pick<LessonEvidence, "strength" | "outcome"> | undefined;
}

/** What counts, since the lesson was last contested or brought back. */
export interface LessonContext {
  /** Written by hand: no run is its evidence, so it is never trusted. */
  written: boolean;
  /** Runs that succeeded, without imported ones, and how many of them were verified. */
  successes: number;
  verified: number;
  /** Reuses that failed since it was last trusted. */
  failures: number;
  /** How often it was reported to have helped. */
  used: number;
}

/** What a rule asks for before a lesson is trusted. */
export interface TrustRule {
  successes: number;
  verified: number;
}

/** The numbers of all rules about a lesson's life. */
export interface LessonLifeRules {
  trusted: TrustRule;
  restored: TrustRule;
  /** Failures after the one that contested it, with which a lesson retires. */
  retiredAfter: number;
}

const start: LessonContext = { written: false, successes: 0, verified: 0, failures: 0, used: 0 };

/** `observed` → `candidate` → `trusted` ⇄ `contested` → `retired` → `candidate` again, by a governed act. */
export const lessonMachine = setup({
  types: { context: {} as LessonContext, events: {} as LessonEvent }, // types only: XState reads nothing of it
  guards: {
    isRun: ({ event }) => isSuccess(event) && event.evidence?.strength !== "imported",
    isWritten: ({ context }) => context.written,
    isEarned: ({ context, event }) =>
      isSuccess(event) && event.evidence?.strength !== "imported" && countVerified(context, event) > 0,
  },
  actions: {
    write: assign({ written: true }),
    count: assign(({ context, event }) => ({
      successes: context.successes + (event.evidence?.strength === "imported" ? 0 : 1),
      verified: countVerified(context, event),
    })),
    forgive: assign({ failures: 0 }),
    /** Evidence from before a failure says nothing about what has changed since. */
    doubt: assign(({ context }) => ({ successes: 0, verified: 0, failures: context.failures + 1 })),
    startAnew: assign({ successes: 0, verified: 0, failures: 0 }),
    use: assign({ used: ({ context, event }) => context.used + (isSuccess(event) ? 1 : 0) }),
  },
}).createMachine({
  id: "lesson",
  version: "1",
  context: start,
  initial: "observed",
  on: { "lesson.supported": { actions: "count" }, "lesson.activated": { actions: "use" } },
  states: {
    /** Known of, without a run of this runtime behind it: imported, or written by hand. */
    observed: {
      on: {
        "lesson.observed": [{ guard: "isRun", target: "candidate", actions: "count" }, { actions: "count" }],
        "lesson.written": { actions: "write" },
        "lesson.supported": [{ guard: "isRun", target: "candidate", actions: "count" }, { actions: "count" }],
        "lesson.contested": { target: "contested", actions: "doubt" },
        "lesson.retired": "retired",
      },
    },
    /** A run succeeded this way. Worth a look, not yet a rule. */
    candidate: {
      on: {
        "lesson.trusted": { guard: "isEarned", target: "trusted", actions: ["count", "forgive"] },
        "lesson.contested": { target: "contested", actions: "doubt" },
        "lesson.retired": "retired",
      },
    },
    trusted: {
      on: {
        "lesson.contested": { target: "contested", actions: "doubt" },
        "lesson.retired": "retired",
      },
    },
    /** It was used and failed. Fresh successes bring it back, more failures end it. */
    contested: {
      on: {
        "lesson.contested": { actions: "doubt" },
        "lesson.restored": { guard: "isEarned", target: "trusted", actions: ["count", "forgive"] },
        "lesson.retired": "retired",
      },
    },
    /** Not offered any more. It is kept, and takes evidence, but only a governed act brings it back, to begin anew. */
    retired: {
      on: {
        "lesson.reactivated": [
          { guard: "isWritten", target: "observed", actions: "startAnew" },
          { target: "candidate", actions: "startAnew" },
        ],
      },
    },
  },
});

/** Where a lesson stands, in one word. */
export type LessonState = SnapshotFrom<typeof lessonMachine>["value"];

/** Where a lesson stands, and what was counted. JSON, and never changed in place. */
export interface LessonSnapshot {
  readonly value: LessonState;
  readonly context: LessonContext;
}

/** The snapshot after `event`; without one before, of a new lesson. @throws Error when the machine does not take it: that is a bug. */
export function foldLesson(before: LessonSnapshot | undefined, event: LessonEvent): LessonSnapshot {
  const from = before === undefined ? initialTransition(lessonMachine)[0] : lessonMachine.resolveState(before);
  if (!from.can(event)) throw new Error(`A lesson that is ${from.value} does not take ${event.type}.`);
  const { value, context } = transition(lessonMachine, from, event)[0];
  return { value, context };
}

/** A change that evidence makes: the fact, where it leads, and in sentences what the rule still asks for. */
export interface LessonDecision {
  fact: LessonFact;
  to: LessonState;
  missing: string[];
}

/** What a finished run means for its lesson; without one before, for a new one. A failure changes nothing in a retired one. */
export function decideLesson(
  before: LessonSnapshot | undefined,
  evidence: Pick<LessonEvidence, "strength" | "outcome">,
  rules: LessonLifeRules,
): LessonDecision | undefined {
  const fact = evidence.outcome === "failed" ? toFailure(before, rules) : toSuccess(before, evidence, rules);
  if (fact === undefined) return undefined;
  const after = foldLesson(before, { type: `lesson.${fact}`, evidence });
  return { fact, to: after.value, missing: listMissing(after, rules) };
}

function toFailure(before: LessonSnapshot | undefined, rules: LessonLifeRules): LessonFact | undefined {
  if (before === undefined || before.value === "retired") return undefined;
  return before.value === "contested" && before.context.failures >= rules.retiredAfter ? "retired" : "contested";
}

function toSuccess(
  before: LessonSnapshot | undefined,
  evidence: Pick<LessonEvidence, "strength" | "outcome">,
  rules: LessonLifeRules,
): LessonFact {
  if (before === undefined) return "observed";
  if (evidence.strength === "imported" || before.context.written) return "supported";
  const { context } = foldLesson(before, { type: "lesson.supported", evidence });
  if (before.value === "candidate" && isEnough(context, rules.trusted)) return "trusted";
  if (before.value === "contested" && isEnough(context, rules.restored)) return "restored";
  return "supported";
}

/** What a lesson lacks to be trusted, in sentences; nothing for one that is. */
export function listMissing({ value, context }: LessonSnapshot, rules: LessonLifeRules): string[] {
  if (value === "trusted") return [];
  if (value === "retired") return ["Somebody has to reactivate it: it failed too often, or was retired by hand."];
  if (context.written) return ["It was written by hand: only runs make a lesson trusted."];
  const rule = value === "contested" ? rules.restored : rules.trusted;
  const fresh = value === "contested" ? " since it failed" : "";
  const successes = rule.successes - context.successes;
  const verified = rule.verified - context.verified;
  return [
    ...(successes > 0
      ? [`${countOf(successes, "more successful run")} of ${successes === 1 ? "another task" : "other tasks"}${fresh}.`]
      : []),
    ...(verified > 0 ? [`${countOf(verified, "run")}${fresh} whose checks the runtime saw pass.`] : []),
  ];
}

function isEnough({ successes, verified }: LessonContext, rule: TrustRule): boolean {
  return successes >= rule.successes && verified >= rule.verified;
}

function isSuccess({ evidence }: LessonEvent): boolean {
  return evidence?.outcome === "succeeded";
}

function countVerified({ verified }: LessonContext, event: LessonEvent): number {
  return verified + (isSuccess(event) && event.evidence?.strength === "verified" ? 1 : 0);
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
