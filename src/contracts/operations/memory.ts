import { z } from "zod";
import {
  Buckets,
  FirstAction,
  Gate,
  Guidance,
  LikelyFile,
  LikelyTool,
  LookedContext,
  MissingFile,
  Shares,
  ShownLesson,
  Uncertainty,
} from "../guidance.ts";
import { CommandId, LessonId, ReceiptId, TaskId } from "../ids.ts";
import { EntryInput, ImportedEpisode, Lesson, LessonAct, LessonKind, LessonState } from "../lesson.ts";
import { limits } from "../limits.ts";
import { FilePath, Line, Name, Sequence, Text, Time } from "../values.ts";
import { defineOperation } from "./operation.ts";

const commandId = { commandId: CommandId.optional() };

/** What a command to memory answers: the event that now stands in the journal. */
const MemoryAck = z.strictObject({ seq: Sequence, at: Time });

const question = {
  /** What is to be done, in words. */
  query: Text.max(limits.queryChars),
  context: LookedContext.prefault({}),
  /** The tools that there are; others are not recommended. */
  candidates: z.array(Name).max(limits.listItems).optional(),
  /** `full` answers with more files and lessons, beyond the usual size. */
  depth: z.enum(["quick", "full"]).default("quick"),
  /** Answer only when learning has come this far: the `seq` of an end that must count. */
  minPosition: z.int().nonnegative().default(0),
};

const startFailures = ["LEARNING_BEHIND"] as const;

export const taskStart = defineOperation({
  name: "taskStart",
  kind: "query",
  layer: "core",
  summary:
    "Say what earlier work knows about this: what to do first, which files, tools and lessons, and how sure it is.",
  input: z.strictObject(question),
  output: Guidance,
  failures: startFailures,
  idempotent: true,
});

export const planningContext = defineOperation({
  name: "planningContext",
  kind: "query",
  layer: "enhanced",
  summary: "Give everything that bears on a piece of work, for whoever plans it: task start at full depth.",
  input: z.strictObject({ ...question, depth: z.literal("full").default("full") }),
  output: Guidance,
  failures: startFailures,
  idempotent: true,
});

export const actionRetrieval = defineOperation({
  name: "actionRetrieval",
  kind: "query",
  layer: "enhanced",
  summary:
    "Give the one action that task start would take, with the entries that speak for it and where they come from.",
  input: z.strictObject(question),
  output: z.strictObject({
    action: FirstAction,
    gate: Gate,
    uncertainty: Uncertainty,
    /** What speaks for the action: lessons with the events that they rest on, and files with their signals. */
    evidence: z.array(
      z.strictObject({
        id: z.union([LessonId, FilePath]),
        says: z.string(),
        source: z.string(),
        events: z.array(Sequence),
        shares: Shares,
      }),
    ),
    /** What is not where earlier work says, as task start has it. */
    missing: z.array(MissingFile).optional(),
    receipt: ReceiptId,
    learnedTo: z.int().nonnegative(),
  }),
  failures: startFailures,
  idempotent: true,
});

export const feedback = defineOperation({
  name: "feedback",
  kind: "command",
  layer: "core",
  summary: "Say what came of an answer: only the lessons that its receipt showed are credited.",
  input: z.strictObject({
    ...commandId,
    receipt: ReceiptId,
    outcome: z.enum(["succeeded", "failed"]),
    /** Those of the shown lessons that were used; those to use now if absent. */
    used: z.array(LessonId).max(limits.lessonsNamed).optional(),
    note: Line.optional(),
  }),
  output: z.strictObject({ ...MemoryAck.shape, credited: z.array(LessonId) }),
  failures: ["RECEIPT_NOT_FOUND", "LESSON_NOT_FOUND"],
  idempotent: false,
});

export const nodesActivate = defineOperation({
  name: "nodes.activate",
  kind: "command",
  layer: "enhanced",
  summary: "Say of single lessons that they were used and how it went. Nothing but their counters changes.",
  input: z.strictObject({
    ...commandId,
    lessons: z.array(LessonId).min(1).max(limits.lessonsNamed),
    outcome: z.enum(["succeeded", "failed"]).default("succeeded"),
  }),
  output: z.strictObject({ ...MemoryAck.shape, credited: z.array(LessonId) }),
  failures: ["LESSON_NOT_FOUND"],
  idempotent: false,
});

export const explain = defineOperation({
  name: "explain",
  kind: "query",
  layer: "core",
  summary: "Say why an answer or a lesson is as it is: each signal's share, its evidence, and what is still missing.",
  input: z.strictObject({
    id: z.union([ReceiptId, LessonId], { error: "expected the id of a receipt (rcp_…) or of a lesson (les_…)" }),
  }),
  output: z.discriminatedUnion("of", [
    z.strictObject({
      of: z.literal("receipt"),
      receipt: ReceiptId,
      at: Time,
      query: z.string(),
      learnedTo: z.int().nonnegative(),
      gate: Gate,
      buckets: Buckets,
      files: z.array(z.strictObject({ ...LikelyFile.shape, shares: Shares })),
      lessons: z.array(z.strictObject({ id: LessonId, title: z.string(), score: z.number(), shares: Shares })),
      tools: z.array(LikelyTool),
      missing: z.array(MissingFile).optional(),
    }),
    z.strictObject({
      of: z.literal("lesson"),
      lesson: Lesson,
      /** Its moves, oldest first, each with the event that holds it. */
      history: z.array(
        z.strictObject({
          seq: Sequence,
          at: Time,
          move: z.string(),
          from: LessonState.nullable(),
          to: LessonState,
          run: TaskId.optional(),
          missing: z.array(z.string()),
        }),
      ),
    }),
  ]),
  failures: ["RECEIPT_NOT_FOUND", "LESSON_NOT_FOUND"],
  idempotent: true,
});

export const memoryWrite = defineOperation({
  name: "memory.write",
  kind: "command",
  layer: "core",
  summary: "Write down a note, a fact, a procedure or a piece of evidence, for later work to find.",
  input: z.strictObject({ ...commandId, ...EntryInput.shape }),
  output: z.strictObject({ ...MemoryAck.shape, id: LessonId }),
  failures: [],
  idempotent: false,
});

export const memoryReview = defineOperation({
  name: "memory.review",
  kind: "command",
  layer: "advanced",
  summary: "Decide of a lesson that it is over, or that a retired one may begin anew as a candidate.",
  input: z.strictObject({ ...commandId, id: LessonId, act: LessonAct, reason: Line }),
  output: MemoryAck,
  failures: ["LESSON_NOT_FOUND"],
  idempotent: false,
});

export const memoryImport = defineOperation({
  name: "memory.import",
  kind: "command",
  layer: "advanced",
  summary: "Take over episodes that were done elsewhere, such as commits, as evidence that is weaker than a run.",
  input: z.strictObject({
    ...commandId,
    /** Where they come from, such as `git:` with the name of a repository. */
    source: Name,
    /** Up to where that history has been taken over with these; `memory.imports` gives it back. */
    cursor: Line.optional(),
    episodes: z.array(ImportedEpisode).max(limits.episodes),
  }),
  output: MemoryAck,
  failures: [],
  idempotent: false,
});

export const memoryImports = defineOperation({
  name: "memory.imports",
  kind: "query",
  layer: "advanced",
  summary: "Say how far a foreign history has been taken over.",
  input: z.strictObject({ source: Name }),
  output: z.strictObject({ episodes: z.int().nonnegative(), cursor: Line.optional(), seq: Sequence.optional() }),
  failures: [],
  idempotent: true,
});

const kinds = z.array(LessonKind).max(limits.listItems).optional();

export const memoryRecall = defineOperation({
  name: "memory.recall",
  kind: "query",
  layer: "core",
  summary: "Search lessons and what was written down, best first.",
  input: z.strictObject({
    query: Text.max(limits.queryChars),
    kinds,
    family: Name.optional(),
    files: z.array(FilePath).max(limits.listItems).default([]),
    /** At most so many. */
    max: z.int().positive().max(limits.lessonsNamed).default(10),
    minPosition: z.int().nonnegative().default(0),
  }),
  output: z.strictObject({
    lessons: z.array(z.strictObject({ ...ShownLesson.shape, shares: Shares })),
    learnedTo: z.int().nonnegative(),
  }),
  failures: startFailures,
  idempotent: true,
});

export const memoryFind = defineOperation({
  name: "memory.find",
  kind: "query",
  layer: "core",
  summary: "List lessons by kind, state or family, newest first, a page at a time.",
  input: z.strictObject({
    kinds,
    states: z.array(LessonState).max(limits.listItems).optional(),
    family: Name.optional(),
    pageSize: z.int().positive().max(limits.pageRows).default(20),
    cursor: z.string().max(limits.idChars).optional(),
    minPosition: z.int().nonnegative().default(0),
  }),
  output: z.strictObject({ lessons: z.array(ShownLesson), cursor: z.string().optional() }),
  failures: ["CURSOR_INVALID", ...startFailures],
  idempotent: true,
});

export const memoryGet = defineOperation({
  name: "memory.get",
  kind: "query",
  layer: "core",
  summary: "Read one lesson whole.",
  input: z.strictObject({ id: LessonId, minPosition: z.int().nonnegative().default(0) }),
  output: Lesson,
  failures: ["LESSON_NOT_FOUND", ...startFailures],
  idempotent: true,
});

export const recallWeights = defineOperation({
  name: "recall.weights",
  kind: "query",
  layer: "advanced",
  summary: "Look at what ranking has learned: the weight of each signal, and how good its confidence was.",
  input: z.strictObject({}),
  output: z.strictObject({
    learnedTo: z.int().nonnegative(),
    files: z.strictObject({
      weights: Shares,
      compared: z.int().nonnegative(),
      hitRate: z.number(),
      sureFrom: z.number(),
    }),
    lessons: z.strictObject({ compared: z.int().nonnegative(), hitRate: z.number(), sureFrom: z.number() }),
  }),
  failures: [],
  idempotent: true,
});

export const recallReset = defineOperation({
  name: "recall.reset",
  kind: "command",
  layer: "advanced",
  summary: "Forget the learned weights and confidence, and keep the evidence: ranking begins again from its defaults.",
  input: z.strictObject({ ...commandId, reason: Line.optional() }),
  output: MemoryAck,
  failures: [],
  idempotent: false,
});

export const tasksSettled = defineOperation({
  name: "tasks.settled",
  kind: "query",
  layer: "enhanced",
  summary: "Wait until what a finished task teaches has been learned.",
  input: z.strictObject({
    taskId: TaskId,
    waitMs: z.int().nonnegative().max(limits.callWaitMs).default(10_000),
  }),
  output: z.strictObject({ settled: z.boolean(), learnedTo: z.int().nonnegative() }),
  failures: ["TASK_NOT_FOUND", "TASK_STATE_CONFLICT"],
  idempotent: true,
});
