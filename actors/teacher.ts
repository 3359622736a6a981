// Teacher
//
// What each event teaches: recall, lessons, and how far a foreign history was taken over. Owns: which event means what. Does not own: when
// it is read (learner.ts), or what is made of it (src/recall, src/learning).

import type { EventHeader, EventType } from "../src/contracts/events.ts";
import type { ImportedEpisode } from "../src/contracts/lesson.ts";
import type { StoredEvent } from "../src/kernel/store.ts";
import { createLessons, type LessonChange, type Lessons } from "../src/learning/index.ts";
import { createRecall, type Recall, type RecallRows } from "../src/recall/index.ts";
import { decodeBody, decodeHeader } from "./events.ts";
import { readFinishedRun } from "./finished-run.ts";
import { findMoves, recordMoves, toMove } from "./lesson-moves.ts";
import type { Desk } from "./persistence.ts";

/** What was learned, for readers. */
export interface Knowledge {
  readonly recall: Recall;
  readonly lessons: Lessons;
  /** The playbooks that were compiled from a lesson's runs, newest first. */
  playbooks(lessonId: string): readonly string[];
}

export interface Teacher extends Knowledge {
  /** Learns from one part of an event, within the open transaction of `desk`. */
  teach(desk: Desk, event: StoredEvent, part: number): void;
  /** How far a foreign history was taken over. */
  imports(source: string): { episodes: number; cursor?: string; seq?: number };
}

/** The types of events that teach. */
export const teaching = [
  "task.completed",
  "checks.passed",
  "task.failed",
  "lesson.written",
  "review.given",
  "feedback.given",
  "nodes.activated",
  "episodes.imported",
  "recall.reset",
  "playbook.compiled",
  "playbook.replayed",
  "playbook.turned",
] as const satisfies readonly EventType[];

/** How many parts an event is learned in. Episodes of an import come one by one: all at once would hold up what waits. */
export function partsOf(event: StoredEvent): number {
  if (event.type !== "episodes.imported") return 1;
  return Math.max(1, decodeBody(event, "episodes.imported")?.episodes.length ?? 0);
}

/** A teacher on a scope's rows. After a transaction that was rolled back another has to be made: what this one holds may be of it. */
export function createTeacher(rows: RecallRows): Teacher {
  const recall = createRecall(rows);
  const lessons = createLessons(rows);

  function teach(desk: Desk, event: StoredEvent, part: number): void {
    const header = decodeHeader(event);
    const where = { seq: header.seq, at: toSeconds(header.at) };
    switch (header.type) {
      case "lesson.written":
        return lessons.apply(toMove(header, decodeBody(event, header.type)), where);
      case "review.given":
        return record(desk, event, lessons.judgeAct(header.facts));
      case "feedback.given":
      case "nodes.activated": {
        const { outcome, lessons: lessonIds } = header.facts;
        const use = { lessonIds, outcome, ...where, verified: false };
        const moves = header.type === "feedback.given" ? lessons.judgeUse(use) : lessons.judgeActivation(use);
        return record(desk, event, moves);
      }
      case "episodes.imported":
        if (part === 0) noteImport(header);
        return teachEpisode(decodeBody(event, header.type)?.episodes[part]);
      case "recall.reset":
        recall.reset();
        return lessons.reset();
      case "playbook.compiled":
        for (const run of header.facts.sources) addPlaybook(run, header.taskId);
        return undefined;
      case "playbook.replayed":
      case "playbook.turned":
        return teachReplay(desk, event, header);
      default:
        return teachRun(desk, event);
    }
  }

  /** A dry run, a guided one and one that nobody checked show nothing of the work. */
  function teachReplay(
    desk: Desk,
    event: StoredEvent,
    { facts: { mode, outcome, isVerified, replayId } }: EventHeader<"playbook.replayed" | "playbook.turned">,
  ): void {
    if (mode !== "strict" || outcome !== "passed" || !isVerified) return;
    const [compiled] = desk.store.events({ task: event.task, after: 0, count: 1, types: ["playbook.compiled"] });
    const header = compiled === undefined ? undefined : decodeHeader(compiled);
    const sources = header?.type === "playbook.compiled" ? header.facts.sources : [];
    record(desk, event, lessons.judgeReplay({ replayId, sources, seq: event.seq }));
  }

  /** Of a run that taught nothing, such as one that failed, a playbook is not found by words. */
  function addPlaybook(run: string, id: string): void {
    const lesson = rows.get("lessonRuns", run)?.lesson;
    if (lesson === undefined) return;
    const before = readIds(rows.get("lessonPlaybooks", lesson)?.ids).filter((known) => known !== id);
    rows.put("lessonPlaybooks", lesson, { ids: [id, ...before].slice(0, playbooksMax).join(" ") });
  }

  function noteImport({ seq, facts: { source, cursor, count } }: EventHeader<"episodes.imported">): void {
    const before = rows.get("imports", source) ?? { episodes: 0, cursor: "" };
    rows.put("imports", source, { episodes: before.episodes + count, seq, cursor: cursor ?? before.cursor });
  }

  /** An erased body teaches nothing. */
  function teachEpisode(episode: ImportedEpisode | undefined): void {
    if (episode !== undefined) recall.learn({ ...episode, at: toSeconds(episode.at), source: "import" });
  }

  function teachRun(desk: Desk, event: StoredEvent): void {
    const run = readFinishedRun(desk.store, event);
    if (run === undefined) return;
    record(desk, event, lessons.judge(run));
    if (run.outcome === "succeeded" && run.files.length > 0) recall.learn(run);
  }

  /** W3. What stands in the journal goes before what would be judged now. */
  function record(desk: Desk, event: StoredEvent, judged: readonly LessonChange[]): void {
    const known = findMoves(desk.store, event.seq).map(({ move }) => move);
    if (known.length === 0) recordMoves(desk, event, judged);
    const where = { seq: event.seq, at: toSeconds(event.at) };
    for (const move of known.length === 0 ? judged : known) lessons.apply(move, where);
  }

  return {
    ...{ recall, lessons, teach },
    playbooks(lessonId) {
      const lesson = rows.get("lessonIds", lessonId)?.lesson;
      return lesson === undefined ? [] : readIds(rows.get("lessonPlaybooks", lesson)?.ids);
    },
    imports(source) {
      const row = rows.get("imports", source);
      if (row === undefined) return { episodes: 0 };
      const { episodes, seq, cursor } = row;
      return cursor === "" ? { episodes, seq } : { episodes, cursor, seq };
    },
  };
}

const playbooksMax = 8; // of one lesson: older ones are read by their ids

function readIds(ids = ""): string[] {
  return ids === "" ? [] : ids.split(" ");
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
