// Redaction
//
// What of an event and of a task's context may leave for a viewer: a copy that the schema makes, field by field.
//
// Invariants:
//   R1. A sensitive field never leaves; a mark stands where it was, so that a viewer can tell it from an absent one.
//   R2. What the schema does not name never leaves, nor what has no schema of its own (`unknown`, records).
//   R3. It never throws, whatever it is given.
//   R4. Texts and lists are cut, so that what leaves is bounded.

import { z } from "zod";
import type { PlaybookContext, TaskContext } from "../../machines/index.ts";
import { Choice, Concern } from "../contracts/concern.ts";
import { Due } from "../contracts/due.ts";
import { EndCode } from "../contracts/ending.ts";
import { Budget, type EventType, eventTypes, RetryPolicy } from "../contracts/events.ts";
import { AgentId, DelegationId, PacketId, PauseId, TaskId } from "../contracts/ids.ts";
import { PlaybookState, ReplayOrder } from "../contracts/playbook.ts";
import { isSensitive } from "../contracts/sensitive.ts";
import { PauseEnd } from "../contracts/task.ts";
import { Actor, Isolation, Name, Sequence, Target, Time } from "../contracts/values.ts";
import { cut } from "./text.ts";

/** Stands for what is sensitive. */
export const withheld = "[withheld]";

const listItems = 10;

/** What may be seen of an event; without facts and body when its type is not known here. */
export function showEvent(event: unknown): { type: string; [field: string]: unknown } {
  const type = read(event, "type");
  const shown: { type: string; [field: string]: unknown } = { type: typeof type === "string" ? cut(type) : "unknown" };
  for (const key of ["seq", "epoch"]) {
    const value = showNumber(read(event, key));
    if (value !== unfit) shown[key] = value;
  }
  const show = showsOf(shown.type);
  if (show === undefined) return shown;
  for (const key of ["facts", "body"] as const) {
    const part = show[key](read(event, key));
    if (part !== unfit) shown[key] = part;
  }
  return shown;
}

/** What may be seen of a task's context. */
export function showContext(context: unknown): unknown {
  showTaskContext ??= compile(z.object(contextShape));
  const shown = showTaskContext(context);
  return shown === unfit ? {} : shown;
}

/** Makes what may leave of a value, or says that the value is none of its schema's. */
type Show = (value: unknown) => unknown;

const unfit = Symbol("unfit");
const showsByType = new Map<string, { facts: Show; body: Show }>();
let showTaskContext: Show | undefined;

const ShownContent = z.object({
  version: z.int(),
  seq: Sequence,
  dryRun: Sequence.nullable(),
  strict: Sequence.nullable(),
});
const CheckName = z.object({ name: Name, required: z.boolean() });
/** Without `nullable` round the fields: what is null is left out, which is half of most contexts. */
const contextShape = {
  id: TaskId,
  kind: Name,
  family: Name,
  parentId: TaskId,
  rootId: TaskId,
  delegationId: DelegationId,
  depth: z.int(),
  to: Target,
  priority: z.int(),
  retry: RetryPolicy,
  checks: z.array(CheckName),
  budget: Budget,
  deadlineAt: Due,
  createdSeq: Sequence,
  createdAt: Time,
  updatedAt: Time,
  revision: z.int(),
  entry: z.int(),
  epoch: z.int(),
  attempt: z.int(),
  stage: z.int(),
  claimableAt: Due,
  preferred: z.object({ agent: AgentId, until: Time }),
  owner: Actor,
  claimedAt: Time,
  lastAgent: AgentId,
  steps: z.int(),
  recordsAtClaim: z.int(),
  successes: z.int(),
  successesAtClaim: z.int(),
  losses: z.int(),
  unseen: z.int(),
  lapsed: z.object({
    owner: Actor,
    attempt: z.int(),
    state: z.enum(["running", "verifying"]),
    verifying: z.array(CheckName),
    completedSeq: Sequence.nullable(),
  }),
  releases: z.int(),
  errorSeq: Sequence,
  records: z.int(),
  pauses: z.array(
    z.object({
      pauseId: PauseId,
      key: Name,
      seq: Sequence,
      asks: z.boolean(),
      approver: AgentId.nullable(),
      expiresAt: Due.nullable(),
      concerns: Concern.optional(),
      tries: z.int().optional(),
    }),
  ),
  pauseEnds: z.array(
    z.object({
      pauseId: PauseId,
      key: Name,
      seq: Sequence,
      end: PauseEnd.shape.end,
      concerns: Concern.optional(),
      choice: Choice.optional(),
    }),
  ),
  pauseEndedSeq: z.int(),
  questionEndedSeq: z.int(),
  handoff: z.object({ packetId: PacketId, seq: Sequence, to: Target, from: Actor, expiresAt: Due.nullable() }),
  handoffs: z.int(),
  packetSeq: Sequence,
  packetId: PacketId,
  packetFrom: Actor,
  returnedSeq: Sequence,
  childrenOpen: z.array(z.object({ childId: TaskId, delegationId: DelegationId })),
  verifying: z.array(CheckName),
  completedSeq: Sequence,
  outcome: z.object({ seq: Sequence, at: Time, by: AgentId, verified: z.boolean(), code: EndCode.nullable() }),
  isolation: Isolation,
  replay: ReplayOrder,
  playbook: z.object({
    value: PlaybookState,
    context: z.object({
      version: z.int(),
      content: ShownContent,
      isPartial: z.boolean(),
      sources: z.array(TaskId),
      proposal: ShownContent.nullable(),
      approver: AgentId.nullable(),
      broken: Sequence.nullable(),
      replays: z.int(),
      changedAt: Time,
    } satisfies Record<keyof PlaybookContext, z.ZodType>),
  }),
} satisfies Record<keyof TaskContext, z.ZodType>;

function showsOf(type: string): { facts: Show; body: Show } | undefined {
  const known = showsByType.get(type);
  if (known !== undefined || !Object.hasOwn(eventTypes, type)) return known;
  const { facts, body } = eventTypes[type as EventType]; // just looked up
  const shows = { facts: compile(facts), body: compile(body) };
  showsByType.set(type, shows);
  return shows;
}

/** `isStrict`: an object that lacks a field of the schema does not fit, by which a union tells its options apart. */
function compile(schema: z.core.$ZodType, isStrict = false): Show {
  if (isSensitive(schema)) return () => withheld; // R1
  const { def } = (schema as z.core.$ZodTypes)._zod; // every schema is one of zod's own
  switch (def.type) {
    case "string":
    case "template_literal":
      return (value) => (typeof value === "string" ? cut(value) : unfit);
    case "number":
      return showNumber;
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : unfit);
    case "literal":
      return showOneOf(def.values);
    case "enum":
      return showOneOf(Object.values(def.entries));
    case "optional":
    case "default":
      return compile(def.innerType, isStrict);
    case "nullable": {
      const show = compile(def.innerType, isStrict);
      return (value) => (value === null ? null : show(value));
    }
    case "array":
      return showList(compile(def.element, isStrict));
    case "union": {
      const options = def.options.map((option) => compile(option, true));
      return (value) => {
        for (const show of options) {
          const shown = show(value);
          if (shown !== unfit) return shown;
        }
        return unfit;
      };
    }
    case "object":
      return showFields(def.shape, isStrict);
    default:
      return () => unfit; // R2
  }
}

function showNumber(value: unknown): unknown {
  return Number.isFinite(value) ? value : unfit; // JSON has no others
}

function showOneOf(values: readonly unknown[]): Show {
  return (value) => (values.includes(value) ? value : unfit);
}

function showList(show: Show): Show {
  return (list) => {
    try {
      if (!Array.isArray(list)) return unfit; // throws for a revoked proxy
      const { length } = list;
      const shown: unknown[] = [];
      for (let index = 0; index < length && index < listItems; index += 1) {
        const item = show(list[index]);
        if (item !== unfit) shown.push(item);
      }
      if (length > listItems) shown.push(`… ${Number(length) - listItems} more`); // R4
      return shown;
    } catch {
      return unfit; // R3
    }
  };
}

function showFields(shape: Readonly<Record<string, z.core.$ZodType>>, isStrict: boolean): Show {
  const fields = Object.entries(shape).map(([key, schema]) => ({
    key,
    show: compile(schema, isStrict),
    isNeeded: isStrict && schema._zod.optin !== "optional",
  }));
  return (value) => {
    if (typeof value !== "object" || value === null) return unfit;
    const shown: Record<string, unknown> = {};
    for (const { key, show, isNeeded } of fields) {
      const field = read(value, key);
      const part = field === undefined ? unfit : show(field);
      if (part !== unfit) shown[key] = part;
      else if (isNeeded) return unfit;
    }
    return shown;
  };
}

/** An own field of whatever it is; nothing when reading it throws (R3). */
function read(value: unknown, key: string): unknown {
  try {
    return typeof value === "object" && value !== null && Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key] // it has the key
      : undefined;
  } catch {
    return undefined;
  }
}
