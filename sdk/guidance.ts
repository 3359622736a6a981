import type { FirstAction, Gate, LikelyFile, OfferedPlaybook, ShownLesson } from "../src/contracts/guidance.ts";
import { type LessonId, LessonId as LessonIdSchema } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { Assignment } from "../src/contracts/task.ts";
import type { CallOptions, Client } from "./client.ts";

/** What earlier work says about a task. JSON, for it is a step's output. */
export interface Guidance {
  /** Whether anything is known. Without it, the first action is a cautious one. */
  known: boolean;
  /** All of it as a short text for a model. */
  text: string;
  /** What to do first. */
  firstAction: FirstAction;
  /** What to do before that, unless its action is `proceed`. */
  gate: Gate;
  /** Files that the work may touch, the likeliest first. */
  files: LikelyFile[];
  /** Lessons that fit, the best first. */
  lessons: ShownLesson[];
  /** Those of them that can be used as they are. How the task ends is counted for or against them. */
  use: LessonId[];
  /** A playbook that more likely fits than not. */
  playbook?: OfferedPlaybook;
  /** Names the answer, for `feedback` and `explain`. */
  receipt: string;
}

/** Asks what earlier work says about the task. @throws AionisError what `taskStart` fails with. */
export async function askGuidance(
  client: Pick<Client, "taskStart">,
  task: Assignment,
  options: CallOptions,
): Promise<Guidance> {
  const answer = await client.taskStart(toQuestion(task), options);
  const { prompt: text, firstAction, gate, files, lessons, buckets, playbook, receipt } = answer;
  const known = gate.action === "proceed" || files.length > 0 || lessons.length > 0;
  const use = buckets.useNow.flatMap(({ id }) => LessonIdSchema.safeParse(id).data ?? []);
  const offered = playbook === undefined ? {} : { playbook };
  return { known, text, firstAction, gate, files, lessons, use, ...offered, receipt };
}

/** A task that was handed over is asked about with what both its starter and its last owner said. */
function toQuestion({ brief, packet, family, files }: Assignment) {
  const texts = [brief, packet?.brief].filter((text) => text !== undefined);
  return {
    query: [...new Set(texts)].join("\n").slice(0, limits.queryChars).toWellFormed(),
    context: {
      files: [...new Set([...files, ...(packet?.files ?? [])])].slice(0, limits.listItems),
      ...(family === undefined ? {} : { family }),
    },
  };
}
