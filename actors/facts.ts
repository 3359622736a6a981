import type { Command, Facts, StepPlace, TaskSnapshot } from "../machines/index.ts";
import type { EventHeader } from "../src/contracts/events.ts";
import type { PauseId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import { type StepReceipt, toStepPlace } from "../src/contracts/step.ts";
import type { ScopeStore, StoredEvent, TailEntry, TaskNumber } from "../src/kernel/store.ts";
import { decodeBody, decodeHeader } from "./events.ts";
import type { LiveTask } from "./task-book.ts";

type Read = Pick<Facts, "step" | "stepEpoch" | "questions" | "named" | "completion" | "lastError">;

/** What deciding `command` needs from the journal beside the task's state. */
export function gatherFacts(
  store: ScopeStore,
  command: Command,
  live: LiveTask | undefined,
  snapshot: TaskSnapshot | undefined,
): Read {
  if (live?.task === undefined || snapshot === undefined) return {};
  const { context } = snapshot;
  switch (command.name) {
    case "tasks.step": {
      const place = { stage: context.stage, ...toStepPlace(command.input.step) };
      const seq = latestOf(live.tail, place) ?? store.step({ task: live.task, ...place });
      const stored = seq === undefined ? undefined : store.event(seq);
      return stored === undefined ? {} : { step: toReceipt(stored), stepEpoch: stored.epoch };
    }
    case "tasks.answer":
    case "tasks.resume": {
      const questions = context.pauses.map(({ seq }) => decodeBody(store.event(seq), "task.paused") ?? {});
      return { questions, ...readNamed(store, live.task, context, command.input.pauseId) };
    }
    case "tasks.verify":
      if (context.completedSeq === null) return {};
      return { completion: decodeBody(store.event(context.completedSeq), "task.completed")?.return };
    case "lease.expire":
    case "timer.fire":
    case "tasks.cancel":
    case "parent.ended":
      return context.errorSeq === null ? {} : { lastError: readError(store.event(context.errorSeq)) };
    default:
      return {};
  }
}

/** What an event says of an error of the work; nothing when its text was erased. */
function readError(stored: StoredEvent | undefined): string | undefined {
  if (stored?.type !== "checks.failed") {
    return decodeBody(stored, "step.failed")?.error ?? decodeBody(stored, "task.failed")?.error;
  }
  const results = decodeBody(stored, "checks.failed")?.results.filter(({ passed }) => !passed) ?? [];
  return results.map(({ name, output = "" }) => `Check ${name} failed. ${output}`.trimEnd()).join("\n") || undefined;
}

/** What a named pause that is not open came to. */
function readNamed(
  store: ScopeStore,
  task: TaskNumber,
  { pauses, pauseEnds, stage }: TaskSnapshot["context"],
  asked: PauseId | undefined,
): Pick<Facts, "named"> {
  if (asked === undefined || pauses.some(({ pauseId }) => pauseId === asked)) return {};
  const ended = pauseEnds.find(({ pauseId }) => pauseId === asked);
  if (ended === undefined) return { named: { isOfEarlierStage: stage > 1 && wasAsked(store, task, asked) } };
  const answer = decodeBody(store.event(ended.seq), "task.answered")?.answer;
  return { named: { answer, isOfEarlierStage: false } };
}

/** Looks through the task's pauses, of which there are `limits.pausesPerStage` a stage at most. */
function wasAsked(store: ScopeStore, task: TaskNumber, pauseId: PauseId): boolean {
  for (let after = 0; ; ) {
    const page = store.events({ task, after, count: limits.pageRows, types: ["task.paused"] });
    if (page.some((stored) => isPause(decodeHeader(stored), pauseId))) return true;
    const last = page.at(-1);
    if (last === undefined) return false;
    after = last.seq;
  }
}

function isPause(header: ReturnType<typeof decodeHeader>, pauseId: PauseId): boolean {
  return header.type === "task.paused" && header.facts.pauseId === pauseId;
}

/** The latest event of a step among those that the index does not hold yet. */
function latestOf(tail: readonly TailEntry[], { stage, name, ordinal }: StepPlace): number | undefined {
  const isSame = ({ step }: TailEntry) => step?.ordinal === ordinal && step.name === name && step.stage === stage;
  return tail.findLast(isSame)?.seq;
}

/** A step's event as workers see it. */
export function toReceipt(stored: StoredEvent): StepReceipt {
  return toStepReceipt(decodeHeader(stored), stored.body === null ? undefined : JSON.parse(stored.body));
}

/** @throws Error when the event is not one of a step. */
export function toStepReceipt(header: ReturnType<typeof decodeHeader>, body: unknown): StepReceipt {
  if (!isOfStep(header)) throw new Error(`event ${header.seq} (${header.type}) is not of a step`);
  const { name, ordinal, key, stage, tool, inputHash, beside, rerun } = header.facts;
  const texts = (body ?? {}) as { output?: unknown; error?: string }; // of a body that the journal wrote for one of these types
  return {
    name,
    ordinal,
    ...(key === undefined ? {} : { key }),
    stage,
    ...(tool === undefined ? {} : { tool }),
    ...(inputHash === undefined ? {} : { inputHash }),
    ...(beside === undefined ? {} : { beside }),
    status: statusOf[header.type],
    seq: header.seq,
    at: header.at,
    agent: header.by,
    ...(texts.output === undefined ? {} : { output: texts.output }),
    ...(texts.error === undefined ? {} : { error: texts.error }),
    ...(header.type === "step.failed" ? { retryable: header.facts.retryable } : {}),
    ...(rerun === undefined ? {} : { rerun }),
    ...(header.type === "step.superseded" ? { supersedes: header.facts.supersedes } : {}),
  };
}

const statusOf = {
  "step.begun": "begun",
  "step.succeeded": "succeeded",
  "step.failed": "failed",
  "step.superseded": "superseded",
} as const;

function isOfStep(header: EventHeader): header is EventHeader<keyof typeof statusOf> {
  return Object.hasOwn(statusOf, header.type);
}
