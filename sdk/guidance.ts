import { isFailure } from "../src/contracts/failures.ts";
import type {
  FirstAction,
  Gate,
  LikelyFile,
  MissingFile,
  OfferedPlaybook,
  ShownLesson,
} from "../src/contracts/guidance.ts";
import { type LessonId, LessonId as LessonIdSchema } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import type { Assignment } from "../src/contracts/task.ts";
import type { LocalQuestions } from "./checkout.ts";
import type { CallOptions } from "./client.ts";

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
  /** What is not where earlier work says, in the worker's checkout. */
  missing?: MissingFile[];
  /** A playbook that more likely fits than not. */
  playbook?: OfferedPlaybook;
  /** Names the answer, for `feedback` and `explain`. */
  receipt: string;
}

type Ask = Pick<LocalQuestions, "taskStart">;

/** The folders whose files count: the one that was asked for, else the worker's own. */
interface Folders {
  asked: string | undefined;
  own: string | undefined;
}

/** Asks what earlier work says about the task. @throws AionisError what `taskStart` fails with. */
export async function askGuidance(
  questions: Ask,
  task: Assignment,
  folders: Folders,
  options: CallOptions,
): Promise<Guidance> {
  const answer = await askIn(questions, toQuestion(task), folders, options);
  const { prompt: text, firstAction, gate, files, lessons, buckets, missing, playbook, receipt } = answer;
  const known = gate.action === "proceed" || files.length > 0 || lessons.length > 0;
  const use = buckets.useNow.flatMap(({ id }) => LessonIdSchema.safeParse(id).data ?? []);
  const extra = { ...(missing === undefined ? {} : { missing }), ...(playbook === undefined ? {} : { playbook }) };
  return { known, text, firstAction, gate, files, lessons, use, ...extra, receipt };
}

/** A worker's own folder that is no readable checkout is no reason to fail a task. */
async function askIn(
  { taskStart }: Ask,
  question: ReturnType<typeof toQuestion>,
  folders: Folders,
  options: CallOptions,
) {
  const { asked, own } = folders;
  const repo = asked ?? own;
  if (repo === undefined) return await taskStart(question, options);
  try {
    return await taskStart({ ...question, context: { ...question.context, repo } }, options);
  } catch (error) {
    if (asked !== undefined || !isFailure(error, "INPUT_INVALID", "GIT_UNUSABLE")) throw error;
    return await taskStart(question, options);
  }
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
