// Playbook machine
//
// The life of a playbook: what has to be shown before it may run by itself, and what takes that away. Folds the events of its task; where
// each leads is decided in the event (`decide/playbook.ts`).
//
// Invariants:
//   P1. No playbook becomes active without a verified strict replay of the very steps that are active, or an approver; and never one that
//       was compiled from a run that did not succeed (I12). The guard `isEarned` holds it for every journal.
//   P2. Evidence is of one content: new steps begin without any. A check that failed undoes what was shown before.

import { assertEvent, assign, initialTransition, type SnapshotFrom, setup, transition } from "xstate";
import type { EventHeader, playbookTypes } from "../src/contracts/events.ts";
import type { AgentId, TaskId } from "../src/contracts/ids.ts";

export type PlaybookEvent = EventHeader<(typeof playbookTypes)[number]>;

/** Steps in the journal, and the events that speak for them: the last dry run and the last verified strict replay that passed. */
export interface ShownContent {
  version: number;
  seq: number;
  dryRun: number | null;
  strict: number | null;
}

export interface PlaybookContext {
  /** How many changes there were. */
  version: number;
  /** What is run. */
  content: ShownContent;
  /** Compiled from a run that did not succeed. */
  isPartial: boolean;
  sources: readonly TaskId[];
  /** A repair that waits for its review. */
  proposal: ShownContent | null;
  approver: AgentId | null;
  /** The event of the last replay that a check failed in: what a repair is for. */
  broken: number | null;
  /** How often it was run, in whatever mode. */
  replays: number;
  changedAt: number;
}

const nothing: ShownContent = { version: 0, seq: 0, dryRun: null, strict: null };
const start: PlaybookContext = {
  version: 0,
  content: nothing,
  isPartial: false,
  sources: [],
  proposal: null,
  approver: null,
  broken: null,
  replays: 0,
  changedAt: 0,
};

const activate = { guard: "isEarned", target: "active", actions: "move" } as const;

const to =
  (state: string) =>
  ({ event }: { event: PlaybookEvent }) =>
    "to" in event.facts && event.facts.to === state;

/** `draft` → `shadow` → `active` ⇄ `contested`, and `disabled` from each, until it is promoted anew. */
export const playbookMachine = setup({
  types: { context: {} as PlaybookContext, events: {} as PlaybookEvent }, // types only: XState reads nothing of it
  guards: {
    toShadow: to("shadow"),
    toContested: to("contested"),
    toDisabled: to("disabled"),
    isEarned: ({ context, event }) => to("active")({ event }) && isEarned(context, event),
  },
  actions: {
    compile: assign(({ event }) => {
      assertEvent(event, "playbook.compiled");
      const { version, isPartial, sources } = event.facts;
      return { version, isPartial, sources, content: { ...nothing, version, seq: event.seq }, changedAt: event.at };
    }),
    begin: assign({ replays: ({ context }) => context.replays + 1 }),
    show: assign(({ context, event }) => {
      assertEvent(event, ["playbook.replayed", "playbook.turned"]);
      const { version, outcome, mode } = event.facts;
      const broken = outcome === "failed" && mode !== "simulate" ? event.seq : context.broken;
      return { version, broken, changedAt: event.at, ...showReplay(context, event) };
    }),
    move: assign(({ event }) => {
      assertEvent(event, "playbook.moved");
      return { version: event.facts.version, approver: event.facts.approver ?? null, changedAt: event.at };
    }),
    propose: assign(({ event }) => {
      assertEvent(event, "playbook.repaired");
      const { version } = event.facts;
      return { version, proposal: { ...nothing, version, seq: event.seq }, changedAt: event.at };
    }),
    review: assign(({ context, event }) => {
      assertEvent(event, "playbook.reviewed");
      const { version, act } = event.facts;
      const taken = act === "approve" ? { content: context.proposal ?? context.content, approver: event.by } : {};
      return { version, proposal: null, changedAt: event.at, ...taken };
    }),
  },
}).createMachine({
  id: "playbook",
  version: "1",
  context: start,
  initial: "draft",
  on: {
    "playbook.started": { actions: "begin" },
    "playbook.replayed": { actions: "show" },
    "playbook.turned": { guard: "toContested", target: ".contested", actions: "show" },
    "playbook.moved": { guard: "toDisabled", target: ".disabled", actions: "move" },
    "playbook.repaired": { actions: "propose" },
    "playbook.reviewed": [{ guard: "isEarned", target: ".active", actions: "review" }, { actions: "review" }],
  },
  states: {
    /** Compiled. Nothing has been shown of it. */
    draft: {
      on: {
        "playbook.compiled": { actions: "compile" },
        "playbook.turned": { guard: "toShadow", target: "shadow", actions: "show" },
      },
    },
    /** A dry run passed: it may be replayed by whoever asks for it. */
    shadow: { on: { "playbook.moved": activate } },
    /** It is run by itself, and offered to new work. */
    active: {},
    /** A check failed while it was replayed. Shown again, or repaired and approved, it comes back. */
    contested: { on: { "playbook.moved": activate } },
    /** Not run any more. Somebody can bring it back to the shadow that it had, to be shown anew. */
    disabled: {
      on: {
        "playbook.moved": { guard: "toShadow", target: "shadow", actions: "move" },
      },
    },
  },
});

/** P1 */
function isEarned(context: PlaybookContext, event: PlaybookEvent): boolean {
  if (context.isPartial) return false;
  if (event.type === "playbook.reviewed") return event.facts.act === "approve" && context.proposal !== null;
  return event.type === "playbook.moved" && (event.facts.approver !== undefined || context.content.strict !== null);
}

/** P2 */
function showReplay(
  { content, proposal }: PlaybookContext,
  event: EventHeader<"playbook.replayed" | "playbook.turned">,
): Partial<PlaybookContext> {
  if (event.facts.content === content.version) return { content: show(content, event) };
  return proposal?.version === event.facts.content ? { proposal: show(proposal, event) } : {};
}

function show(
  content: ShownContent,
  { seq, facts }: EventHeader<"playbook.replayed" | "playbook.turned">,
): ShownContent {
  if (facts.outcome === "aborted") return content;
  if (facts.mode === "simulate") return { ...content, dryRun: facts.outcome === "passed" ? seq : content.dryRun };
  if (facts.outcome === "failed") return { ...content, strict: null };
  return facts.mode === "strict" && facts.isVerified ? { ...content, strict: seq } : content;
}

/** Where a playbook stands. JSON, and never changed in place. */
export interface PlaybookSnapshot {
  readonly value: SnapshotFrom<typeof playbookMachine>["value"];
  readonly context: PlaybookContext;
}

/** Whether the machine takes `event`. */
export function takesEvent(before: PlaybookSnapshot | undefined, event: PlaybookEvent): boolean {
  return resolve(before).can(event);
}

/** The snapshot after `event`, which the machine takes; without one before, of a new playbook. */
export function foldPlaybook(before: PlaybookSnapshot | undefined, event: PlaybookEvent): PlaybookSnapshot {
  const { value, context } = transition(playbookMachine, resolve(before), event)[0];
  return { value, context };
}

function resolve(before: PlaybookSnapshot | undefined) {
  return before === undefined ? initialTransition(playbookMachine)[0] : playbookMachine.resolveState(before);
}
