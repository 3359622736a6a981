// Lessons, as readers see them.

import { findMoves, type Learner } from "../../actors/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { LessonId, TaskId } from "../contracts/ids.ts";
import type { Lesson } from "../contracts/lesson.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput } from "../contracts/operations/index.ts";
import { countEvidence, sourceOf } from "../guidance/index.ts";
import type { ScopeStore } from "../kernel/store.ts";
import type { Lesson as LearnedLesson } from "../learning/index.ts";
import { given } from "./views.ts";

/**
 * The lesson with that id. One that is not known yet may just have been written: learning is given the time to come to the journal's end.
 * @throws AionisError `LESSON_NOT_FOUND`
 */
export async function findLesson(store: ScopeStore, learner: Learner, id: LessonId): Promise<LearnedLesson> {
  const known = learner.knowledge().lessons.get(id);
  if (known !== undefined) return known;
  await learner.reached(store.head().seq, limits.learnWaitMs);
  const learned = learner.knowledge().lessons.get(id);
  if (learned !== undefined) return learned;
  throw new AionisError(
    "LESSON_NOT_FOUND",
    `There is no lesson ${id} in this scope; memory.recall finds those there are.`,
  );
}

export function toLesson(lesson: LearnedLesson): Lesson {
  // ids and links are as the schema of its event had them
  const { id, kind, state, title, text = title, family, files, tools, steps, checks, errors, links, used } = lesson;
  return {
    id: id as LessonId,
    ...{ kind, state, title: title.slice(0, limits.lineChars).toWellFormed(), text, ...given({ family }) },
    ...{
      files,
      tools,
      steps,
      checks,
      errors,
      source: sourceOf({ lesson }),
      links: links as Lesson["links"],
      ...countEvidence(lesson),
      used,
    },
    ...{ evidence: lesson.evidence, missing: lesson.missing },
    ...{ createdAt: lesson.madeAt * 1_000, updatedAt: lesson.changedAt * 1_000 },
  };
}

/** Its moves are found by the events that they rest on. */
export function explainLesson(store: ScopeStore, lesson: LearnedLesson): OperationOutput<"explain"> {
  const causes = new Set([lesson.madeSeq, ...lesson.evidence.map(({ seq }) => seq), lesson.changedSeq]);
  const moves = [...causes].sort((left, right) => left - right).flatMap((seq) => findMoves(store, seq));
  const history = moves
    .filter(({ move }) => move.lessonId === lesson.id)
    .map(({ event: { seq, at }, move: { change, from, to, run, missing } }) => {
      return { seq, at, move: change, from, to, ...given({ run: run as TaskId | undefined }), missing }; // as the journal has it
    });
  const first = store.event(lesson.madeSeq);
  if (first?.type === "lesson.written") {
    const { seq, at } = first;
    history.unshift({ seq, at, move: "written", from: null, to: "observed", missing: [] });
  }
  return { of: "lesson", lesson: toLesson(lesson), history };
}
