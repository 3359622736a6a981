// Memory
//
// The operations about what was learned: task start and its views, search, and what commands to memory rest on. Owns: waiting for learning,
// and receipts. Does not own: what is known (the learner), or what is made of it (src/guidance).

import type { Learner, Persistence } from "../../actors/index.ts";
import { isOpen, type MemoryOperation } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { Guidance } from "../contracts/guidance.ts";
import { type LessonId, memoryTaskId, type TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationName, OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import {
  alignWithCheckout,
  compose,
  extents,
  type Known,
  keepGroundedFiles,
  keepGroundedLessons,
  type Question,
  showLesson,
  sourceOf,
} from "../guidance/index.ts";
import type { Clock } from "../kernel/clock.ts";
import type { ScopeStore } from "../kernel/store.ts";
import type { LessonQuery, RankedLessons } from "../learning/index.ts";
import type { Embeddings } from "./embeddings.ts";
import { explainLesson, findLesson, toLesson } from "./lessons.ts";
import { offerPlaybook } from "./playbook-match.ts";
import { explainReceipt, findCredited, isReceiptId, toReceipt, toShares } from "./receipts.ts";
import { given } from "./views.ts";

type MemoryQuery = Extract<
  OperationName,
  | "taskStart"
  | "planningContext"
  | "actionRetrieval"
  | "explain"
  | "memory.recall"
  | "memory.find"
  | "memory.get"
  | "memory.imports"
  | "recall.weights"
  | "tasks.settled"
>;

/** The reading operations about what was learned. */
export type MemoryQueries = {
  [Name in MemoryQuery]: (input: OperationParsed<Name>) => OperationOutput<Name> | Promise<OperationOutput<Name>>;
};

export interface MemoryOptions {
  scope: string;
  store: ScopeStore;
  persistence: Persistence;
  learner: Learner;
  clock: Clock;
  embeddings?: Embeddings | undefined;
}

const textChars = 240;
const comparedMax = 32; // lessons whose nearness is asked of an embedding provider
const evidenceNamed = 20;

/** Waits until learning has come to a position. @throws AionisError `LEARNING_BEHIND` */
export function createAwaitLearning({ store, learner }: Pick<MemoryOptions, "store" | "learner">) {
  return async (position: number): Promise<void> => {
    const to = Math.min(position, store.head().seq);
    if (await learner.reached(to, limits.learnWaitMs)) return;
    throw new AionisError(
      "LEARNING_BEHIND",
      `Learning is at ${learner.readTo()}, ${to} was asked for; ask again in a moment.`,
      {
        facts: { readTo: learner.readTo() },
      },
    );
  };
}

/** The queries about what one scope has learned. */
export function createMemoryQueries(options: MemoryOptions): MemoryQueries {
  const { store, learner, clock } = options;
  const awaitLearning = createAwaitLearning(options);

  async function findOut(question: Question): Promise<Known> {
    await awaitLearning(question.minPosition);
    const { query, context, depth } = question;
    const { recall } = learner.knowledge();
    const errors = context.error === undefined ? [] : context.error.split("\n", limits.lessonErrors);
    const recalled = recall.rank({
      goal: query,
      at: Math.floor(clock.now() / 1_000),
      filesMax: extents[depth].files,
      errors,
      ...{ family: context.family, files: context.files, tree: context.tree, isTreePartial: true },
    });
    const files = keepGroundedFiles(recalled);
    const predicted = files.files.map(({ path, probability }) => ({ path, probability }));
    const asked = {
      text: query,
      ...given({ family: context.family, error: context.error }),
      files: context.files,
      predicted,
    };
    const lessons = keepGroundedLessons(await rank(asked, extents[depth].lessons));
    const playbook = offerPlaybook(options, learner, question, lessons);
    const [episodes, learnedTo] = [recall.episodes(), learner.learnedTo()];
    return alignWithCheckout({ question, files, lessons, playbook, episodes, learnedTo });
  }

  async function rank(query: LessonQuery, max: number): Promise<RankedLessons> {
    const { lessons } = learner.knowledge();
    if (options.embeddings === undefined) return lessons.rank(query, { max });
    const compared = lessons.rank(query, { max: Math.max(max, comparedMax) }).lessons;
    const texts = new Map(compared.map(({ lesson }) => [lesson.id, `${lesson.title}\n${lesson.text ?? ""}`]));
    const near = await options.embeddings.compare(query.text, texts);
    return learner.knowledge().lessons.rank(query, { max, similarity: (id) => near.get(id) });
  }

  async function start(question: Question): Promise<{ known: Known; answer: Guidance }> {
    const known = await findOut(question);
    const answer = compose(known);
    const body = toReceipt(known, answer);
    store.keepReceipt({ id: answer.receipt, at: clock.now(), body: JSON.stringify(body) });
    return { known, answer };
  }

  return {
    taskStart: async (input) => (await start(input)).answer,
    planningContext: async (input) => (await start(input)).answer,
    async actionRetrieval(input) {
      const { known, answer } = await start(input);
      const { firstAction: action, gate, uncertainty, receipt, learnedTo } = answer;
      const evidence = toEvidence(known, answer);
      return { action, gate, uncertainty, evidence, ...given({ missing: answer.missing }), receipt, learnedTo };
    },
    explain: async ({ id }) =>
      isReceiptId(id) ? explainReceipt(store, id) : explainLesson(store, await findLesson(store, learner, id)),
    async "memory.recall"({ query, kinds, family, files, max, minPosition }) {
      await awaitLearning(minPosition);
      const wider = kinds === undefined ? max : limits.lessonsNamed;
      const { lessons } = await rank({ text: query, ...given({ family }), files }, wider);
      const fitting = lessons.filter(({ lesson }) => kinds === undefined || kinds.includes(lesson.kind)).slice(0, max);
      const shown = fitting.map((ranked) => ({ ...showLesson(ranked, textChars), shares: ranked.signals }));
      return { lessons: shown, learnedTo: learner.learnedTo() };
    },
    async "memory.find"({ kinds, states, family, pageSize, cursor, minPosition }) {
      await awaitLearning(minPosition);
      const page = learner.knowledge().lessons.list({
        count: pageSize,
        ...given({ kinds, states, family, before: toNumber(cursor) }),
      });
      const lessons = page.lessons.map((lesson) => showLesson({ lesson, score: 0, signals: {} }, textChars));
      return { lessons, ...(page.next === undefined ? {} : { cursor: String(page.next) }) };
    },
    async "memory.get"({ id, minPosition }) {
      await awaitLearning(minPosition);
      return toLesson(await findLesson(store, learner, id));
    },
    async "memory.imports"({ source }) {
      await awaitLearning(store.head().seq); // what was taken over last counts
      return learner.imports(source);
    },
    "recall.weights"() {
      const { recall, lessons } = learner.knowledge();
      return { learnedTo: learner.learnedTo(), files: recall.weights(), lessons: lessons.weights() };
    },
    async "tasks.settled"({ taskId, waitMs }) {
      const seq = findEnd(options, taskId);
      const settled = await learner.reached(seq, waitMs);
      return { settled, learnedTo: learner.learnedTo() };
    },
  };
}

/** What a command to memory rests on beside its input; makes the task that holds memory when there is none yet. */
export async function prepareMemory(
  { scope, store, persistence, learner }: MemoryOptions,
  name: MemoryOperation,
  input: OperationParsed<MemoryOperation>,
): Promise<readonly LessonId[]> {
  if (store.task(memoryTaskId) === undefined) {
    const command = { name: "memory.open", taskId: memoryTaskId } as const;
    await persistence.submit({ scope, by: "runtime", command, isInternal: true });
  }
  const named = toNamed(name, input);
  for (const id of named) await findLesson(store, learner, id);
  return name === "feedback" ? findCredited(store, input as OperationParsed<typeof name>) : named; // name and input are of one entry
}

/** The lessons that a command names, each once. */
function toNamed(name: MemoryOperation, input: OperationParsed<MemoryOperation>): LessonId[] {
  if (name === "memory.review") return [(input as OperationParsed<typeof name>).id]; // as above
  return name === "nodes.activate" ? [...new Set((input as OperationParsed<typeof name>).lessons)] : []; // as above
}

function toEvidence(
  { files, lessons }: Known,
  { firstAction }: Guidance,
): OperationOutput<"actionRetrieval">["evidence"] {
  const ofLessons = lessons.lessons.slice(0, evidenceNamed).map(({ lesson, signals }) => ({
    id: lesson.id as LessonId, // made by the runtime
    says: lesson.title.slice(0, limits.nameChars).toWellFormed(),
    source: sourceOf({ lesson }),
    events: lesson.evidence.map(({ seq }) => seq),
    shares: toShares(signals),
  }));
  const ofFiles = files.files
    .filter(({ path }) => path === firstAction.file)
    .map(({ path, shares }) => ({
      id: path,
      says: "Earlier work touched it.",
      source: "recall",
      events: [],
      shares: toShares(shares),
    }));
  return [...ofLessons, ...ofFiles];
}

/** The event that ended a task. */
function findEnd({ scope, persistence }: MemoryOptions, taskId: TaskId): number {
  const snapshot = persistence.snapshot(scope, taskId);
  if (snapshot === undefined) throw new AionisError("TASK_NOT_FOUND", `There is no task ${taskId} in this scope.`);
  const { outcome } = snapshot.context;
  if (outcome !== null && !isOpen(snapshot)) return outcome.seq;
  throw new AionisError(
    "TASK_STATE_CONFLICT",
    `${taskId} has not ended, so that it teaches nothing yet; tasks.watch waits for its end.`,
  );
}

function toNumber(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new AionisError("CURSOR_INVALID", `"${cursor.slice(0, 80)}" is no cursor of memory.find.`);
}
