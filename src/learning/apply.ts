// Applying: what a change does to the rows. What it costs depends on the change, not on how many came before.

import { foldLesson } from "../../machines/lesson.ts";
import { emptyRow, type LessonRow, type RecallRows } from "../recall/index.ts";
import type { LessonChange } from "./changes.ts";
import { learnConfidence } from "./confidence.ts";
import { enterWords } from "./index-words.ts";
import { addEvidence, findLesson, putSnapshot, readLessonText, takeOver, toKindCode, toSnapshot } from "./lesson.ts";
import { rankLessons } from "./rank.ts";
import { readContent } from "./words.ts";

/** Folds `change`; `where` is its event. @throws Error when the lesson does not take it. */
export function applyChange(rows: RecallRows, change: LessonChange, where: { seq: number; at: number }): void {
  const found = findLesson(rows, change.lessonId);
  const evidence = change.evidence.at(-1);
  const before = found === undefined ? undefined : toSnapshot(found.row);
  const after = foldLesson(before, { type: `lesson.${change.change}`, evidence });
  if (found !== undefined && change.change === "activated") {
    putSnapshot(found.row, after); // its counters, and nothing else
    return rows.put("lessons", found.lesson, found.row);
  }
  learnFrom(rows, change, found?.lesson);

  const totals = rows.get("lessonTotals", 0) ?? emptyRow("lessonTotals");
  const lesson = found?.lesson ?? totals.lessons++;
  const row = found?.row ?? toNewRow(change, where);
  totals.changes += 1;
  Object.assign(row, { changedAt: where.at, changedSeq: where.seq, lastChange: totals.changes });
  putSnapshot(row, after);
  if (evidence !== undefined) addEvidence(row, evidence);
  if (change.run !== undefined && evidence?.outcome === "succeeded") row.runs += 1;
  if (change.content !== undefined) {
    const text = takeOver(readLessonText(row), change.lessonId, change.content);
    row.text = JSON.stringify(text);
    row.files = text.files.length;
    enterWords(rows, totals, { lesson, row, words: readContent(change.content) });
  }
  if (change.run !== undefined) rows.put("lessonRuns", change.run, { lesson });
  rows.put("lessons", lesson, row);
  rows.put("lessonIds", change.lessonId, { lesson });
  rows.put("lessonTotals", 0, totals);
}

/** What the run's goal alone would have been answered with, before its own lesson learns from it. */
function learnFrom(rows: RecallRows, { run, content, evidence }: LessonChange, own: number | undefined): void {
  if (run === undefined || content === undefined || evidence.at(-1)?.strength === "imported") return;
  const { ranked, doubt } = rankLessons(rows, { text: content.goal });
  if (doubt !== undefined) learnConfidence(rows, doubt, ranked[0]?.lesson === own);
}

/** A lesson whose first content was erased says nothing, and stands where it stood. */
function toNewRow({ kind, lessonId }: LessonChange, { seq, at }: { seq: number; at: number }): LessonRow {
  const nothing = { goal: "", files: [], steps: [], tools: [], checks: [], errors: [] };
  const text = JSON.stringify(takeOver(undefined, lessonId, nothing));
  return { ...emptyRow("lessons"), kind: toKindCode(kind), madeAt: at, madeSeq: seq, text };
}
